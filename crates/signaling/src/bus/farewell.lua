-- A node stops in an orderly way: for the others it is dead from now on, and its clients come to them.
--
-- KEYS: the nodes    ARGV: node, dead after ms
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now - tonumber(ARGV[2]) - 1))
