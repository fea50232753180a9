-- The inbox of Stripe's facts: each is stored once, before it is answered, and worked on at least once by whoever takes it.
--
-- KEYS  any number of times the inbox's name, rl1:{stripe}; everything here is named after it, so on a cluster it lies on one node
-- ARGV  i  the call for KEYS[i], msgpack: an array of its name and what it takes. Times are seconds, by the caller's clock
--   put    now, event, twin, fact, kept_s, most_seen, most  -> 1 stored, 0 this event was here, 2 one that tells the same was, -1 full
--   take   consumer, idle_ms, count      -> {{entry, event, fact, times taken, looks}, ...}, first what another took and did not settle
--   done   entry, purchase, kept_s, link...  -> 1; from now on these links are known to be of that purchase, and who waited for one comes in
--   links  link...                       -> the purchase of each, '' where it is not known
--   park   entry, event, fact, looks, at, look_at, most, link...  -> 1; or 0: a link is known by now, so it went to the end of the inbox
--   look   now, kept_s, count            -> {came in, dropped}: those whose time has come are looked at again
--   dead   entry, event, fact, why, now, most  -> 1
--   retry  event, now                    -> 1: in the inbox again; 0: there is none
--   drop   event                         -> 1 or 0
--   list   'parked' or 'dead', count     -> {record, ...}, see State
--   state  now                           -> {in the inbox, since when the oldest is there, parked, dead}
-- Expiry  seen: kept_s; links: kept_s; parked: dropped by `look` after kept_s. Nothing else expires
-- State  :seen    sorted set of events and twins by when they came
--        :inbox   stream, group `desk`, of `f` the fact, `e` its event, `l` how often it was looked at in vain, `t` when it came in
--        :link:X  the purchase of an intent, a charge, ... X; :wait:X  set of the events that wait for it
--        :parked, :dead  hash of records by event: msgpack {event, fact, looks or why, at, links}; :parked.at, :dead.at  sorted sets

local decode, encode = cmsgpack.unpack, cmsgpack.pack
local GROUP = 'desk'
local IDLE_CONSUMER_MS = 3600000

local function stream_in(name, event, fact, looks, now)
    local inbox = name .. ':inbox'
    if redis.call('EXISTS', inbox) == 0 then
        redis.call('XGROUP', 'CREATE', inbox, GROUP, '0', 'MKSTREAM')
    end
    redis.call('XADD', inbox, '*', 'e', event, 'f', fact, 'l', looks, 't', now)
end

local function settle(name, entry)
    redis.call('XACK', name .. ':inbox', GROUP, entry)
    redis.call('XDEL', name .. ':inbox', entry)
end

local function forget(name, shelf, event)
    redis.call('ZREM', name .. shelf .. '.at', event)
    return redis.call('HDEL', name .. shelf, event)
end

local function keep(name, shelf, event, record, at, most)
    redis.call('HSET', name .. shelf, event, encode(record))
    redis.call('ZADD', name .. shelf .. '.at', at, event)
    if redis.call('HLEN', name .. shelf) > most then
        local farthest = redis.call(shelf == ':dead' and 'ZPOPMIN' or 'ZPOPMAX', name .. shelf .. '.at')[1]
        redis.call('HDEL', name .. shelf, farthest)
    end
end

local function record_of(name, shelf, event)
    local found = redis.call('HGET', name .. shelf, event)
    return found and decode(found)
end

local calls = {}

function calls.put(name, now, event, twin, fact, kept_s, most_seen, most)
    local seen = name .. ':seen'
    if redis.call('ZSCORE', seen, event) then
        return 0
    end
    if redis.call('ZSCORE', seen, twin) then
        return 2
    end
    if redis.call('XLEN', name .. ':inbox') >= most then
        return -1
    end
    redis.call('ZADD', seen, now, event, now, twin)
    redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - kept_s)
    redis.call('ZREMRANGEBYRANK', seen, 0, -most_seen - 1)
    stream_in(name, event, fact, 0, now)
    return 1
end

local function entry_of(found, times)
    local fields = {}
    for i = 1, #found[2], 2 do
        fields[found[2][i]] = found[2][i + 1]
    end
    return {found[1], fields.e, fields.f, times, tonumber(fields.l)}
end

function calls.take(name, consumer, idle_ms, count)
    local inbox, taken = name .. ':inbox', {}
    if redis.call('EXISTS', inbox) == 0 then
        return taken
    end
    for _, found in ipairs(redis.call('XAUTOCLAIM', inbox, GROUP, consumer, idle_ms, '0', 'COUNT', count)[2]) do
        if found then
            local times = redis.call('XPENDING', inbox, GROUP, found[1], found[1], 1)[1][4]
            taken[#taken + 1] = entry_of(found, times)
        end
    end
    if #taken < count then
        local fresh = redis.call('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', count - #taken, 'STREAMS', inbox, '>')
        for _, found in ipairs(fresh and fresh[1][2] or {}) do
            taken[#taken + 1] = entry_of(found, 1)
        end
    end
    return taken
end

function calls.done(name, entry, purchase, kept_s, ...)
    for _, link in ipairs({...}) do
        redis.call('SET', name .. ':link:' .. link, purchase, 'EX', kept_s)
        local waiting = name .. ':wait:' .. link
        for _, event in ipairs(redis.call('SMEMBERS', waiting)) do
            local record = record_of(name, ':parked', event)
            if record then
                forget(name, ':parked', event)
                stream_in(name, event, record[2], record[3], record[4])
            end
        end
        redis.call('DEL', waiting)
    end
    settle(name, entry)
    return 1
end

function calls.links(name, ...)
    local found = {}
    for i, link in ipairs({...}) do
        found[i] = redis.call('GET', name .. ':link:' .. link) or ''
    end
    return found
end

function calls.park(name, entry, event, fact, looks, at, look_at, most, ...)
    for _, link in ipairs({...}) do
        if redis.call('EXISTS', name .. ':link:' .. link) == 1 then
            stream_in(name, event, fact, looks, at)
            settle(name, entry)
            return 0
        end
    end
    for _, link in ipairs({...}) do
        redis.call('SADD', name .. ':wait:' .. link, event)
        redis.call('EXPIRE', name .. ':wait:' .. link, 2592000)
    end
    keep(name, ':parked', event, {event, fact, looks, at, {...}}, look_at, most)
    settle(name, entry)
    return 1
end

function calls.look(name, now, kept_s, count)
    local came, dropped = 0, 0
    for _, event in ipairs(redis.call('ZRANGEBYSCORE', name .. ':parked.at', '-inf', now, 'LIMIT', 0, count)) do
        local record = record_of(name, ':parked', event)
        forget(name, ':parked', event)
        if record and now - record[4] < kept_s then
            stream_in(name, event, record[2], record[3], record[4])
            came = came + 1
        else
            dropped = dropped + 1
        end
    end
    local inbox = name .. ':inbox'
    local consumers = redis.call('EXISTS', inbox) == 1 and redis.call('XINFO', 'CONSUMERS', inbox, GROUP) or {}
    for _, consumer in ipairs(consumers) do -- {name, its name, pending, how many, idle, milliseconds, ...}
        if consumer[4] == 0 and consumer[6] > IDLE_CONSUMER_MS then
            redis.call('XGROUP', 'DELCONSUMER', inbox, GROUP, consumer[2])
        end
    end
    return {came, dropped}
end

function calls.dead(name, entry, event, fact, why, now, most)
    keep(name, ':dead', event, {event, fact, why, now, {}}, now, most)
    settle(name, entry)
    return 1
end

function calls.retry(name, event, now)
    local record = record_of(name, ':dead', event)
    if not record then
        return 0
    end
    forget(name, ':dead', event)
    stream_in(name, event, record[2], 0, now)
    return 1
end

function calls.drop(name, event)
    return forget(name, ':dead', event)
end

function calls.list(name, shelf, count)
    local found = {}
    for i, event in ipairs(redis.call('ZREVRANGE', name .. ':' .. shelf .. '.at', 0, count - 1)) do
        found[i] = redis.call('HGET', name .. ':' .. shelf, event)
    end
    return found
end

function calls.state(name, now)
    local oldest = redis.call('XRANGE', name .. ':inbox', '-', '+', 'COUNT', 1)[1]
    local since = now
    if oldest then
        for i = 1, #oldest[2], 2 do
            since = oldest[2][i] == 't' and oldest[2][i + 1] or since
        end
    end
    local in_it = redis.call('XLEN', name .. ':inbox')
    return {in_it, tostring(since), redis.call('HLEN', name .. ':parked'), redis.call('HLEN', name .. ':dead')}
end

local reply = {}
for i = 1, #KEYS do
    local call = decode(ARGV[i])
    reply[i] = calls[call[1]](KEYS[i], unpack(call, 2))
end
return reply
