-- How purchases with a card go, of the whole site or of a slice of it such as a country: counts of ten minutes, and of each hour of four weeks.
-- Every call may be sent again: of the newest 1,024 attempts none is counted twice, nor its failure. Failures of older ones are not counted.
--
-- KEYS  any number of tallies (on a cluster: one)
-- ARGV  i  the call for KEYS[i], little-endian: u1 what (0 read, 1 attend, 2 outcome), f8 now, in seconds since the epoch, c8 tag of the attempt,
--          u1 flags: 1 it failed, 2 it is a setup
-- Reply for each  to read or attend: 9 u4, as it was without that attempt: hour of the first attempt (hours since the epoch); purchases, failed
--          ones, setups, failed ones in this minute and the nine before; the same in the same hour of the four weeks before. '' where there is
--          none, and to an outcome
-- State  u4 hour of the first attempt, u4 attempts; 11 minutes of 20 bytes, each at the place of its remainder by 11: u4 which one it is,
--          u4 purchases, u4 failed, u4 setups, u4 failed; 1,024 attempts of 13 bytes: c8 tag, u4 minute, u1 flags; 168 hours of the week, of each
--          5 weeks like the minutes, each at the place of its week's remainder by 5
-- Expiry  36 days after the latest hour with an attempt

local pack, unpack = struct.pack, struct.unpack
local floor, max = math.floor, math.max

local CALL = '<I1dc8I1'
local HEAD_BYTES = 8
local SLOT, SLOT_BYTES = '<I4I4I4I4I4', 20
local MINUTES, MINUTES_AT = 11, HEAD_BYTES
local RECENT, RECENT_AT, PLACE_BYTES = 1024, MINUTES_AT + MINUTES * SLOT_BYTES, 13
local HOURS_AT = RECENT_AT + RECENT * PLACE_BYTES
local HOURS_A_WEEK, WEEKS = 168, 5
local MINUTE_SLOTS, HOUR_SLOTS = '<' .. ('I4'):rep(5 * MINUTES), '<' .. ('I4'):rep(5 * WEEKS)
local SPAN = 10
local READ, ATTEND, OUTCOME = 0, 1, 2
local LIFE = 36 * 86400

-- One slot with `by` in a column, as bytes; nothing where the slot is of another one by now.
local function bumped(bytes, index, number, column, by)
    local of = {unpack(SLOT, bytes, index * SLOT_BYTES + 1)}
    if of[1] ~= number then
        if by < 0 or of[1] > number then
            return nil
        end
        of = {number, 0, 0, 0, 0}
    end
    of[1 + column] = max(0, of[1 + column] + by)
    return pack(SLOT, _G.unpack(of))
end

local function set_slot(key, at, index, bytes)
    if bytes then
        redis.call('SETRANGE', key, at + index * SLOT_BYTES, bytes)
    end
end

-- The same hour of five weeks: where they begin, and their bytes.
local function hours_of(key, hour)
    local at = HOURS_AT + hour % HOURS_A_WEEK * WEEKS * SLOT_BYTES
    local bytes = redis.call('GETRANGE', key, at, at + WEEKS * SLOT_BYTES - 1)
    return at, bytes .. ('\0'):rep(WEEKS * SLOT_BYTES - #bytes)
end

local function week_of(hour)
    return floor(hour / HOURS_A_WEEK) % WEEKS
end

local function count(key, head, hours_at, hours, minute, column, by)
    local hour, index = floor(minute / 60), minute % MINUTES
    set_slot(key, MINUTES_AT, index, bumped(head:sub(MINUTES_AT + 1, RECENT_AT), index, minute, column, by))
    set_slot(key, hours_at, week_of(hour), bumped(hours, week_of(hour), hour, column, by))
end

-- Where an attempt is among the newest, if it is: place, minute, flags.
local function find(head, tag)
    local found = head:find(tag, RECENT_AT + 1, true)
    while found do
        if (found - 1 - RECENT_AT) % PLACE_BYTES == 0 then
            return found - 1, unpack('<I4I1', head, found + 8)
        end
        found = head:find(tag, found + 1, true)
    end
end

local function column_of(flags)
    return flags >= 2 and 3 or 1
end

-- The sums of the slots of numbers between two.
local function sums(numbers, from, to)
    local a, b, c, d = 0, 0, 0, 0
    for i = 1, #numbers - 1, 5 do -- behind the numbers stands where the next would be read
        if numbers[i] >= from and numbers[i] <= to then
            a, b, c, d = a + numbers[i + 1], b + numbers[i + 2], c + numbers[i + 3], d + numbers[i + 4]
        end
    end
    return a, b, c, d
end

local function tell(head, hours, minute, own_minute, own_flags)
    local from, hour = minute - SPAN + 1, floor(minute / 60)
    local latest = {sums({unpack(MINUTE_SLOTS, head, MINUTES_AT + 1)}, from, minute)}
    if own_minute and own_minute >= from and own_minute <= minute then
        local column = column_of(own_flags)
        latest[column] = latest[column] - 1
        latest[column + 1] = latest[column + 1] - own_flags % 2
    end
    local a, b, c, d = sums({unpack(HOUR_SLOTS, hours)}, hour - (WEEKS - 1) * HOURS_A_WEEK, hour - HOURS_A_WEEK)
    return head:sub(1, 4) .. pack('<I4I4I4I4I4I4I4I4', latest[1], latest[2], latest[3], latest[4], a, b, c, d)
end

local function attend(key, head, hours_at, hours, minute, tag, flags)
    local hour, total = floor(minute / 60), 0
    local first = hour
    if #head > 0 then
        first, total = unpack('<I4I4', head)
    else
        head = ('\0'):rep(RECENT_AT)
    end
    local place = RECENT_AT + total % RECENT * PLACE_BYTES
    redis.call('SETRANGE', key, 0, pack('<I4I4', first, (total + 1) % 2 ^ 32))
    redis.call('SETRANGE', key, place, pack('<c8I4I1', tag, minute, flags))
    count(key, head, hours_at, hours, minute, column_of(flags), 1)
    if unpack('<I4', hours, week_of(hour) * SLOT_BYTES + 1) ~= hour then
        redis.call('EXPIRE', key, LIFE)
    end
end

local function outcome(key, head, place, minute, was, flags)
    local by = flags % 2 - was % 2
    if by ~= 0 then
        redis.call('SETRANGE', key, place + 12, pack('<I1', was + by))
        local hours_at, hours = hours_of(key, floor(minute / 60))
        count(key, head, hours_at, hours, minute, column_of(was) + 1, by)
    end
end

local function turn(key, call)
    local what, now, tag, flags = unpack(CALL, call)
    local minute = floor(now / 60)
    local head = redis.call('GETRANGE', key, 0, HOURS_AT - 1)
    local place, own_minute, own_flags = find(head, tag)
    if what == OUTCOME then
        if place then
            outcome(key, head, place, own_minute, own_flags, flags)
        end
        return ''
    end
    local hours_at, hours = hours_of(key, floor(minute / 60))
    local told = #head > 0 and tell(head, hours, minute, own_minute, own_flags) or ''
    if what == ATTEND and not place then
        attend(key, head, hours_at, hours, minute, tag, flags)
    end
    return told
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = turn(KEYS[i], ARGV[i])
end
return reply
