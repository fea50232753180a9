-- Who is logged in: sessions by the digest of their secret, and which of them a person has.
--
-- KEYS  any number of times the name of all of them, whose hash tag holds all its keys together (on a cluster: once)
-- ARGV  i  the call for KEYS[i], a MessagePack array whose first is what to do; times are seconds since the epoch, ids and sessions are text
--          open id person session now idle_s until most   a new one, until `until` at the latest; of a person's the `most` seen last are kept
--          touch id now idle_s                             the session, and that it was seen; idle_s 0: it is not seen by that
--          lasts id                                        whether it is there, without its being seen
--          of person                                       a person's sessions
--          end person id                                   that one is over
--          keep person id                                  all of them but that one are over; '' keeps none
-- Reply for each  open: 1; touch: {session, person, seen before} or {}; lasts: 1 or 0; of: {{id, session, seen}, ...}, seen last comes first;
--                 end and keep: how many are over. `seen` is text
-- Expiry  a session after idle_s without being seen, and at `until`; a person's list with the last session in it
-- State  NAME:s:ID, a hash of session, person, seen, until; NAME:p:PERSON, its ids by when they were seen
--
-- It names keys that are not in KEYS. They have the tag of one that is, so they are on the same node.

local call = redis.call

local function lasts(until_, now, idle_s)
    return math.max(math.ceil(math.min(until_ - now, idle_s) * 1000), 1)
end

local function over(name, person, id)
    call('ZREM', name .. ':p:' .. person, id)
    return call('DEL', name .. ':s:' .. id)
end

-- the ids of sessions that are still there; the others are dropped from the list
local function living(name, person)
    local list, found = name .. ':p:' .. person, {}
    for _, id in ipairs(call('ZREVRANGE', list, 0, -1)) do
        if call('EXISTS', name .. ':s:' .. id) == 1 then
            found[#found + 1] = id
        else
            call('ZREM', list, id)
        end
    end
    return found
end

local turn = {}

function turn.open(name, id, person, session, now, idle_s, until_, most)
    local key, list = name .. ':s:' .. id, name .. ':p:' .. person
    call('HSET', key, 'session', session, 'person', person, 'seen', now, 'until', until_)
    call('PEXPIRE', key, lasts(until_, now, idle_s))
    call('ZADD', list, now, id)
    call('PEXPIRE', list, math.ceil(math.max(until_ - now, 1) * 1000))
    for i, old in ipairs(living(name, person)) do
        if i > most then
            over(name, person, old)
        end
    end
    return 1
end

function turn.touch(name, id, now, idle_s)
    local key = name .. ':s:' .. id
    local found = call('HMGET', key, 'session', 'person', 'seen', 'until')
    if not found[1] then
        return {}
    end
    local until_ = tonumber(found[4])
    if until_ <= now then
        over(name, found[2], id)
        return {}
    end
    if idle_s > 0 then
        call('HSET', key, 'seen', now)
        call('PEXPIRE', key, lasts(until_, now, idle_s))
        call('ZADD', name .. ':p:' .. found[2], now, id)
    end
    return {found[1], found[2], found[3]}
end

function turn.lasts(name, id)
    return call('EXISTS', name .. ':s:' .. id)
end

function turn.of(name, person)
    local told = {}
    for i, id in ipairs(living(name, person)) do
        local found = call('HMGET', name .. ':s:' .. id, 'session', 'seen')
        told[i] = {id, found[1], found[2]}
    end
    return told
end

turn['end'] = function(name, person, id)
    if not call('ZSCORE', name .. ':p:' .. person, id) then
        return 0
    end
    return over(name, person, id)
end

function turn.keep(name, person, kept)
    local count = 0
    for _, id in ipairs(living(name, person)) do
        if id ~= kept then
            count = count + over(name, person, id)
        end
    end
    return count
end

local replies = {}
for i, name in ipairs(KEYS) do
    local asked = cmsgpack.unpack(ARGV[i])
    replies[i] = turn[asked[1]](name, unpack(asked, 2))
end
return replies
