-- Calendar quotas. The rule is core/quota_counter.py's, line by line; read it there.
--
-- KEYS  any number of counters (on a cluster: one), each named once
-- ARGV  1      clock, us; 0 is the store's own TIME, and nothing else is sent in production
--       1 + i  the call for KEYS[i], little-endian doubles, 11 and then its needs:
--              amount previous this next end extra give_back give_back_start op cancel count need...
--              tokens, four instants in us, tokens, tokens, us, id, id, needs, tokens each
-- Reply for each counter {leased, start, ends_in, remaining, cancelled, retry...}: tokens, us, us, tokens, 0 or 1, us for each need (0: charged)
-- State  doubles start used, and for each remembered operation id at leased charged paid
-- TTL    to the end of the period and a day, so that a clock that steps back finds the counter
--
-- Every number is an integer, exact below 2^53.

local floor, max, min = math.floor, math.max, math.min
local pack, unpack = struct.pack, struct.unpack
local REMEMBERED = 10000000
local COUNTS = 2 ^ 22
local KEPT = 8
local DAY = 86400000000
local NEVER = -1                            -- as the charge of an operation that was cancelled before it came

local clock = tonumber(ARGV[1])
local own_clock = clock == 0
if own_clock then
    local time = redis.call('TIME')
    clock = time[1] * 1000000 + time[2]
end

local function acquire(key, call)
    local amount, previous, this, next_start, stop, extra, give_back, give_back_start, op, cancel, count, position =
        unpack('<ddddddddddd', call)

    -- the period that the store's time is in
    local from, to = next_start, stop
    if clock < this then
        from, to = previous, this
    elseif clock < next_start then
        from, to = this, next_start
    end

    local start, used, operations = 0, 0, {}
    local state = redis.call('GET', key)
    if state then
        start, used = unpack('<dd', state)
        for offset = 17, #state, 40 do
            local id, at, leased, charged, paid = unpack('<ddddd', state, offset)
            if clock - at >= 0 and clock - at < REMEMBERED then
                operations[#operations + 1] = {id, at, leased, charged, paid}
            end
        end
    end
    if from > start then                    -- never back
        start, used = from, 0
    end

    -- of the sidecar of an id: where that operation stands, where its first and last do, and how many there are
    local function places(id)
        local exact, first, last, number = nil, nil, nil, 0
        for i, known in ipairs(operations) do
            if floor(known[1] / COUNTS) == floor(id / COUNTS) then
                first, last, number = first or i, i, number + 1
                if known[1] == id then
                    exact = i
                end
            end
        end
        return exact, first, last, number
    end
    local function keep(operation)
        local exact, first, _, number = places(operation[1])
        if exact then
            operations[exact] = operation
            return
        end
        if number == KEPT then
            table.remove(operations, first)
        end
        operations[#operations + 1] = operation
    end

    -- cancel an operation whose answer was lost
    local cancelled = 0
    if cancel > 0 then
        local exact, first, last, number = places(cancel)
        if exact and operations[exact][4] ~= NEVER then
            local found = operations[exact]
            if found[2] >= start then
                used = max(0, used - found[3] - found[4])
            end
            keep({cancel, found[2], 0, 0, 0})
            cancelled = 1
        elseif number == KEPT and cancel < operations[first][1] then
            cancelled = 1
        elseif number == 0 or operations[last][1] < cancel then
            keep({cancel, clock, 0, NEVER, 0})
        end
    end

    -- execute, unless it was executed before, or its sidecar has gone on without it
    local leased, paid = 0, 0
    local exact, _, last = places(op)
    if exact then
        leased, paid = operations[exact][3], operations[exact][5]
    elseif not last or operations[last][1] < op then
        if give_back_start == start then
            used = max(0, used - give_back)
        end
        local rest, charged, asked, bit = amount - used, 0, 0, 1
        for _ = 1, count do
            local need
            need, position = unpack('<d', call, position)
            asked = asked + need
            if charged + need <= rest then
                charged = charged + need
                paid = paid + bit
            end
            bit = bit * 2
        end
        leased = max(0, min(extra, floor((rest - charged) / 100)))
        used = used + charged + leased
        if asked > 0 or extra > 0 or give_back ~= 0 then          -- a peek may be repeated
            keep({op, clock, leased, charged, paid})
        end
    end

    -- answer
    local wait = max(1, to - clock)
    local reply = {leased, start, wait, max(0, amount - used), cancelled}
    for i = 1, count do
        reply[5 + i] = floor(paid / 2 ^ (i - 1)) % 2 == 1 and 0 or wait
    end

    -- keep
    local parts = {pack('<dd', start, used)}
    for i, known in ipairs(operations) do
        parts[1 + i] = pack('<ddddd', known[1], known[2], known[3], known[4], known[5])
    end
    state = table.concat(parts)
    if own_clock then
        redis.call('SET', key, state, 'PX', floor((wait + DAY) / 1000))
    else
        redis.call('SET', key, state)
    end
    return reply
end

local replies = {}
for i = 1, #KEYS do
    replies[i] = acquire(KEYS[i], ARGV[1 + i])
end
return replies
