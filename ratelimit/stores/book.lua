-- The book of purchases: one entry for each, written by whoever saw it last, so that no two who write at once undo one another.
--
-- KEYS  any number of entries (on a cluster: one)
-- ARGV  i  the call for KEYS[i], little-endian: u4 seconds to keep it, u4 version that was read, and the new entry, nothing to only read
-- Reply for each  {1, entry} that was read, '' where there is none; {1, ''} when it was written; {0, entry} where another version is there
-- State  u4 version, and the entry as it was given; a version counts from 1

local pack, unpack = struct.pack, struct.unpack

local HEAD_BYTES = 8

local function turn(key, call)
    local state = redis.call('GET', key)
    local seconds, expected = unpack('<I4I4', call)
    if #call == HEAD_BYTES then
        return {1, state or ''}
    end
    local version = state and unpack('<I4', state) or 0
    if version ~= expected then
        return {0, state or ''}
    end
    redis.call('SET', key, pack('<I4', version + 1) .. call:sub(HEAD_BYTES + 1), 'EX', seconds)
    return {1, ''}
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = turn(KEYS[i], ARGV[i])
end
return reply
