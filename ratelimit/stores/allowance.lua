-- Allowances: a sum of money each, of which parts are taken until nothing is left that a part would fit into.
--
-- KEYS  any number of allowances (on a cluster: one)
-- ARGV  i  the call for KEYS[i], little-endian: u4 seconds to keep it from its first part on, u8 what it is in all, u8 the part asked for
-- Reply for each  1 where the part was taken, 0 where it did not fit, and then nothing was
-- State  what was taken so far, in decimals

local unpack = struct.unpack

local function turn(key, call)
    local seconds, all, part = unpack('<I4I8I8', call)
    local taken = tonumber(redis.call('GET', key) or '0')
    if taken + part > all then
        return 0
    end
    redis.call('INCRBY', key, string.format('%.0f', part))
    if taken == 0 then
        redis.call('EXPIRE', key, seconds)
    end
    return 1
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = turn(KEYS[i], ARGV[i])
end
return reply
