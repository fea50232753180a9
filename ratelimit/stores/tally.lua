-- How purchases with a card go, of the whole site or of a slice of it such as a country: counts of ten minutes, and of each hour of four weeks.
-- Every call may be sent again: of the newest 1,024 attempts none is counted twice, nor its failure. Failures of older ones are not counted.
--
-- KEYS  any number of tallies (on a cluster: one)
-- ARGV  i  the call for KEYS[i], little-endian: u1 what (0 read, 1 attend, 2 outcome), f8 now, in seconds since the epoch, c8 tag of the attempt,
--          u1 flags: 1 it failed, 2 it is a setup
-- Reply for each  to read or attend: 9 u4, as it was without that attempt: hour of the first attempt (hours since the epoch); purchases, failed
--          ones, setups, failed ones in this minute and the nine before; the same in the same hour of the four weeks before. '' where there is
--          none, and to an outcome
-- State  u4 hour of the first attempt, u4 attempts; 1,024 places of 13 bytes: c8 tag, u4 minute, u1 flags; 11 minutes and then 673 hours of 20
--          bytes: u4 which one it is, u4 purchases, u4 failed, u4 setups, u4 failed. A minute has the place of its remainder by 11, an hour by 673
-- Expiry  36 days after the latest attempt

local pack, unpack = struct.pack, struct.unpack
local floor = math.floor

local CALL = '<I1dc8I1'
local RECENT, RECENT_AT, PLACE_BYTES = 1024, 8, 13
local MINUTES, MINUTES_AT = 11, RECENT_AT + RECENT * PLACE_BYTES
local HOURS, HOURS_AT = 673, MINUTES_AT + MINUTES * 20
local WEEK = 168
local SPAN = 10
local READ, ATTEND, OUTCOME = 0, 1, 2
local LIFE = 36 * 86400

-- The slot of a minute or an hour: which one it is of, and its four counts.
local function slot(bytes, place)
    if #bytes < place + 20 then
        return {0, 0, 0, 0, 0}
    end
    return {unpack('<I4I4I4I4I4', bytes, place + 1)}
end

local function add(sum, of, number)
    if of[1] == number then
        for i = 1, 4 do
            sum[i] = sum[i] + of[1 + i]
        end
    end
end

local function bump(key, at, places, number, column, by)
    local place = at + number % places * 20
    local of = slot(redis.call('GETRANGE', key, place, place + 19), 0)
    if of[1] ~= number then
        if by < 0 or of[1] > number then
            return
        end
        of = {number, 0, 0, 0, 0}
    end
    of[1 + column] = math.max(0, of[1 + column] + by)
    redis.call('SETRANGE', key, place, pack('<I4I4I4I4I4', _G.unpack(of)))
end

local function count(key, minute, column, by)
    bump(key, MINUTES_AT, MINUTES, minute, column, by)
    bump(key, HOURS_AT, HOURS, floor(minute / 60), column, by)
end

-- Where an attempt is among the newest, if it is: place, minute, flags.
local function find(recent, tag)
    local found = recent:find(tag, 1, true)
    while found do
        if (found - 1) % PLACE_BYTES == 0 then
            return found - 1, unpack('<I4I1', recent, found + 8)
        end
        found = recent:find(tag, found + 1, true)
    end
end

local function column_of(flags)
    return flags >= 2 and 3 or 1
end

local function tell(key, head, minute, own_minute, own_flags)
    local latest, usual = {0, 0, 0, 0}, {0, 0, 0, 0}
    for m = minute - SPAN + 1, minute do
        add(latest, slot(head, MINUTES_AT + m % MINUTES * 20), m)
    end
    if own_minute and own_minute > minute - SPAN and own_minute <= minute then
        local column = column_of(own_flags)
        latest[column] = latest[column] - 1
        latest[column + 1] = latest[column + 1] - own_flags % 2
    end
    local hour = floor(minute / 60)
    for week = 1, 4 do
        local before = hour - week * WEEK
        local place = HOURS_AT + before % HOURS * 20
        add(usual, slot(redis.call('GETRANGE', key, place, place + 19), 0), before)
    end
    return head:sub(1, 4) .. pack('<I4I4I4I4I4I4I4I4', latest[1], latest[2], latest[3], latest[4], usual[1], usual[2], usual[3], usual[4])
end

local function attend(key, head, minute, tag, flags)
    local first, total = floor(minute / 60), 0
    if #head > 0 then
        first, total = unpack('<I4I4', head)
    end
    local place = RECENT_AT + total % RECENT * PLACE_BYTES
    redis.call('SETRANGE', key, 0, pack('<I4I4', first, (total + 1) % 2 ^ 32))
    redis.call('SETRANGE', key, place, pack('<c8I4I1', tag, minute, flags))
    count(key, minute, column_of(flags), 1)
    redis.call('EXPIRE', key, LIFE)
end

local function outcome(key, place, minute, was, flags)
    local by = flags % 2 - was % 2
    if by == 0 then
        return
    end
    redis.call('SETRANGE', key, RECENT_AT + place + 12, pack('<I1', was + by))
    count(key, minute, column_of(was) + 1, by)
end

local function turn(key, call)
    local what, now, tag, flags = unpack(CALL, call)
    local minute = floor(now / 60)
    local head = redis.call('GETRANGE', key, 0, HOURS_AT - 1)
    local place, own_minute, own_flags = find(head:sub(RECENT_AT + 1, MINUTES_AT), tag)
    if what == OUTCOME then
        if place then
            outcome(key, place, own_minute, own_flags, flags)
        end
        return ''
    end
    local told = #head > 0 and tell(key, head, minute, own_minute, own_flags) or ''
    if what == ATTEND and not place then
        attend(key, head, minute, tag, flags)
    end
    return told
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = turn(KEYS[i], ARGV[i])
end
return reply
