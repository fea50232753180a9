-- What is to be told to the site, until it has taken it: messages with the instant at which each is due.
--
-- KEYS  any number of times the queue's name, whose hash tag holds all its keys together (on a cluster: once)
-- ARGV  i  the call for KEYS[i], a MessagePack array whose first is what to do; times are seconds since the epoch, ids and messages are text
--          add now until id message    a new one, due now; the same id again, before `until`, does nothing
--          take now most until         those that are due, which are due again at `until` unless they were seen to
--          put id due message          not taken by the site: due later, as it is now
--          drop id                     the site has it
--          bury id now most message    given up; of the dead the latest `most` are kept
--          dead most                   the dead, latest first
--          revive id now message       a dead one is due again
--          size                        how many are due some time, and how many are dead
-- Reply for each  add, put, drop, bury, revive: 1 if it was done, else 0; take, dead: messages; size: {due, dead}
-- State  NAME:due and NAME:dead, ids by instant; NAME:known, ids by when they are forgotten; NAME:messages, a hash by id
--
-- It names keys that are not in KEYS. They have the tag of one that is, so they are on the same node.

local function messages_of(key, ids)
    local found = {}
    for _, id in ipairs(ids) do
        found[#found + 1] = redis.call('HGET', key .. ':messages', id) or nil
    end
    return found
end

local turn = {}

function turn.add(key, now, until_, id, message)
    redis.call('ZREMRANGEBYSCORE', key .. ':known', '-inf', now)
    if redis.call('ZADD', key .. ':known', 'NX', until_, id) == 0 then
        return 0
    end
    redis.call('HSET', key .. ':messages', id, message)
    redis.call('ZADD', key .. ':due', now, id)
    return 1
end

function turn.take(key, now, most, until_)
    local ids = redis.call('ZRANGEBYSCORE', key .. ':due', '-inf', now, 'LIMIT', 0, most)
    for _, id in ipairs(ids) do
        redis.call('ZADD', key .. ':due', until_, id)
    end
    return messages_of(key, ids)
end

function turn.put(key, id, due, message)
    if not redis.call('ZSCORE', key .. ':due', id) then
        return 0
    end
    redis.call('ZADD', key .. ':due', due, id)
    redis.call('HSET', key .. ':messages', id, message)
    return 1
end

function turn.drop(key, id)
    if redis.call('ZREM', key .. ':due', id) == 0 then
        return 0
    end
    redis.call('HDEL', key .. ':messages', id)
    return 1
end

function turn.bury(key, id, now, most, message)
    if redis.call('ZREM', key .. ':due', id) == 0 then
        return 0
    end
    redis.call('HSET', key .. ':messages', id, message)
    redis.call('ZADD', key .. ':dead', now, id)
    for _, old in ipairs(redis.call('ZRANGE', key .. ':dead', 0, -1 - most)) do
        redis.call('ZREM', key .. ':dead', old)
        redis.call('HDEL', key .. ':messages', old)
    end
    return 1
end

function turn.dead(key, most)
    return messages_of(key, redis.call('ZREVRANGE', key .. ':dead', 0, most - 1))
end

function turn.revive(key, id, now, message)
    if redis.call('ZREM', key .. ':dead', id) == 0 then
        return 0
    end
    redis.call('HSET', key .. ':messages', id, message)
    redis.call('ZADD', key .. ':due', now, id)
    return 1
end

function turn.size(key)
    return {redis.call('ZCARD', key .. ':due'), redis.call('ZCARD', key .. ':dead')}
end

local reply = {}
for i = 1, #KEYS do
    local call = cmsgpack.unpack(ARGV[i])
    reply[i] = turn[call[1]](KEYS[i], unpack(call, 2))
end
return reply
