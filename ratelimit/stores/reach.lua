-- How far each sidecar has heard of the words that stand, so that it can be said in how many of them a change is in force.
--
-- KEYS  a hash, as often as there are calls; beside it, with `:alive` behind its name, a sorted set of who lives
-- ARGV  i  the call for KEYS[i]: nothing asks; 8 bytes, the id of a sidecar, say that it goes; with 12 more behind them, the revision up to
--       which it has heard, that it lives
-- Reply for each  to who asks, in one list: the id, and what the hash has of it, for each that lives; {} to a sidecar
-- State  by id: big-endian u4 u4 the ms at which it first said that revision, and the revision. Who said nothing for 30 s is struck out,
--       and so is whom a clock that was set back since has last heard in the future
-- TTL   60 s after the last call of a sidecar

local WORD = 2 ^ 32
local LIVES_MS, TTL_S = 30000, 60
local ID, REVISION = 8, 12

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function strike_out(key, id)
    redis.call('HDEL', key, id)
    redis.call('ZREM', key .. ':alive', id)
end

local function turn(key, call)
    local now = now_ms()
    for _, span in ipairs({{'-inf', now - LIVES_MS}, {now + LIVES_MS, '+inf'}}) do
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', key .. ':alive', span[1], span[2])) do
            strike_out(key, id)
        end
    end
    if call == '' then
        return redis.call('HGETALL', key)
    end
    local id, revision = call:sub(1, ID), call:sub(ID + 1)
    if revision == '' then
        strike_out(key, id)
        return {}
    end
    local known = redis.call('HGET', key, id)
    if not known or known:sub(-REVISION) ~= revision then
        local high = math.floor(now / WORD)
        redis.call('HSET', key, id, struct.pack('>I4I4', high, now - high * WORD) .. revision)
    end
    redis.call('ZADD', key .. ':alive', now, id)
    redis.call('EXPIRE', key, TTL_S)
    redis.call('EXPIRE', key .. ':alive', TTL_S)
    return {}
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = turn(KEYS[i], ARGV[i])
end
return reply
