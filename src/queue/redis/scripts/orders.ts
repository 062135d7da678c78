/** The calls that people’s orders make. */

export const SUBMIT = `
local arg = cjson.decode(ARGV[1])
local known = call('GET', k('key:' .. arg.key))
if known then return { cjson.encode({ kind = 'known', id = known }), '[]' } end
adopt()
local guild, user = arg.guildId, arg.userId
local function hold(limit, taken, allowed)
  if allowed and taken >= allowed then return { kind = 'limit', limit = limit, taken = taken, allowed = allowed } end
end
local own, all = user_waits(guild, user), waits(guild)
local reached = hold('waiting-user', num(call('HGET', l('owait'), user)), arg.limits.waitingPerUser)
  or hold('waiting-user', num(call('HGET', l('owait'), user)), arg.allowance.waitingEverywhere)
  or hold('waiting-user', own, arg.allowance.waitingPerUser)
  or hold('waiting-guild', all, arg.limits.waitingPerGuild)
  or hold('waiting-guild', all, arg.allowance.waitingPerGuild)
local function reserved(of)
  local seconds = 0
  local function add(id)
    local values = call('HMGET', job(id), 'guildId', 'userId', 'cost')
    if values[1] == guild and (of == nil or values[2] == of) then seconds = seconds + num(values[3]) end
  end
  for _, class in ipairs(call('HKEYS', l('gclass:' .. guild))) do
    for _, each in ipairs(call('HKEYS', l('uhead:' .. class .. '|' .. guild))) do
      for _, id in ipairs(call('ZRANGE', jobs_of(class, guild, each), 0, -1)) do add(id) end
    end
  end
  for _, id in ipairs(call('ZRANGE', k('leases'), 0, -1)) do add(id) end
  return seconds
end
local function last(limit, allowed, of, name)
  if not allowed then return nil end
  local taken = num(call('GET', k(name))) + reserved(of)
  if taken + arg.cost > allowed then
    return { kind = 'limit', limit = limit, taken = taken, allowed = allowed, cost = arg.cost }
  end
end
-- the newest jobs of a person over all guilds, until all that wait were met; and those that run
local function reserved_everywhere()
  local seconds, from = 0, 0
  local left = num(call('HGET', l('owait'), user))
  while left > 0 do
    local ids = call('ZREVRANGE', k('of-user:' .. user), from, from + 99)
    for _, id in ipairs(ids) do
      local values = call('HMGET', job(id), 'status', 'cost')
      if values[1] == 'waiting' then seconds, left = seconds + num(values[2]), left - 1 end
    end
    if #ids < 100 then break end
    from = from + 100
  end
  for _, id in ipairs(call('ZRANGE', k('leases'), 0, -1)) do
    local values = call('HMGET', job(id), 'userId', 'cost')
    if values[1] == user then seconds = seconds + num(values[2]) end
  end
  return seconds
end
local function last_everywhere(allowed)
  if not allowed then return nil end
  local taken = num(call('GET', k('spent:' .. float(arg.day) .. ':|' .. user))) + reserved_everywhere()
  if taken + arg.cost > allowed then
    return { kind = 'limit', limit = 'seconds-everywhere', taken = taken, allowed = allowed, cost = arg.cost }
  end
end
local spent = 'spent:' .. float(arg.day) .. ':' .. guild
reached = reached
  or last('seconds-user', arg.allowance.userSeconds, user, spent .. '|' .. user)
  or last('seconds-guild', arg.allowance.guildSeconds, nil, spent)
  or last_everywhere(arg.allowance.secondsEverywhere)
settle_all()
if reached then return { cjson.encode(reached), '[]' } end
local seq = call('INCR', k('seq'))
local id = arg.id
call('HSET', job(id), 'seq', seq, 'status', 'waiting', 'attempt', 0, 'charged', 0, 'stopping', 0, 'crashes', 0,
  'restarts', 0, 'delivered', 0, unpack(arg.fields))
call('SET', k('key:' .. arg.key), id)
call('ZADD', k('all'), seq, id)
call('ZADD', k('of-guild:' .. guild), seq, id)
call('ZADD', k('of-user:' .. user), seq, id)
call('ZADD', k('unsettled'), seq, id)
for _, each in ipairs(arg.addresses) do call('SADD', k(each), id) end
for _, hash in ipairs(arg.hashes) do call('SADD', k('input:' .. hash), id) end
call('HDEL', k('pledges'), arg.key)
join(id, guild, user, seq)
tell(id, 'waiting')
publish(arg.origin)
return { cjson.encode({ kind = 'fresh', id = id }), told() }
`;

export const CANCEL = `
local arg = cjson.decode(ARGV[1])
local found = head(arg.id)
if not found then return { '"unknown"', '[]' } end
local moderates = arg.moderator and (arg.guildId == nil or arg.guildId == found.guildId)
if found.userId ~= arg.userId and not moderates then return { '"not-yours"', '[]' } end
if found.status == 'waiting' then
  finish(found, { status = 'cancelled', owed = 0, share = 0, now = arg.now })
  publish(arg.origin)
  return { '"cancelled"', told() }
end
if found.status ~= 'running' then return { '"already-finished"', '[]' } end
call('HSET', job(arg.id), 'stopping', 1)
tell(arg.id, 'running', true)
publish(arg.origin)
return { '"stopping"', told() }
`;

/** Of what was charged, nothing counts as spent any more; what the lines were charged stays. */
export const REVOKE = `
local arg = cjson.decode(ARGV[1])
local values = call('HMGET', job(arg.id), 'status', 'delivered', 'charged', 'guildId', 'userId', 'finishedAt')
if values[1] ~= 'done' or values[2] ~= '0' then return { 'false', '[]' } end
local at = num(values[6])
local name = k('spent:' .. float(at - at % 86400000) .. ':')
local own = '|' .. values[5]
for _, each in ipairs({ name .. values[4], name .. values[4] .. own, name .. own }) do
  if call('EXISTS', each) == 1 then call('INCRBYFLOAT', each, float(-num(values[3]))) end
end
call('HSET', job(arg.id), 'status', 'failed', 'charged', 0, 'finishedAt', arg.now, 'failure', arg.failure)
call('HDEL', job(arg.id), 'result')
note({ arg.id })
return { 'true', '[]' }
`;

/** Where a person neither waits nor runs, their line goes; and the answers that are owed to them. */
export const LEAVE = `
local arg = cjson.decode(ARGV[1])
adopt()
settle_all()
for _, guild in ipairs(arg.guilds) do
  local runs = num(call('HGET', l('urun:' .. guild), arg.userId)) > 0
  if user_waits(guild, arg.userId) == 0 and not runs then
    call('HDEL', l('utag:' .. guild), arg.userId)
    if guild == 'dm:' .. arg.userId then
      for _, each in ipairs({ 'gtag', 'gclock', 'gwait', 'grun' }) do call('HDEL', l(each), guild) end
    end
  end
end
local owed = call('HGETALL', k('pledges'))
for at = 1, #owed, 2 do
  if string.find(owed[at + 1], arg.userId, 1, true) then call('HDEL', k('pledges'), owed[at]) end
end
return { 'null', '[]' }
`;
