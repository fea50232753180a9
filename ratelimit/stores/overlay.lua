-- What lies on the policy's rules: one document, and the revision by which it is known.
--
-- KEYS  the document's name, as often as there are calls
-- ARGV  i  the call for KEYS[i], a MessagePack array whose first is what to do; revisions are text, '' is that of nothing
--          get known                       the document, unless it is the known one
--          put expected revision document  write it, if what is there is as expected
-- Reply for each  get: {revision, document}, without a document where it is known; put: {1, revision} if it was written, else {0, that of
--       what is there}
-- State  a hash: revision, document; it stays

local turn = {}

local function revision_of(key)
    return redis.call('HGET', key, 'revision') or ''
end

function turn.get(key, known)
    local revision = revision_of(key)
    if revision == known then
        return {revision}
    end
    return {revision, redis.call('HGET', key, 'document') or ''}
end

function turn.put(key, expected, revision, document)
    local now = revision_of(key)
    if now ~= expected then
        return {0, now}
    end
    redis.call('HSET', key, 'revision', revision, 'document', document)
    return {1, revision}
end

local reply = {}
for i = 1, #KEYS do
    local call = cmsgpack.unpack(ARGV[i])
    reply[i] = turn[call[1]](KEYS[i], unpack(call, 2))
end
return reply
