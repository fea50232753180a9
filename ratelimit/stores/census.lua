-- How many profiles there are, by a sample of them: who was just told is put down with the end of its life, and whose life is over is struck out.
--
-- KEYS  1  a sorted set: names by the second in which each profile lapses
-- ARGV  1  now, s; then for each profile its end, s, and its name
-- Reply the number of names, in a list of one
-- TTL   none: what is in it is struck out in its time
--
-- No clock is read, as in profile.lua.

local most = 1000 -- pairs in one call of ZADD, far below what Lua can unpack
for first = 2, #ARGV, 2 * most do
    redis.call('ZADD', KEYS[1], 'GT', unpack(ARGV, first, math.min(first + 2 * most - 1, #ARGV)))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
return {redis.call('ZCARD', KEYS[1])}
