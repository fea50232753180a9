-- How often it was tried in vain to log in, by login or by address, and until when nobody may try any more.
--
-- KEYS  a name each
-- ARGV  i  the call for KEYS[i], a MessagePack array whose first is what to do; times are seconds since the epoch
--          take now most lock_s longest_s kept_s   an attempt begins, which counts as failed until it is known to be good: the `most`th locks
--                                                  for lock_s, and the next lock lasts twice as long, up to longest_s
--          clear                                    it was good: what is known of this name is forgotten
--          give now most                            it was good: it alone does not count
-- Reply for each  take: {1, 0} if it may be made, {1, until} if it locks, {0, until} if it may not be made; until is rounded up. clear, give: 1
-- Expiry  kept_s after the latest attempt
-- State  a hash of n, failures since the last lock; locks, how many there were; until

local call = redis.call
local turn = {}

local function known(key)
    local found = call('HMGET', key, 'n', 'locks', 'until')
    return tonumber(found[1] or 0), tonumber(found[2] or 0), tonumber(found[3] or 0)
end

function turn.take(key, now, most, lock_s, longest_s, kept_s)
    local n, locks, until_ = known(key)
    if until_ > now then
        return {0, math.ceil(until_)}
    end
    n, until_ = n + 1, 0
    if n >= most then
        until_ = now + math.min(lock_s * 2 ^ locks, longest_s)
        n, locks = 0, locks + 1
    end
    call('HSET', key, 'n', n, 'locks', locks, 'until', until_)
    call('PEXPIRE', key, math.ceil(kept_s * 1000))
    return {1, math.ceil(until_)}
end

function turn.clear(key)
    call('DEL', key)
    return 1
end

function turn.give(key, now, most)
    local n, locks, until_ = known(key)
    if n == 0 and until_ > now then
        n, locks, until_ = most, locks - 1, 0
    end
    if n > 0 then
        call('HSET', key, 'n', n - 1, 'locks', locks, 'until', until_)
    end
    return 1
end

local replies = {}
for i, key in ipairs(KEYS) do
    local asked = cmsgpack.unpack(ARGV[i])
    replies[i] = turn[asked[1]](key, unpack(asked, 2))
end
return replies
