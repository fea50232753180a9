-- Words that stand: a hash of all, and a stream of their changes, by which every sidecar hears of one at once and misses none.
--
-- KEYS  the hash, as often as there are calls; the stream's name is that of the hash with `:changes` behind it
-- ARGV  i  the call for KEYS[i], big-endian: u4 most words that may stand, 12 bytes the revision that was read (zeros: there was none),
--       u2 length of the word's id, the id, and the new word, nothing to take it away
-- Reply for each  {1, revision} when it was written; {0, revision and word} of another that is there, '' where there is none;
--       {-1, ''} when so many stand that no new one may
-- State  by id: the revision, u8 ms and u4 number of the stream's entry that made it, and the word. The stream: n counts changes without
--       a gap, id, word ('' when it was taken away); about the latest 10,000 stay

local pack, unpack = struct.pack, struct.unpack

local NONE = ('\0'):rep(12)
local WORD = 32 -- bits
local KEPT = 10000

local function revision_of(id)
    local ms, number = id:match('^(%d+)-(%d+)$')
    local high = math.floor(ms / 2 ^ WORD)
    return pack('>I4I4I4', high, ms - high * 2 ^ WORD, number)
end

local function count_of(stream)
    local latest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
    return latest and latest[2][2] + 1 or 1
end

local function turn(key, call)
    local most, length = unpack('>I4', call), unpack('>I2', call, 17)
    local expected, id, word = call:sub(5, 16), call:sub(19, 18 + length), call:sub(19 + length)
    local state = redis.call('HGET', key, id)
    if (state and state:sub(1, 12) or NONE) ~= expected then
        return {0, state or ''}
    end
    if not state and (word == '' or redis.call('HLEN', key) >= most) then
        return {word == '' and 0 or -1, ''}
    end
    local stream = key .. ':changes'
    local entry = redis.call('XADD', stream, 'MAXLEN', '~', KEPT, '*', 'n', ('%.0f'):format(count_of(stream)), 'id', id, 'word', word)
    local revision = revision_of(entry)
    if word == '' then
        redis.call('HDEL', key, id)
    else
        redis.call('HSET', key, id, revision .. word)
    end
    return {1, revision}
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = turn(KEYS[i], ARGV[i])
end
return reply
