-- The stream of messages to the ledger: batches of them, each taken by one consumer at a time and gone when the ledger has it.
--
-- KEYS  any number of times the stream's name, rl1:{records}; everything here is named after it, so on a cluster it lies on one node
-- ARGV  i  the call for KEYS[i], msgpack: an array of its name and what it takes; what follows it in `put` and `refuse` is the batch or the
--          message itself. Times are seconds, by the caller's clock
--   put     now, batch, count, most, most_bytes -> 1 stored, 0 full: more than `most` messages or bytes would wait
--   take    consumer, idle_ms, count            -> {{entry, batch, packed, times taken}, ...}, first what another took and left
--   done    entry...                            -> how many of them were there
--   refuse  now, why, most                      -> 1; of more than `most` the oldest is forgotten
--   refused count                               -> {{now, why, packed}, ...}, the latest first
--   state   now                                 -> {messages that wait, bytes of them, since when the oldest does, batches taken and not done}
-- Expiry  nothing expires
-- State  :in       stream, group `ledger`, of `b` the batch's id, `n` how many messages it has, `t` when it came, `m` the messages
--        :size     hash of how many messages and bytes are in the stream
--        :refused  list of messages that could not be read or written: msgpack {now, why, packed}

local encode = cmsgpack.pack
local GROUP = 'ledger'
local IDLE_CONSUMER_MS = 3600000

local calls = {}

function calls.put(name, rest, now, batch, count, most, most_bytes)
    local stream, size = name .. ':in', name .. ':size'
    local waiting = tonumber(redis.call('HGET', size, 'messages') or 0)
    local bytes = tonumber(redis.call('HGET', size, 'bytes') or 0)
    if waiting + count > most or bytes + #rest > most_bytes then
        return 0
    end
    if redis.call('EXISTS', stream) == 0 then
        redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
    end
    redis.call('XADD', stream, '*', 'b', batch, 'n', count, 't', now, 'm', rest)
    redis.call('HINCRBY', size, 'messages', count)
    redis.call('HINCRBY', size, 'bytes', #rest)
    return 1
end

local function taken(found, times)
    local fields = found[2] -- b, batch, n, count, t, now, m, packed
    return {found[1], fields[2], fields[8], times}
end

function calls.take(name, rest, consumer, idle_ms, count)
    local stream, got = name .. ':in', {}
    if redis.call('EXISTS', stream) == 0 then
        return got
    end
    for _, found in ipairs(redis.call('XAUTOCLAIM', stream, GROUP, consumer, idle_ms, '0', 'COUNT', count)[2]) do
        if found then
            local times = redis.call('XPENDING', stream, GROUP, found[1], found[1], 1)[1][4]
            got[#got + 1] = taken(found, times)
        end
    end
    if #got < count then
        local fresh = redis.call('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', count - #got, 'STREAMS', stream, '>')
        for _, found in ipairs(fresh and fresh[1][2] or {}) do
            got[#got + 1] = taken(found, 1)
        end
    end
    return got
end

function calls.done(name, rest, ...)
    local stream, size, gone = name .. ':in', name .. ':size', 0
    for _, entry in ipairs({...}) do
        local found = redis.call('XRANGE', stream, entry, entry)[1]
        redis.call('XACK', stream, GROUP, entry)
        if found then
            redis.call('XDEL', stream, entry)
            redis.call('HINCRBY', size, 'messages', -tonumber(found[2][4]))
            redis.call('HINCRBY', size, 'bytes', -#found[2][8])
            gone = gone + 1
        end
    end
    return gone
end

function calls.refuse(name, rest, now, why, most)
    redis.call('LPUSH', name .. ':refused', encode({now, why, rest}))
    redis.call('LTRIM', name .. ':refused', 0, most - 1)
    return 1
end

function calls.refused(name, rest, count)
    local found = {}
    for i, packed in ipairs(redis.call('LRANGE', name .. ':refused', 0, count - 1)) do
        local one = cmsgpack.unpack(packed)
        found[i] = {tostring(one[1]), one[2], one[3]}
    end
    return found
end

function calls.state(name, rest, now)
    local stream, size = name .. ':in', name .. ':size'
    local since, pending = now, 0
    if redis.call('EXISTS', stream) == 1 then
        local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
        since = oldest and oldest[2][6] or now
        pending = redis.call('XPENDING', stream, GROUP)[1]
        for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, GROUP)) do -- {name, its name, pending, how many, idle, ms, ...}
            if consumer[4] == 0 and consumer[6] > IDLE_CONSUMER_MS then
                redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, consumer[2])
            end
        end
    end
    local messages, bytes = redis.call('HGET', size, 'messages'), redis.call('HGET', size, 'bytes')
    return {tonumber(messages or 0), tonumber(bytes or 0), tostring(since), pending}
end

local reply = {}
for i = 1, #KEYS do
    local at, call = cmsgpack.unpack_one(ARGV[i])
    reply[i] = calls[call[1]](KEYS[i], at == -1 and '' or string.sub(ARGV[i], at + 1), unpack(call, 2))
end
return reply
