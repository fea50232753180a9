-- What waits for a person: one open case for each anchor, to which later reasons are added; each reason once, also after its case was closed.
--
-- KEYS  any number of times the name of all of them, rl1:{cases}; everything here is named after it, so on a cluster it lies on one node
-- ARGV  i  the call for KEYS[i], msgpack: an array of its name and what it takes. Times are seconds, by the caller's clock
--   open   kind and value of the anchor, reason, due_at or false, kept_s, most  -> the id of its case; reason: a map with source, kind, text, at, ...;
--          of a case that has `most` of them it is only counted, unless it is a warning
--   close  id, now, by, verdict, why, most  -> {1, case}, {0, case} if it was closed before, {0, ''} if there is none
--   read   id                               -> case, or ''
--   list   'open' or 'closed', count        -> {case, ...}: what is due first; what was closed last
-- Expiry  which case a reason went to is known for kept_s; of the closed ones the latest `most` are kept
-- State  the name itself  hash of cases by id, msgpack maps; :last  the number of the latest; :of  hash of open ids by anchor
--        :open, :closed   sorted sets of ids by when they are due (opened, if they are not) and closed; :reason:A:S  the case of a reason

local decode, encode = cmsgpack.unpack, cmsgpack.pack

local calls = {}

local function found(name, id)
    return redis.call('HGET', name, id) or ''
end

local function earlier(a, b)
    if not a or not b then
        return a or b or nil
    end
    return math.min(a, b)
end

function calls.open(name, kind, value, reason, due_at, kept_s, most)
    local anchor = kind .. ':' .. value
    local known = name .. ':reason:' .. anchor .. ':' .. reason.source
    local id = redis.call('GET', known)
    if id then
        return id
    end
    id = redis.call('HGET', name .. ':of', anchor)
    local case
    if id then
        case = decode(found(name, id))
    else
        id = 'case-' .. redis.call('INCR', name .. ':last')
        case = {id = id, anchor = {kind = kind, value = value}, reasons = {}, opened_at = reason.at, state = 'open'}
        redis.call('HSET', name .. ':of', anchor, id)
    end
    if #case.reasons < most or reason.kind == 'early_fraud_warning' then
        case.reasons[#case.reasons + 1] = reason
    else
        case.more = (case.more or 0) + 1
    end
    case.opened_at = earlier(case.opened_at, reason.at)
    case.due_at = earlier(case.due_at, due_at)
    redis.call('HSET', name, id, encode(case))
    redis.call('ZADD', name .. ':open', case.due_at or case.opened_at, id)
    redis.call('SET', known, id, 'EX', kept_s)
    return id
end

function calls.close(name, id, now, by, verdict, why, most)
    local state = found(name, id)
    local case = state ~= '' and decode(state)
    if not case or case.state ~= 'open' then
        return {0, state}
    end
    case.state, case.closed_at, case.by, case.verdict, case.why = 'closed', now, by, verdict, why
    local closed = name .. ':closed'
    redis.call('HSET', name, id, encode(case))
    redis.call('HDEL', name .. ':of', case.anchor.kind .. ':' .. case.anchor.value)
    redis.call('ZREM', name .. ':open', id)
    redis.call('ZADD', closed, now, id)
    for _, old in ipairs(redis.call('ZRANGE', closed, 0, -most - 1)) do
        redis.call('ZREM', closed, old)
        redis.call('HDEL', name, old)
    end
    return {1, found(name, id)}
end

function calls.read(name, id)
    return found(name, id)
end

function calls.list(name, state, count)
    local listed = {}
    local ids = redis.call(state == 'open' and 'ZRANGE' or 'ZREVRANGE', name .. ':' .. state, 0, count - 1)
    for i, id in ipairs(ids) do
        listed[i] = found(name, id)
    end
    return listed
end

local reply = {}
for i = 1, #KEYS do
    local call = decode(ARGV[i])
    reply[i] = calls[call[1]](KEYS[i], unpack(call, 2))
end
return reply
