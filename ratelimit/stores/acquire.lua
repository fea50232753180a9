-- Token buckets with leases: charge what is needed, lease what is expected. The rule is core/bucket.py's, line by line; read it there.
--
-- KEYS  any number of buckets (on a cluster: one), each named once
-- ARGV  1      clock, us; 0 is the store's own TIME, and nothing else is sent in production
--       1 + i  the call for KEYS[i], little-endian doubles, 13 and then its needs:
--              capacity num per life horizon late extra settle settle_id give_back refund refund_at count need...
--              tokens, units per us, units per token, us, us, us, tokens, tokens, id, tokens, tokens, us, needs, tokens each
-- Reply for each bucket {leased, first, id, at, stock, retry...}: tokens, us, id, us, units, us for each need (0: it was charged)
-- State  doubles at debt num per, and while slots are out on lease also out old end old_id lapse
-- TTL    when the bucket is full and every lease has lapsed and been folded: forgetting earlier would mint tokens
--
-- Every number is an integer, exact below 2^53; policy check refuses limits that could pass 2^52. Packed doubles, because reading and
-- writing digits took half of the script's time.

local floor, max, min = math.floor, math.max, math.min
local pack, unpack = struct.pack, struct.unpack
local STEP_BACK = 1000000

local clock = tonumber(ARGV[1])
local own_clock = clock == 0
if own_clock then
    local time = redis.call('TIME')
    clock = time[1] * 1000000 + time[2]
end

local function up(a, b)
    return -floor(-a / b)
end

-- part * per / was_per rounded up, bit by bit, for part < was_per: the product itself may pass 2^53
local function scaled_up(part, per, was_per)
    local quotient, rest, bit = 0, 0, 1
    while bit * 2 <= per do
        bit = bit * 2
    end
    while bit >= 1 do
        quotient, rest = quotient * 2, rest * 2 + (floor(per / bit) % 2) * part
        while rest >= was_per do
            quotient, rest = quotient + 1, rest - was_per
        end
        bit = bit / 2
    end
    return rest > 0 and quotient + 1 or quotient
end

local function acquire(key, call)
    local capacity, num, per, life, horizon, late, extra, settle, settle_id, give_back, refund, refund_at, count, position =
        unpack('<ddddddddddddd', call)

    local at, debt, was_num, was_per = clock, 0, num, per
    local out, old, stop, old_id, lapse = 0, 0, 0, 0, 0         -- `stop` is the model's `end`, a keyword here
    local state = redis.call('GET', key)
    if state then
        at, debt, was_num, was_per = unpack('<dddd', state)
        if #state > 32 then
            out, old, stop, old_id, lapse = unpack('<ddddd', state, 33)
        end
    end

    -- advance: stand still, or move all instants if someone set the clock back; then pay and fold
    if clock < at - STEP_BACK then
        local step = at - clock
        at, stop, old_id, lapse = clock, stop - step, old_id - step, lapse - step
    end
    local now = max(clock, at)
    while out + old > 0 and stop <= now do
        local boundary = max(stop, at)
        debt = max((out + old) * was_per, debt - was_num * (boundary - at))
        at, old_id, stop = boundary, stop, max(lapse, stop + 1)
        out, old = 0, out
    end
    debt = max((out + old) * was_per, debt - was_num * (now - at))
    at = now

    -- reprice
    if was_num ~= num or was_per ~= per then
        local whole = floor(debt / was_per)
        debt = whole * per + scaled_up(debt - whole * was_per, per, was_per)
    end

    -- settle, refund
    local settled = 0
    if settle_id > 0 and settle_id == stop then
        settled = min(settle, out)
        out = out - settled
    elseif settle_id > 0 and settle_id == old_id then
        settled = min(settle, old)
        old = old - settled
    end
    debt = debt - min(give_back, settled) * per
    if refund > 0 and refund_at <= at then
        debt = max((out + old) * per, debt - max(0, refund * per - num * (at - refund_at)))
    end

    -- charge the needs in order
    local stock = capacity * per - debt
    local ready = max(0, floor(stock / per))
    local charged, refused, needs, paid = 0, 0, {}, {}
    for i = 1, count do
        local need
        need, position = unpack('<d', call, position)
        needs[i] = need
        paid[i] = charged + need <= ready
        if paid[i] then
            charged = charged + need
        elseif refused == 0 then
            refused = need
        end
    end

    -- lease beyond them: slots about to ripen for the first need that was refused, as if it came alone, else of what is there
    local reserve = 0
    if late > 0 and charged > 0 then
        reserve = max(0, (out + old) * per + num * late - debt)
    end
    local leased = 0
    if extra > 0 then
        local room = max(0, floor(capacity / 4) - out - old)
        local soon = max(0, floor((stock + num * horizon) / per) - charged)
        if refused > 0 and reserve == 0 and soon >= refused and room >= refused then
            leased = refused + max(0, min(extra, floor((soon - refused) / 2), room - refused))
        elseif refused == 0 or charged > 0 then
            leased = max(0, min(extra, ready - charged, room, floor(ready / 2)))
        end
    end
    debt = debt + reserve
    debt = debt + (charged + leased) * per
    if leased > 0 then
        if out + old == 0 then
            stop, old_id, lapse = at + life, 0, 0
        end
        lapse = max(lapse, at + life)
        out = out + leased
    end

    -- answer
    local after = capacity * per - debt
    local reply = {leased, up(per - stock, num), leased > 0 and stop or 0, at, after}
    for i = 1, count do
        local retry = 0
        if not paid[i] then
            local need = needs[i]
            retry = max(1, up(need * per - after, num))
            if out + old > 0 and need + out + old > capacity then
                retry = max(retry, stop - at + up((need + out + old - capacity) * per, num))
            end
            if out > 0 and need + out > capacity then
                retry = max(retry, max(lapse, stop + 1) - at + up((need + out - capacity) * per, num))
            end
        end
        reply[5 + i] = retry
    end

    -- keep
    local full_in = up(debt, num)
    local state_now
    if out + old > 0 then
        full_in = max(full_in, stop - at + up((out + old) * per, num))
        if out > 0 then
            full_in = max(full_in, max(lapse, stop + 1) - at + up(out * per, num))
        end
        state_now = pack('<ddddddddd', at, debt, num, per, out, old, stop, old_id, lapse)
    else
        state_now = pack('<dddd', at, debt, num, per)
    end
    if debt <= 0 and out + old == 0 then
        if state then
            redis.call('DEL', key)
        end
    elseif own_clock then
        redis.call('SET', key, state_now, 'PX', floor((at - clock + full_in) / 1000) + 2)
    else
        redis.call('SET', key, state_now)
    end
    return reply
end

local replies = {}
for i = 1, #KEYS do
    replies[i] = acquire(KEYS[i], ARGV[1 + i])
end
return replies
