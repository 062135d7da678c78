/** The fairest waiting job that a device of the worker can run begins there. Answers { id, attempt, device, job } or null. */
export const CLAIM = `
local arg = cjson.decode(ARGV[1])
adopt()
take_back_overdue(arg)
settle_all()
local mode = call('GET', k('mode'))
if mode and cjson.decode(mode).kind == 'paused' then
  if #changes > 0 then publish(arg.origin) end
  return { 'null', told() }
end

local has = nil
if arg.has then
  has = {}
  for _, each in ipairs(arg.has) do has[each] = true end
end
local avoided = 0
for _, device in ipairs(arg.devices) do avoided = math.max(avoided, #device.avoids) end

-- classes that a device can run -> those devices; and of each the model
local open, model_of = {}, {}
local function devices_for(model, needs)
  if has then
    for _, each in ipairs(needs) do
      if not has[each] then return {} end
    end
  end
  local found = {}
  for _, device in ipairs(arg.devices) do
    local fits = true
    for _, unfit in ipairs(device.unfit) do if unfit == model then fits = false end end
    if fits then table.insert(found, device) end
  end
  return found
end
local classes = call('HGETALL', l('classes'))
for at = 1, #classes, 2 do
  local asked = cjson.decode(classes[at + 1])
  local devices = devices_for(asked[1], asked[2])
  if #devices > 0 then open[classes[at]], model_of[classes[at]] = devices, asked[1] end
end

local function devices_of(class, id)
  local found = {}
  for _, device in ipairs(open[class]) do
    local fits = true
    for _, each in ipairs(device.avoids) do if each == id then fits = false end end
    if fits then table.insert(found, device) end
  end
  return found
end
-- of a user's jobs in a class the first that no device avoids
local function first_of(class, guild, user)
  local list = call('ZRANGE', jobs_of(class, guild, user), 0, avoided, 'WITHSCORES')
  for at = 1, #list, 2 do
    if #devices_of(class, list[at]) > 0 then return list[at], num(list[at + 1]) end
  end
end
-- of a guild the job of the lowest user; of equal ones what came first
local function first_in(guild)
  local best = nil
  for class in pairs(open) do
    local at = 0
    while true do
      local found = call('ZRANGE', l('users:' .. class .. '|' .. guild), at, at, 'WITHSCORES')
      local tag = tonumber(found[2])
      if not tag or (best and tag > best.tag) then break end
      local id, seq = first_of(class, guild, name_in(found[1]))
      if id and (not best or tag < best.tag or seq < best.seq) then
        best = { id = id, seq = seq, tag = tag, class = class, guildId = guild, userId = name_in(found[1]) }
      end
      if id and avoided == 0 then break end
      at = at + 1
    end
  end
  return best
end
-- the guilds of all open classes from the lowest tag on; of equal ones what came first
local function first()
  local heads = {}
  local function look(head)
    local found = call('ZRANGE', l('guilds:' .. head.class), head.at, head.at, 'WITHSCORES')
    head.tag = tonumber(found[2])
    if head.tag then head.seq, head.guild = num(seq_in(found[1])), name_in(found[1]) end
  end
  for class in pairs(open) do
    local head = { class = class, at = 0 }
    look(head)
    table.insert(heads, head)
  end
  local best, best_tag, tried = nil, nil, {}
  while true do
    local next_head = nil
    for _, head in ipairs(heads) do
      if head.tag and (not next_head or head.tag < next_head.tag
        or (head.tag == next_head.tag and head.seq < next_head.seq)) then next_head = head end
    end
    if not next_head then return best end
    -- The job that is next in a guild is next in one of its classes: it came no earlier than the first of those.
    if best and (next_head.tag > best_tag or (avoided == 0 and next_head.seq >= best.seq)) then return best end
    if not tried[next_head.guild] then
      tried[next_head.guild] = true
      local found = first_in(next_head.guild)
      if found and (not best or found.seq < best.seq) then best, best_tag = found, next_head.tag end
    end
    next_head.at = next_head.at + 1
    look(next_head)
  end
end

local turn, found = nil, nil
repeat
  turn = first()
  found = turn and head(turn.id)
  -- One that an older program ended: it knows nothing of these lines.
  if turn and (not found or found.status ~= 'waiting') then
    remove(turn)
    settle_all()
  end
until not turn or (found and found.status == 'waiting')
if not turn then
  if #changes > 0 then publish(arg.origin) end
  return { 'null', told() }
end
local id = turn.id
local able = {}
local share = call('HGET', job(id), 'share')
for _, device in ipairs(devices_of(turn.class, id)) do
  if not device.joins or device.joins == share then table.insert(able, device) end
end
-- Who runs comes to an end first: nobody is passed over.
if #able == 0 then
  if #changes > 0 then publish(arg.origin) end
  return { 'null', told() }
end
local cost = num(call('HGET', job(id), 'cost'))
start(found, cost)
local best, rank = nil, nil
for _, device in ipairs(able) do
  local own = #device.loaded
  for _, each in ipairs(device.loaded) do if each == model_of[turn.class] then own = -1 end end
  if best == nil or own < rank then best, rank = device.name, own end
end
local attempt = num(found.attempt) + 1
call('HSET', job(id), 'status', 'running', 'attempt', attempt, 'charged', float(cost), 'startedAt', arg.now,
  'worker', arg.worker, 'seat', best)
call('ZADD', k('leases'), time() + arg.leaseMs, id)
tell(id, 'running')
publish(arg.origin)
return { cjson.encode({ id = id, attempt = attempt, device = best, job = call('HGETALL', job(id)) }), told() }
`;
