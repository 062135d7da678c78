/**
 * The fair line inside Redis, one script a call and so one atomic step: the same rules as fairness/fairness.ts, which
 * says why. Every script begins with this prelude.
 *
 * Keys below the prefix KEYS[1]: job:<id> a hash, key:<key> its id, seq the last number; clock, gtag and gclock (guild
 * lines), utag:<guild> (user lines), guilds and users:<guild> those that wait by tag, wait:<guild>|<user> jobs by
 * number, gseq the number of a guild's next job, gwait grun urun:<guild> uwait counts, nwait all that wait; leases running jobs by the time they run out.
 *
 * Leases are timed by Redis' own clock: those of hosts differ. Dates of jobs come with the call.
 */
export const PRELUDE = `
local P = KEYS[1]
local call = redis.call
local function k(name) return P .. ':' .. name end
local function job(id) return k('job:' .. id) end
local function num(value) return tonumber(value or '0') or 0 end
local function float(value) return string.format('%.17g', value) end
local function line(guild, user) return k('wait:' .. guild .. '|' .. user) end
local function clock() return num(call('GET', k('clock'))) end
local function gtag(guild) return tonumber(call('HGET', k('gtag'), guild) or nil) end
local function utag(guild, user) return tonumber(call('HGET', k('utag:' .. guild), user) or nil) end
local function time()
  local now = call('TIME')
  return num(now[1]) * 1000 + math.floor(num(now[2]) / 1000)
end
local function set_gtag(guild, tag)
  call('HSET', k('gtag'), guild, float(tag))
  if num(call('HGET', k('gwait'), guild)) > 0 then call('ZADD', k('guilds'), float(tag), guild) end
end
local function set_utag(guild, user, tag)
  call('HSET', k('utag:' .. guild), user, float(tag))
  if call('ZCARD', line(guild, user)) > 0 then call('ZADD', k('users:' .. guild), float(tag), user) end
end

-- guilds whose next job may be another one now
local dirty = {}

-- of a sorted set the member with the lowest tag whose candidate came first; nil where none has one
local function lowest(set, candidate)
  local best, seq, tag = nil, nil, nil
  local list = call('ZRANGE', set, 0, -1, 'WITHSCORES')
  for at = 1, #list, 2 do
    local score = tonumber(list[at + 1])
    if tag ~= nil and score > tag then break end
    local id = candidate(list[at])
    if id then
      local own = num(call('HGET', job(id), 'seq'))
      if best == nil or own < seq then best, seq, tag = id, own, score end
    end
  end
  return best, seq
end
local function refresh()
  for guild in pairs(dirty) do
    local _, seq = lowest(k('users:' .. guild), function(user)
      return call('ZRANGE', line(guild, user), 0, 0)[1]
    end)
    if seq then call('HSET', k('gseq'), guild, seq) else call('HDEL', k('gseq'), guild) end
  end
  dirty = {}
end

local changes = {}
local function tell(id, status, stopping)
  table.insert(changes, { id = id, status = status, stopping = stopping })
end
local function publish(origin)
  refresh()
  call('INCR', k('version'))
  if #changes > 0 then
    call('PUBLISH', k('changes'), cjson.encode({ origin = origin, changes = changes }))
  end
end
local function told()
  if #changes == 0 then return '[]' end
  return cjson.encode(changes)
end

-- puts a job where its number belongs, without touching a tag
local function place(id, guild, user, seq)
  if gtag(guild) == nil then call('HSET', k('gtag'), guild, float(clock())) end
  if utag(guild, user) == nil then
    call('HSET', k('utag:' .. guild), user, float(num(call('HGET', k('gclock'), guild))))
  end
  dirty[guild] = true
  call('ZADD', line(guild, user), seq, id)
  call('HINCRBY', k('gwait'), guild, 1)
  call('HINCRBY', k('uwait'), user, 1)
  call('INCR', k('nwait'))
  set_gtag(guild, gtag(guild))
  set_utag(guild, user, utag(guild, user))
end
local function join(id, guild, user, seq)
  local tag = gtag(guild) or clock()
  if num(call('HGET', k('gwait'), guild)) == 0 then tag = math.max(tag, clock()) end
  local inner = num(call('HGET', k('gclock'), guild))
  local own = utag(guild, user) or inner
  if call('ZCARD', line(guild, user)) == 0 then own = math.max(own, inner) end
  call('HSET', k('gtag'), guild, float(tag))
  call('HSET', k('utag:' .. guild), user, float(own))
  place(id, guild, user, seq)
end
local function remove(id, guild, user)
  dirty[guild] = true
  call('ZREM', line(guild, user), id)
  if call('ZCARD', line(guild, user)) == 0 then call('ZREM', k('users:' .. guild), user) end
  if call('HINCRBY', k('gwait'), guild, -1) <= 0 then call('ZREM', k('guilds'), guild) end
  if call('HINCRBY', k('uwait'), user, -1) <= 0 then call('HDEL', k('uwait'), user) end
  call('DECR', k('nwait'))
end
local function forget_users(guild)
  call('DEL', k('utag:' .. guild), k('urun:' .. guild), k('users:' .. guild))
end
local function tidy(guild, user)
  local waits = num(call('HGET', k('gwait'), guild)) > 0
  local runs = num(call('HGET', k('grun'), guild)) > 0
  if num(call('GET', k('nwait'))) == 0 and call('ZCARD', k('leases')) == 0 then
    for _, each in ipairs(call('HKEYS', k('gtag'))) do forget_users(each) end
    call('DEL', k('gtag'), k('gclock'), k('gwait'), k('grun'), k('guilds'), k('gseq'), k('clock'), k('nwait'),
      k('uwait'))
    dirty = {}
  elseif not waits and not runs then
    forget_users(guild)
    call('HDEL', k('gclock'), guild)
    if (gtag(guild) or 0) <= clock() then
      call('HDEL', k('gtag'), guild)
      call('HDEL', k('gwait'), guild)
      call('HDEL', k('grun'), guild)
    end
  elseif call('ZCARD', line(guild, user)) == 0 and num(call('HGET', k('urun:' .. guild), user)) == 0 then
    local own = utag(guild, user)
    if own ~= nil and own <= num(call('HGET', k('gclock'), guild)) then call('HDEL', k('utag:' .. guild), user) end
  end
end
local function charge(guild, user, cost, weight)
  dirty[guild] = true
  set_gtag(guild, (gtag(guild) or clock()) + cost)
  set_utag(guild, user, (utag(guild, user) or num(call('HGET', k('gclock'), guild))) + cost / weight)
end
local function start(guild, user, id, cost, weight)
  local tag, own = gtag(guild), utag(guild, user)
  remove(id, guild, user)
  call('SET', k('clock'), float(math.max(clock(), tag)))
  call('HSET', k('gclock'), guild, float(math.max(num(call('HGET', k('gclock'), guild)), own)))
  charge(guild, user, cost, weight)
  call('HINCRBY', k('grun'), guild, 1)
  call('HINCRBY', k('urun:' .. guild), user, 1)
end
local function stop_running(guild, user, id)
  call('HINCRBY', k('grun'), guild, -1)
  call('HINCRBY', k('urun:' .. guild), user, -1)
  call('ZREM', k('leases'), id)
end

local HEAD = { 'guildId', 'userId', 'weight', 'status', 'attempt', 'charged', 'stopping', 'restarts', 'seq' }
local function head(id)
  local values = call('HMGET', job(id), unpack(HEAD))
  if not values[1] then return nil end
  local found = { id = id }
  for at, name in ipairs(HEAD) do found[name] = values[at] end
  return found
end
local function count_spent(found, seconds, day)
  if seconds <= 0 then return end
  local name = k('spent:' .. float(day) .. ':')
  local own = '|' .. found.userId
  for _, each in ipairs({ name .. found.guildId, name .. found.guildId .. own, name .. own }) do
    call('INCRBYFLOAT', each, float(seconds))
    call('EXPIRE', each, 8 * 86400)
  end
end

-- a live job becomes finished; owed: what its lines are charged for the run, share: how much of that counts as spent
local function finish(found, outcome)
  local spent = 0
  if found.status == 'waiting' then
    remove(found.id, found.guildId, found.userId)
    tidy(found.guildId, found.userId)
  else
    charge(found.guildId, found.userId, outcome.owed - num(found.charged), num(found.weight))
    stop_running(found.guildId, found.userId, found.id)
    tidy(found.guildId, found.userId)
    spent = outcome.owed * outcome.share
  end
  call('HSET', job(found.id), 'status', outcome.status, 'charged', float(spent), 'finishedAt', outcome.now)
  call('HDEL', job(found.id), 'worker', 'seat')
  if outcome.result then call('HSET', job(found.id), 'result', outcome.result) end
  if outcome.failure then call('HSET', job(found.id), 'failure', outcome.failure) end
  if outcome.status == 'done' then count_spent(found, spent, outcome.day) end
  tell(found.id, outcome.status)
end

-- a running job waits again at the head of its line, or ends: told to stop, or given up
local function take_back(found, lost, context)
  if found.stopping == '1' then
    finish(found, { status = 'cancelled', owed = 0, share = 0, now = context.now })
  elseif lost.restarted and num(found.restarts) >= context.restartsForgiven then
    finish(found, { status = 'failed', failure = context.fatal, owed = 0, share = 0, now = context.now })
  else
    charge(found.guildId, found.userId, -num(found.charged), num(found.weight))
    stop_running(found.guildId, found.userId, found.id)
    place(found.id, found.guildId, found.userId, num(found.seq))
    call('HSET', job(found.id), 'status', 'waiting', 'charged', 0)
    call('HDEL', job(found.id), 'startedAt', 'worker', 'seat')
    if lost.crashed then call('HINCRBY', job(found.id), 'crashes', 1) end
    if lost.restarted then call('HINCRBY', job(found.id), 'restarts', 1) end
    tell(found.id, 'waiting')
  end
end
local function take_back_overdue(context)
  for _, id in ipairs(call('ZRANGEBYSCORE', k('leases'), '-inf', time())) do
    local found = head(id)
    if found and found.status == 'running' then
      take_back(found, { restarted = true }, context)
    else
      call('ZREM', k('leases'), id)
    end
  end
end
-- the job of a lease that is still the current one, or nil
local function leased(id, attempt)
  local found = head(id)
  if found and found.status == 'running' and found.attempt == attempt then return found end
  return nil
end
`;

/** The rest of each script. `arg` is the call's one argument, JSON. Answers [value, changes] as JSON texts. */
export const SCRIPTS = {
  /** What a guild or one of its people has live, in seconds as priced at their submit; used by submit. */
  submit: `
local arg = cjson.decode(ARGV[1])
local known = call('GET', k('key:' .. arg.key))
if known then return { cjson.encode({ kind = 'known', id = known }), '[]' } end
local guild, user = arg.guildId, arg.userId
local function hold(limit, taken, allowed)
  if allowed and taken >= allowed then return { kind = 'limit', limit = limit, taken = taken, allowed = allowed } end
end
local own = call('ZCARD', line(guild, user))
local all = num(call('HGET', k('gwait'), guild))
local reached = hold('waiting-user', num(call('HGET', k('uwait'), user)), arg.limits.waitingPerUser)
  or hold('waiting-user', num(call('HGET', k('uwait'), user)), arg.allowance.waitingEverywhere)
  or hold('waiting-user', own, arg.allowance.waitingPerUser)
  or hold('waiting-guild', all, arg.limits.waitingPerGuild)
  or hold('waiting-guild', all, arg.allowance.waitingPerGuild)
local function reserved(of)
  local seconds = 0
  local function add(id)
    local values = call('HMGET', job(id), 'guildId', 'userId', 'cost')
    if values[1] == guild and (of == nil or values[2] == of) then seconds = seconds + num(values[3]) end
  end
  for _, each in ipairs(call('ZRANGE', k('users:' .. guild), 0, -1)) do
    for _, id in ipairs(call('ZRANGE', line(guild, each), 0, -1)) do add(id) end
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
  local left = num(call('HGET', k('uwait'), user))
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
`,

  claim: `
local arg = cjson.decode(ARGV[1])
take_back_overdue(arg)
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
local function seats_for(id)
  local values = call('HMGET', job(id), 'model', 'needs')
  if has then
    for _, each in ipairs(cjson.decode(values[2] or '[]')) do
      if not has[each] then return {} end
    end
  end
  local found = {}
  for _, seat in ipairs(arg.seats) do
    local fits = true
    for _, model in ipairs(seat.unfit) do if model == values[1] then fits = false end end
    for _, avoided in ipairs(seat.avoids) do if avoided == id then fits = false end end
    if fits then table.insert(found, seat) end
  end
  return found, values[1]
end
local picky = has ~= nil
local open = false
for _, seat in ipairs(arg.seats) do if #seat.unfit + #seat.avoids == 0 then open = true end end
picky = picky or not open
local function first_of(guild, user)
  if not picky then return call('ZRANGE', line(guild, user), 0, 0)[1] end
  for _, id in ipairs(call('ZRANGE', line(guild, user), 0, -1)) do
    if #seats_for(id) > 0 then return id end
  end
end
local function first_in(guild)
  return (lowest(k('users:' .. guild), function(user) return first_of(guild, user) end))
end
-- guilds with equal tags in the order in which their next jobs came; then those with the next tag
local function first()
  local tags = call('ZRANGE', k('guilds'), 0, 0, 'WITHSCORES')
  local tag = tags[2]
  while tag do
    local tied = call('ZRANGEBYSCORE', k('guilds'), tag, tag)
    if #tied > 1 then
      local seq_of = {}
      for at = 1, #tied, 1000 do
        local part = {}
        for n = at, math.min(at + 999, #tied) do table.insert(part, tied[n]) end
        for n, seq in ipairs(call('HMGET', k('gseq'), unpack(part))) do seq_of[part[n]] = num(seq) end
      end
      table.sort(tied, function(a, b) return seq_of[a] < seq_of[b] end)
    end
    for _, guild in ipairs(tied) do
      local id = first_in(guild)
      if id then return id end
    end
    tag = call('ZRANGEBYSCORE', k('guilds'), '(' .. tag, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  end
end
refresh()
local id = first()
if not id then
  if #changes > 0 then publish(arg.origin) end
  return { 'null', told() }
end
local found = head(id)
local cost = num(call('HGET', job(id), 'cost'))
start(found.guildId, found.userId, id, cost, num(found.weight))
local seats, model = seats_for(id)
local best, rank = nil, nil
for _, seat in ipairs(seats) do
  local own = #seat.loaded
  for _, each in ipairs(seat.loaded) do if each == model then own = -1 end end
  if best == nil or own < rank then best, rank = seat.name, own end
end
local attempt = num(found.attempt) + 1
call('HSET', job(id), 'status', 'running', 'attempt', attempt, 'charged', float(cost), 'startedAt', arg.now,
  'worker', arg.worker, 'seat', best)
call('ZADD', k('leases'), time() + arg.leaseMs, id)
tell(id, 'running')
publish(arg.origin)
return { cjson.encode({ id = id, attempt = attempt, seat = best }), told() }
`,

  /** What a job costs is known better than when it was submitted. */
  reprice: `
local arg = cjson.decode(ARGV[1])
local found = leased(arg.id, arg.attempt)
if found then
  charge(found.guildId, found.userId, arg.cost - num(found.charged), num(found.weight))
  call('HSET', job(arg.id), 'cost', float(arg.cost), 'charged', float(arg.cost))
  publish(arg.origin)
end
return { 'null', '[]' }
`,

  renew: `
local arg = cjson.decode(ARGV[1])
if not leased(arg.id, arg.attempt) then return { 'false', '[]' } end
call('ZADD', k('leases'), time() + arg.leaseMs, arg.id)
return { 'true', '[]' }
`,

  finish: `
local arg = cjson.decode(ARGV[1])
local found = leased(arg.id, arg.attempt)
if not found then return { 'false', '[]' } end
finish(found, arg.outcome)
publish(arg.origin)
return { 'true', told() }
`,

  release: `
local arg = cjson.decode(ARGV[1])
local found = leased(arg.id, arg.attempt)
if not found then return { 'false', '[]' } end
take_back(found, { crashed = arg.crashed }, arg)
publish(arg.origin)
return { 'true', told() }
`,

  sweep: `
local arg = cjson.decode(ARGV[1])
take_back_overdue(arg)
if #changes > 0 then publish(arg.origin) end
return { 'null', told() }
`,

  cancel: `
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
`,

  /** Of what was charged, nothing counts as spent any more; what the lines were charged stays. */
  revoke: `
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
call('INCR', k('version'))
return { 'true', '[]' }
`,

  remember: `
local arg = cjson.decode(ARGV[1])
if call('EXISTS', job(arg.id)) == 0 then return { 'null', '[]' } end
for _, each in ipairs(cjson.decode(call('HGET', job(arg.id), 'addresses') or '[]')) do
  call('SREM', k(each), arg.id)
end
call('HSET', job(arg.id), 'context', arg.context, 'addresses', cjson.encode(arg.addresses))
for _, each in ipairs(arg.addresses) do call('SADD', k(each), arg.id) end
return { 'null', '[]' }
`,

  delivered: `
local arg = cjson.decode(ARGV[1])
if call('EXISTS', job(arg.id)) == 1 then
  call('HSET', job(arg.id), 'delivered', 1)
  call('ZREM', k('unsettled'), arg.id)
end
return { 'null', '[]' }
`,

  /** Answers the start pictures that no job names any more. `undelivered`: those whose message was not sent, too. */
  forget: `
local arg = cjson.decode(ARGV[1])
local free = {}
for _, id in ipairs(arg.ids) do
  local values = call('HMGET', job(id), 'delivered', 'finishedAt', 'key', 'guildId', 'userId', 'addresses', 'hashes')
  if (values[1] == '1' or arg.undelivered) and values[2] then
    call('ZREM', k('all'), id)
    call('ZREM', k('unsettled'), id)
    call('ZREM', k('of-guild:' .. values[4]), id)
    call('ZREM', k('of-user:' .. values[5]), id)
    call('ZREM', k('retracted'), id)
    for _, each in ipairs(cjson.decode(values[6] or '[]')) do call('SREM', k(each), id) end
    for _, hash in ipairs(cjson.decode(values[7] or '[]')) do
      call('SREM', k('input:' .. hash), id)
      if call('SCARD', k('input:' .. hash)) == 0 then table.insert(free, hash) end
    end
    call('DEL', job(id), k('key:' .. values[3]))
  end
end
if #free == 0 then return { '[]', '[]' } end
return { cjson.encode(free), '[]' }
`,

  /** Those who listen look for themselves. */
  set_mode: `
local arg = cjson.decode(ARGV[1])
call('SET', k('mode'), arg.mode)
call('PUBLISH', k('changes'), arg.notice)
return { 'null', '[]' }
`,

  /** Where a person neither waits nor runs, their line goes; and what was promised to them. */
  leave: `
local arg = cjson.decode(ARGV[1])
for _, guild in ipairs(arg.guilds) do
  local runs = num(call('HGET', k('urun:' .. guild), arg.userId)) > 0
  if call('ZCARD', line(guild, arg.userId)) == 0 and not runs then
    call('HDEL', k('utag:' .. guild), arg.userId)
    call('HDEL', k('urun:' .. guild), arg.userId)
    if guild == 'dm:' .. arg.userId then
      for _, each in ipairs({ 'gtag', 'gclock', 'gwait', 'grun', 'gseq' }) do call('HDEL', k(each), guild) end
    end
  end
end
local promised = call('HGETALL', k('pledges'))
for at = 1, #promised, 2 do
  if string.find(promised[at + 1], arg.userId, 1, true) then call('HDEL', k('pledges'), promised[at]) end
end
return { 'null', '[]' }
`,

  retract: `
local arg = cjson.decode(ARGV[1])
local marked = {}
local function mark(id)
  if call('EXISTS', job(id)) == 0 or call('HEXISTS', job(id), 'retractedAt') == 1 then return end
  call('HSET', job(id), 'retractedAt', arg.now, 'retractedWith', arg.reason)
  call('ZADD', k('retracted'), arg.now, id)
  table.insert(marked, id)
end
for _, id in ipairs(arg.jobs) do mark(id) end
for _, each in ipairs(arg.sets) do
  for _, id in ipairs(call('SMEMBERS', k(each))) do mark(id) end
end
if arg.guildId then
  for _, id in ipairs(call('ZRANGE', k('of-guild:' .. arg.guildId), 0, -1)) do mark(id) end
end
if #marked == 0 then return { '[]', '[]' } end
return { cjson.encode(marked), '[]' }
`,

  restore: `
local arg = cjson.decode(ARGV[1])
for _, id in ipairs(call('ZRANGE', k('retracted'), 0, -1)) do
  local values = call('HMGET', job(id), 'guildId', 'retractedWith')
  if values[1] == arg.guildId and values[2] == 'guild' then
    call('HDEL', job(id), 'retractedAt', 'retractedWith')
    call('ZREM', k('retracted'), id)
  end
end
return { 'null', '[]' }
`,
} as const;
