-- A node's sign of life; gives back how long ago each node gave its last one, in ms.
--
-- KEYS: the nodes    ARGV: node, dead after ms, resume window ms, forgotten after ms
local nodes, me, dead, window, forgotten = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function digits(number) return string.format('%.0f', number) end
local latest = redis.pcall('HGET', nodes, '#latest')
if type(latest) == 'table' then
  -- Not of our making.
  redis.call('DEL', nodes)
  latest = nil
end
-- When nobody gave one for a while it was this store that was away, and not the nodes: nobody loses a place for it.
if now - (tonumber(latest or '0') or 0) > dead then
  redis.call('HSET', nodes, '#grace', digits(now + window))
end
-- Since when it is here without a break: it heard of nobody before.
local before = tonumber(redis.call('HGET', nodes, me) or '0') or 0
if now - before > dead then redis.call('HSET', nodes, '#since:' .. me, digits(now)) end
redis.call('HSET', nodes, me, digits(now), '#latest', digits(now))
local beats, ages = redis.call('HGETALL', nodes), {}
for i = 1, #beats, 2 do
  if string.sub(beats[i], 1, 1) ~= '#' then
    local age = now - (tonumber(beats[i + 1]) or 0)
    if age > forgotten then
      redis.call('HDEL', nodes, beats[i], '#since:' .. beats[i])
    else
      ages[#ages + 1] = { beats[i], digits(age) }
    end
  end
end
return { digits(now), ages }
