-- Profiles: merge what a sidecar saw of subjects into what is remembered of them. The layout is core/profile.py's; read it there.
--
-- KEYS  any number of profiles (on a cluster: one)
-- ARGV  i  the merge for KEYS[i], little-endian: f4 risk, u4 model, u1 only_known, bits of one hour (paths 32 bytes, peers 32, networks 32,
--          agents 8, countries 8), u2 parts, and for each part doubles: tick s, then 18 counts, as many as core/profile.py names
-- Reply for each profile its state, and behind it the tick before the merge as a double (-1: it is new); '' where there is none
-- State  doubles at first last hour hours, f4 risk, u4 model, f4 hour_requests before_requests, 34 f4 counters, bits of the hour, bits before
-- TTL    a day and its age, at most 14 days
--
-- No clock is read: a log that is replayed gives what live traffic gave. A tick up to an hour before the latest is merged as if it had come
-- in time; one further back proves that the clock was ahead before, and the profile is set back to it.

local floor, max, min = math.floor, math.max, math.min
local pack, unpack = struct.pack, struct.unpack
local bor = bit.bor

local HEAD, PART = '<fI4Bc32c32c32c8c8H', '<' .. ('d'):rep(19)
local HEAD_BYTES, PART_BYTES = 123, 152
local STATE = '<dddddfI4ff' .. ('f'):rep(34) .. ('c32c32c32c8c8'):rep(2)
local HOUR, DAY, LONGEST_LIFE, LONGEST_GAP, BACK = 3600, 86400, 1209600, 3600, 3600
local NONE, FEW = ('\0'):rep(32), ('\0'):rep(8)
local NAN = 0 / 0

local SHORT, BOTH, ALL = 2, 9, 18 -- counts kept at each half-life, at 10 min and 1 day, at 1 day
local TEN_S, TEN_MIN, ONE_DAY, GAPS, FOURTEEN_DAYS, COUNTERS = 0, 2, 11, 29, 32, 34 -- where each group begins, less one

local function either(a, b)
    if b == NONE or b == FEW or a == b then
        return a
    elseif a == NONE or a == FEW then
        return b
    elseif #a == 8 then
        local a1, a2 = unpack('<i4i4', a)
        local b1, b2 = unpack('<i4i4', b)
        return pack('<i4i4', bor(a1, b1), bor(a2, b2))
    end
    local a1, a2, a3, a4, a5, a6, a7, a8 = unpack('<i4i4i4i4i4i4i4i4', a)
    local b1, b2, b3, b4, b5, b6, b7, b8 = unpack('<i4i4i4i4i4i4i4i4', b)
    return pack('<i4i4i4i4i4i4i4i4', bor(a1, b1), bor(a2, b2), bor(a3, b3), bor(a4, b4), bor(a5, b5), bor(a6, b6), bor(a7, b7), bor(a8, b8))
end

-- the first five fields, risk and model, requests of the hours, counters, bits
local function read(state)
    local s = {unpack(STATE, state)}
    local profile = {at = s[1], first = s[2], last = s[3], hour = s[4], hours = s[5], risk = s[6], model = s[7], now = s[8], before = s[9]}
    local counters, bits = {}, {}
    for i = 1, COUNTERS do
        counters[i] = s[9 + i]
    end
    for i = 1, 10 do
        bits[i] = s[9 + COUNTERS + i]
    end
    return profile, counters, bits
end

local function fresh(tick)
    local counters = {}
    for i = 1, COUNTERS do
        counters[i] = 0
    end
    local hour = floor(tick / HOUR)
    local profile = {at = tick, first = tick, last = tick - LONGEST_GAP - 1, hour = hour, hours = 0, risk = NAN, model = 0, now = 0, before = 0}
    return profile, counters, {NONE, NONE, NONE, FEW, FEW, NONE, NONE, NONE, FEW, FEW}
end

local function decay(counters, from, to, factor)
    for i = from + 1, to do
        counters[i] = counters[i] * factor
    end
end

local function turn_hour(profile, bits, hour)
    local passed = hour - profile.hour
    if passed <= 0 then
        return
    end
    for i = 1, 5 do
        bits[5 + i] = passed == 1 and bits[i] or (i > 3 and FEW or NONE)
        bits[i] = i > 3 and FEW or NONE
    end
    profile.before, profile.now = passed == 1 and profile.now or 0, 0
    if passed >= 24 then
        profile.hours = 0
    else
        for h = profile.hour + 1, hour do
            local place = 2 ^ (h % 24)
            if floor(profile.hours / place) % 2 == 1 then
                profile.hours = profile.hours - place
            end
        end
    end
    profile.hour = hour
end

local function add(profile, counters, bits, part)
    local tick, late = part[1], 0
    if tick < profile.at - BACK then -- the clock was ahead
        profile.at, profile.first, profile.last = tick, min(profile.first, tick), min(profile.last, tick)
        turn_hour(profile, bits, profile.hour + 24) -- forgets all that was of an hour
        profile.hour, profile.before = floor(tick / HOUR), 0
    elseif tick < profile.at then
        late = profile.at - tick
    elseif tick > profile.at then
        local passed = tick - profile.at
        decay(counters, TEN_S, TEN_MIN, 2 ^ (-passed / 10))
        decay(counters, TEN_MIN, ONE_DAY, 2 ^ (-passed / 600))
        decay(counters, ONE_DAY, FOURTEEN_DAYS, 2 ^ (-passed / 86400))
        decay(counters, FOURTEEN_DAYS, COUNTERS, 2 ^ (-passed / 1209600))
        profile.at = tick
    end
    profile.first = min(profile.first, tick)
    local w1, w2, w3, w4 = 1, 1, 1, 1
    if late > 0 then
        w1, w2, w3, w4 = 2 ^ (-late / 10), 2 ^ (-late / 600), 2 ^ (-late / 86400), 2 ^ (-late / 1209600)
    end
    for i = 1, SHORT do
        counters[TEN_S + i] = counters[TEN_S + i] + w1 * part[1 + i]
        counters[FOURTEEN_DAYS + i] = counters[FOURTEEN_DAYS + i] + w4 * part[1 + i]
    end
    for i = 1, BOTH do
        counters[TEN_MIN + i] = counters[TEN_MIN + i] + w2 * part[1 + i]
    end
    for i = 1, ALL do
        counters[ONE_DAY + i] = counters[ONE_DAY + i] + w3 * part[1 + i]
    end
    local hour = floor(tick / HOUR)
    turn_hour(profile, bits, hour)
    if part[2] == 0 then -- nothing was asked for: what is told afterwards makes no rhythm
        return
    end
    local gap = tick - profile.last
    if gap > 0 then
        if gap <= LONGEST_GAP then
            counters[GAPS + 1] = counters[GAPS + 1] + 1
            counters[GAPS + 2] = counters[GAPS + 2] + gap
            counters[GAPS + 3] = counters[GAPS + 3] + gap * gap
        end
        profile.last = tick
    end
    local ago = profile.hour - hour
    if ago < 24 then
        local place = 2 ^ (hour % 24)
        if floor(profile.hours / place) % 2 == 0 then
            profile.hours = profile.hours + place
        end
    end
    if ago == 0 then
        profile.now = profile.now + part[3]
    elseif ago == 1 then
        profile.before = profile.before + part[3]
    end
end

local function merge(key, call)
    local risk, model, only_known, b1, b2, b3, b4, b5, parts = unpack(HEAD, call)
    local state = redis.call('GET', key)
    if not state and (only_known == 1 or parts == 0) then
        return ''
    end
    local profile, counters, bits, was_at
    if state then
        profile, counters, bits = read(state)
        was_at = profile.at
    else
        profile, counters, bits = fresh((unpack('<d', call, HEAD_BYTES + 1)))
        was_at = -1
    end
    local tick = 0
    for i = 0, parts - 1 do
        local part = {unpack(PART, call, HEAD_BYTES + 1 + i * PART_BYTES)}
        tick = part[1]
        add(profile, counters, bits, part)
    end
    local ago = parts > 0 and profile.hour - floor(tick / HOUR) or -1
    if ago == 0 or ago == 1 then
        local seen = {b1, b2, b3, b4, b5}
        for i = 1, 5 do
            bits[5 * ago + i] = either(bits[5 * ago + i], seen[i])
        end
    end
    if risk == risk then
        profile.risk, profile.model = risk, model
    end
    if parts == 0 and risk ~= risk then
        return state .. pack('<d', was_at)
    end
    local p = profile
    state = pack('<dddddfI4ff', p.at, p.first, p.last, p.hour, p.hours, p.risk, p.model, p.now, p.before)
        .. pack('<' .. ('f'):rep(34), _G.unpack(counters))
        .. table.concat(bits)
    redis.call('SET', key, state, 'EX', min(LONGEST_LIFE, DAY + max(0, p.at - p.first)))
    return state .. pack('<d', was_at)
end

local reply = {}
for i = 1, #KEYS do
    reply[i] = merge(KEYS[i], ARGV[i])
end
return reply
