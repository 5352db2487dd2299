-- One room, from one node: what changed there goes in, what all nodes have there comes out. One atomic step, so
-- the order of arrival is the same for everybody and a room is never fuller than allowed.
--
-- A room is a hash: "#epoch", "#made", "#last" and, per participant, "NODE ORDER AT SEAT AWAY FLAGS INFO":
--   ORDER  its place in the order of arrival    AT    when it was written here first, in ms
--   SEAT   when it took its place at NODE, ms   AWAY  since when its connection is broken, ms; 0: it is not
--
-- KEYS: the room, the nodes
-- ARGV: node, room, fresh epoch, resume window ms, dead after ms, capacity, all of this node's members or not,
--       number of members, { id, "enter" or "have", order, ms since it sat down, ms since it is away or -1, flags,
--       info }, number of those who left, { id, why }
local room, nodes = KEYS[1], KEYS[2]
local me, name, window, dead, capacity = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(micros / 1000)
local function digits(number) return string.format('%.0f', number) end

local changed, told, left, count = false, {}, {}, 0
local there = {}
local stored = redis.pcall('HGETALL', room)
if stored.err then
  -- Not of our making.
  redis.call('DEL', room)
  stored = {}
end
local epoch, made, last = nil, now, 0
for i = 1, #stored, 2 do
  local field, value = stored[i], stored[i + 1]
  if field == '#epoch' then epoch = value
  elseif field == '#made' then made = tonumber(value) or now
  elseif field == '#last' then last = tonumber(value) or 0
  else
    local node, order, at, seat, away, flags, info = string.match(value, '^(%x+) (%d+) (%d+) (%d+) (%d+) (%d) (.*)$')
    if node then
      there[field] = { node = node, order = tonumber(order), at = tonumber(at), seat = tonumber(seat),
                       away = tonumber(away), flags = flags, info = info }
      told[node] = true
      count = count + 1
    else
      redis.call('HDEL', room, field)
    end
  end
end
if not epoch then
  epoch = ARGV[3]
  redis.call('HSET', room, '#epoch', epoch, '#made', digits(made))
end

local beats, grace = {}, tonumber(redis.call('HGET', nodes, '#grace') or '0') or 0
local function beat(node)
  if not beats[node] then beats[node] = tonumber(redis.call('HGET', nodes, node) or '0') or 0 end
  return beats[node]
end
-- Since when it cannot be reached; nil when it can.
local function gone(entry)
  if entry.away > 0 then return entry.away end
  if entry.node ~= me and now - beat(entry.node) > dead then return beat(entry.node) end
end
local function drop(id)
  redis.call('HDEL', room, id)
  there[id] = nil
  count = count - 1
  changed = true
end
local function write(id, entry)
  there[id] = entry
  redis.call('HSET', room, id, table.concat({ entry.node, digits(entry.order), digits(entry.at), digits(entry.seat),
    digits(entry.away), entry.flags, entry.info }, ' '))
  changed = true
end
local function later(order)
  if order > last then
    last = order
    redis.call('HSET', room, '#last', digits(last))
  end
end

-- Places whose time is over. Its own node gives up the place of somebody away a little earlier than this.
for id, entry in pairs(there) do
  local since = gone(entry)
  if since and entry.node ~= me and now > grace and now - since > window + (entry.away > 0 and 2000 or 0) then
    drop(id)
  end
end

local members = tonumber(ARGV[8])
local i, listed, verdicts = 9, {}, {}
local entering = {}
for _ = 1, members do
  local id, kind = ARGV[i], ARGV[i + 1]
  listed[id] = true
  entering[#entering + 1] = i
  i = i + 7
end
for _ = 1, tonumber(ARGV[i]) do
  local id, why = ARGV[i + 1], ARGV[i + 2]
  -- Before those who enter: who left and came again is a newcomer.
  if there[id] and there[id].node == me then
    left[id] = why
    drop(id)
  end
  i = i + 2
end
if ARGV[7] == '1' then
  for id, entry in pairs(there) do
    if entry.node == me and not listed[id] then drop(id) end
  end
end
for _, at in ipairs(entering) do
  local id, kind, order = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local away = tonumber(ARGV[at + 4])
  local old = there[id]
  local new = { node = me, order = order, at = now, seat = now - tonumber(ARGV[at + 3]),
                away = away < 0 and 0 or math.max(now - away, 1), flags = ARGV[at + 5], info = ARGV[at + 6] }
  local verdict, horizon = 'new', 0
  if kind == 'enter' then
    if old then
      verdict, horizon = 'back', gone(old) or (old.node == me and now or beat(old.node))
      -- Its node may have been cut off until shortly before, and have told it nothing.
      local since = tonumber(redis.call('HGET', nodes, '#since:' .. old.node) or '') or now
      if horizon < since + 20000 then horizon = 0 end
      new.order, new.at, new.info = old.order, old.at, old.info
    elseif count >= capacity then
      verdict = 'full'
    elseif order > 0 then
      -- Known from before everything here was lost.
      verdict = 'back'
    else
      new.order = math.max(last + 1, micros)
    end
  elseif not old then
    verdict = 'missing'
  else
    verdict = 'kept'
    -- The number by which the others know it.
    new.order, new.at = old.order, old.at
    if old.node ~= me and (away >= 0 or gone(old) == nil and old.seat > new.seat) then
      -- It went there, and is there or was there last; or that is the later connection of two that seem to stand.
      verdict = 'lost'
    end
  end
  if verdict ~= 'full' and verdict ~= 'lost' then
    if not old then count = count + 1 end
    later(new.order)
    write(id, new)
  end
  verdicts[#verdicts + 1] = { id, verdict, digits(horizon) }
end

if count == 0 then
  redis.call('DEL', room)
else
  -- Longer than a place is kept and than the nodes' own refreshing takes.
  redis.call('PEXPIRE', room, window + 60000)
end
if changed then
  for _, entry in pairs(there) do told[entry.node] = true end
  told[me] = nil
  local news = cjson.encode({ v = 1, room = name, left = left })
  for node in pairs(told) do redis.call('PUBLISH', '{maru}:node:' .. node, news) end
end

local entries = {}
for id, entry in pairs(there) do
  entries[#entries + 1] = { id, entry.node, digits(entry.order), digits(entry.at), gone(entry) and '1' or '0',
                            entry.flags, entry.info }
end
return { epoch, digits(now), digits(made), verdicts, entries }
