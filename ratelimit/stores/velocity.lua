-- The log of an entity of purchases: what was attempted of late by an account, with a card, from an address, ..., how it ended, and what was
-- confirmed as fraud or good. Every call may be sent again: a second time it changes nothing.
--
-- KEYS  any number of logs (on a cluster: one)
-- ARGV  i  the call for KEYS[i], little-endian: u1 what (0 read, 1 attend, 2 outcome, 3 label), f8 now or when it became known, f8 when it was
--          attempted, c8 tag of the attempt (label: of the purchase), f4 amount, u4 tag of the account, u4 tag of the card or 0,
--          u1 flags (label: verdict, 1 fraud, 2 good, 0 neither), u2 most entries to keep. Times are seconds since the epoch
-- Reply for each  to read or attend: the log as it was before, '' where there is none; else ''. Who attends again finds the attempt in it, and
--          what was before it before that
-- Flags  1 succeeded, 2 failed, 4 CVC wrong, 8 postal code wrong; 16 a setup, 32 a grant
-- State  f8 first seen, f8 latest attempt or label, f8 when the latest label that is no longer kept was known, u4 attempts, u4 frauds, u4 goods,
--          u2 entries, u2 labels; 37 bytes an entry: f8 at, c8 tag, f8 outcome known at (0: it is not), f4 amount, u4 account, u4 card, u1 flags;
--          17 bytes a label: c8 tag, f8 known at, u1 verdict. Oldest first; 128 labels at most
-- Expiry  40 days after the latest attempt or label, 400 with a fraud; by the times told too, so that a past that is told fast expires as well

local pack, unpack = struct.pack, struct.unpack
local max = math.max

local CALL = '<I1ddc8fI4I4I1I2'
local HEAD, HEAD_BYTES = '<dddI4I4I4I2I2', 40
local ENTRY, ENTRY_BYTES = '<dc8dfI4I4I1', 37
local LABEL, LABEL_BYTES = '<c8dI1', 17
local ENTRY_TAG, ENTRY_KNOWN, ENTRY_FLAGS = 8, 16, 36 -- where they begin in an entry
local MOST_LABELS = 128
local READ, ATTEND, OUTCOME, SET_LABEL = 0, 1, 2, 3
local NAMES = {'frauds', 'goods'} -- of verdicts
local KIND_FLAGS = 16
local DAY = 86400
local LIFE, FRAUD_LIFE = 40 * DAY, 400 * DAY

local function read(state)
    local log = {}
    log.first, log.last, log.forgotten, log.attempts, log.frauds, log.goods, log.count, log.labelled = unpack(HEAD, state)
    local split = HEAD_BYTES + log.count * ENTRY_BYTES
    log.entries, log.labels = state:sub(HEAD_BYTES + 1, split), state:sub(split + 1)
    return log
end

local function fresh(first)
    return {first = first, last = 0, forgotten = 0, attempts = 0, frauds = 0, goods = 0, count = 0, labelled = 0, entries = '', labels = ''}
end

local function life(log)
    return log.frauds > 0 and FRAUD_LIFE or LIFE
end

local function write(key, log)
    local head = pack(HEAD, log.first, log.last, log.forgotten, log.attempts, log.frauds, log.goods, log.count, log.labelled)
    redis.call('SET', key, head .. log.entries .. log.labels, 'EX', life(log))
end

-- Where the row with that tag begins, from 0; the tag stands `at` bytes into a row of `size`.
local function find(rows, tag, at, size)
    local place = rows:find(tag, 1, true)
    while place do
        if (place - 1 - at) % size == 0 then
            return place - 1 - at
        end
        place = rows:find(tag, place + 1, true)
    end
end

local function attend(log, now, at, tag, amount, account, card, flags, most)
    log.entries = log.entries .. pack(ENTRY, at, tag, 0, amount, account, card, flags)
    log.count = log.count + 1
    if log.count > most then
        log.entries = log.entries:sub((log.count - most) * ENTRY_BYTES + 1)
        log.count = most
    end
    log.attempts = log.attempts + 1
    log.first, log.last = math.min(log.first, at), max(log.last, at)
end

-- The latest that became known of an attempt stands; of the same said twice the first time.
local function outcome(key, log, known_at, place, flags)
    local _, _, was_known, _, _, _, was = unpack(ENTRY, log.entries, place + 1)
    local kind = was - was % KIND_FLAGS
    if was == kind + flags or known_at < was_known then
        return
    end
    redis.call('SETRANGE', key, HEAD_BYTES + place + ENTRY_KNOWN, pack('<d', known_at))
    redis.call('SETRANGE', key, HEAD_BYTES + place + ENTRY_FLAGS, pack('<I1', kind + flags))
end

local function count(log, verdict, by)
    local name = NAMES[verdict]
    if name then
        log[name] = max(0, log[name] + by)
    end
end

-- One label for each purchase; false where this one is known already, is older than what stands, or was known and forgotten.
local function label(log, known_at, tag, verdict)
    local place = find(log.labels, tag, 0, LABEL_BYTES)
    if place then
        local _, was_known, was = unpack(LABEL, log.labels, place + 1)
        if was == verdict or known_at < was_known then
            return false
        end
        count(log, was, -1)
        log.labels = log.labels:sub(1, place) .. log.labels:sub(place + LABEL_BYTES + 1)
    elseif known_at <= log.forgotten then
        return false
    else
        log.labelled = log.labelled + 1
    end
    count(log, verdict, 1)
    log.labels = log.labels .. pack(LABEL, tag, known_at, verdict)
    if log.labelled > MOST_LABELS then
        local _, known = unpack(LABEL, log.labels)
        log.forgotten = max(log.forgotten, known)
        log.labels, log.labelled = log.labels:sub(LABEL_BYTES + 1), MOST_LABELS
    end
    log.last = max(log.last, known_at)
    return true
end

local function turn(key, call)
    local what, now, at, tag, amount, account, card, flags, most = unpack(CALL, call)
    local state = redis.call('GET', key)
    local log = state and read(state)
    if log and now >= log.last + life(log) then
        state, log = nil, nil
    end
    local place = log and find(log.entries, tag, ENTRY_TAG, ENTRY_BYTES)
    if what == ATTEND and not place then
        log = log or fresh(at)
        attend(log, now, at, tag, amount, account, card, flags, most)
        write(key, log)
    elseif what == OUTCOME and place then
        outcome(key, log, now, place, flags)
    elseif what == SET_LABEL then
        log = log or fresh(at)
        if label(log, now, tag, flags) then
            write(key, log)
        end
    end
    return (what == READ or what == ATTEND) and state or ''
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = turn(KEYS[i], ARGV[i])
end
return reply
