-- Forgetting somebody: keys go, and what others share with them loses them alone. Every call may be sent again.
--
-- KEYS  any number of keys; `:changes`, `:messages`, `:due`, `:dead`, `:parked` and `.at` behind them are on the same node by their tag
-- ARGV  i  the call for KEYS[i], msgpack: an array of its name and what it takes. A needle is bytes that say that something is about them
--   key                              the key goes
--   read                             what it holds, for who asks what is kept of them
--   log      account, other          in a log of purchases (velocity.lua) u4 `account` becomes u4 `other`, so different ones are as many as before
--   stream   from, count, needle...  entries of the stream KEY with a needle go, `count` of all looked at after the entry `from` ('-': all)
--   list     needle...               members of the list KEY with a needle go
--   note     at, name...               these names are written down in the hash KEY as forgotten at that time, the latest stays
--   noted    before                    what is written down there; what is from before that time goes first
--   queue    needle...               messages of webhook.lua with a needle go, be they due or dead
--   inbox    needle...               facts of inbox.lua with a needle go that wait for their purchase, or are dead
-- Reply for each  how many there were; to read the value, '' where there is none; to noted {name, at, ...}; to stream {how many there were, the last entry looked at, '' at the end}
-- Expiry  as it was
--
-- It names keys that are not in KEYS. They have the tag of one that is, so they are on the same node.

local HEAD_BYTES, ENTRY_BYTES, ENTRY_ACCOUNT = 40, 37, 28 -- of velocity.lua
local HEAD = '<dddI4I4I4I2I2'

local function is_about(text, needles)
    for _, needle in ipairs(needles) do
        if text:find(needle, 1, true) then
            return true
        end
    end
    return false
end

local function in_hash(key, needles)
    local found, fields = {}, redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
        if is_about(fields[i], needles) or is_about(fields[i + 1], needles) then
            found[#found + 1] = fields[i]
        end
    end
    return found
end

local turn = {}

function turn.key(key)
    return redis.call('DEL', key)
end

function turn.read(key)
    return redis.call('GET', key) or ''
end

function turn.log(key, account, other)
    local state = redis.call('GET', key)
    if not state then
        return 0
    end
    local _, _, _, _, _, _, count = struct.unpack(HEAD, state)
    local was, now, replaced = struct.pack('<I4', account), struct.pack('<I4', other), 0
    for i = 0, count - 1 do
        local place = HEAD_BYTES + i * ENTRY_BYTES + ENTRY_ACCOUNT
        if state:sub(place + 1, place + 4) == was then
            redis.call('SETRANGE', key, place, now)
            replaced = replaced + 1
        end
    end
    return replaced
end

function turn.stream(key, from, count, ...)
    local needles, gone, last = {...}, 0, ''
    local entries = redis.call('XRANGE', key, from == '-' and '-' or '(' .. from, '+', 'COUNT', count)
    for _, entry in ipairs(entries) do
        last = entry[1]
        for _, field in ipairs(entry[2]) do
            if is_about(field, needles) then
                gone = gone + redis.call('XDEL', key, entry[1])
                break
            end
        end
    end
    return {gone, #entries == count and last or ''}
end

function turn.list(key, ...)
    local gone, needles = 0, {...}
    for _, member in ipairs(redis.call('LRANGE', key, 0, -1)) do
        if is_about(member, needles) then
            gone = gone + redis.call('LREM', key, 0, member)
        end
    end
    return gone
end

function turn.note(key, at, ...)
    local new = 0
    for _, name in ipairs({...}) do
        if tonumber(redis.call('HGET', key, name) or '-inf') < at then
            redis.call('HSET', key, name, ('%.3f'):format(at))
            new = new + 1
        end
    end
    return new
end

function turn.noted(key, before)
    local found = redis.call('HGETALL', key)
    for i = 1, #found, 2 do
        if tonumber(found[i + 1]) < before then
            redis.call('HDEL', key, found[i])
        end
    end
    return redis.call('HGETALL', key)
end

function turn.queue(key, ...)
    local ids = in_hash(key .. ':messages', {...})
    for _, id in ipairs(ids) do
        redis.call('ZREM', key .. ':due', id)
        redis.call('ZREM', key .. ':dead', id)
        redis.call('HDEL', key .. ':messages', id)
    end
    return #ids
end

function turn.inbox(key, ...)
    local gone = 0
    for _, shelf in ipairs({':parked', ':dead'}) do
        for _, event in ipairs(in_hash(key .. shelf, {...})) do
            redis.call('ZREM', key .. shelf .. '.at', event)
            gone = gone + redis.call('HDEL', key .. shelf, event)
        end
    end
    return gone
end

local reply = {}
for i = 1, #KEYS do
    local call = cmsgpack.unpack(ARGV[i])
    reply[i] = turn[call[1]](KEYS[i], unpack(call, 2))
end
return reply
