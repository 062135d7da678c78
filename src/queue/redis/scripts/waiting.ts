/**
 * What waits, by the rules of fairness/fairness.ts, which says why. Jobs that ask the same of a worker are a class, and
 * every class has lines of its own, so that a claim looks only at what the worker can run: of each of its classes at the
 * first entry. Members of the sorted sets begin with the number of the job that would come next: what has equal tags
 * stands there in the order it came.
 *
 * Keys below line: clock; gtag, gclock, gwait, grun by guild; utag:<guild>, uwait:<guild>, urun:<guild> by user; owait
 * waiting jobs of a user over all guilds; nwait all that wait; classes what each class asks, cwait its waiting jobs,
 * gclass:<guild> the guild's waiting jobs by class; jobs:<class>|<guild>|<user> by number; users:<class>|<guild> by tag,
 * uhead: the number each stands there with; guilds:<class> and ghead: likewise.
 */
export const WAITING = `
local function clock() return num(call('GET', l('clock'))) end
local function gclock(guild) return num(call('HGET', l('gclock'), guild)) end
local function gtag(guild) return tonumber(call('HGET', l('gtag'), guild) or nil) end
local function utag(guild, user) return tonumber(call('HGET', l('utag:' .. guild), user) or nil) end
local function waits(guild) return num(call('HGET', l('gwait'), guild)) end
local function user_waits(guild, user) return num(call('HGET', l('uwait:' .. guild), user)) end
local function jobs_of(class, guild, user) return l('jobs:' .. class .. '|' .. guild .. '|' .. user) end
local function padded(seq) return string.format('%016.0f', num(seq)) end
local function seq_in(member) return string.sub(member, 1, 16) end
local function name_in(member) return string.sub(member, 18) end

-- guild -> users and classes whose places may be other ones now
local moved = {}
local function move(guild, user, class)
  local found = moved[guild]
  if not found then found = { users = {}, classes = {} } moved[guild] = found end
  found.users[user] = true
  if class then found.classes[class] = true end
end

-- in a sorted set the entry of a name: at this tag under the number of its next job, or out of it where it has none
local function settle(set, heads, name, tag, seq)
  local before = call('HGET', heads, name)
  if before and before ~= seq then call('ZREM', set, before .. ':' .. name) end
  if seq then
    call('ZADD', set, float(tag), seq .. ':' .. name)
    if before ~= seq then call('HSET', heads, name, seq) end
  elseif before then
    call('HDEL', heads, name)
  end
end
local function settle_class(class, guild, users)
  local set, heads = l('users:' .. class .. '|' .. guild), l('uhead:' .. class .. '|' .. guild)
  for user in pairs(users) do
    local first = call('ZRANGE', jobs_of(class, guild, user), 0, 0, 'WITHSCORES')[2]
    settle(set, heads, user, utag(guild, user) or 0, first and padded(first))
  end
  local next_user = call('ZRANGE', set, 0, 0)[1]
  settle(l('guilds:' .. class), l('ghead:' .. class), guild, gtag(guild) or 0, next_user and seq_in(next_user))
end
local function settle_all()
  for guild, found in pairs(moved) do
    for _, class in ipairs(call('HKEYS', l('gclass:' .. guild))) do found.classes[class] = true end
    for class in pairs(found.classes) do settle_class(class, guild, found.users) end
  end
  moved = {}
end

local function publish(origin, repriced)
  settle_all()
  local ids = { repriced }
  for _, change in ipairs(changes) do table.insert(ids, change.id) end
  note(ids)
  if #changes > 0 then
    call('PUBLISH', k('changes'), cjson.encode({ origin = origin, changes = changes }))
  end
end

-- the class of what a job asks, made where it is new
local function class_of(id)
  local values = call('HMGET', job(id), 'model', 'needs')
  local text = cjson.encode({ values[1] or '', cjson.decode(values[2] or '[]') })
  local class = redis.sha1hex(text)
  call('HSETNX', l('classes'), class, text)
  return class
end

-- puts a job where its number belongs, without touching a tag
local function place(id, guild, user, seq)
  if gtag(guild) == nil then call('HSET', l('gtag'), guild, float(clock())) end
  if utag(guild, user) == nil then call('HSET', l('utag:' .. guild), user, float(gclock(guild))) end
  local class = class_of(id)
  call('HSET', job(id), 'class', class)
  call('ZADD', jobs_of(class, guild, user), seq, id)
  call('HINCRBY', l('cwait'), class, 1)
  call('HINCRBY', l('gclass:' .. guild), class, 1)
  call('HINCRBY', l('gwait'), guild, 1)
  call('HINCRBY', l('uwait:' .. guild), user, 1)
  call('HINCRBY', l('owait'), user, 1)
  call('INCR', l('nwait'))
  move(guild, user, class)
end
local function join(id, guild, user, seq)
  local tag = gtag(guild) or clock()
  if waits(guild) == 0 then tag = math.max(tag, clock()) end
  local inner = gclock(guild)
  local own = utag(guild, user) or inner
  if user_waits(guild, user) == 0 then own = math.max(own, inner) end
  call('HSET', l('gtag'), guild, float(tag))
  call('HSET', l('utag:' .. guild), user, float(own))
  place(id, guild, user, seq)
end
local function less(hash, name)
  if call('HINCRBY', hash, name, -1) <= 0 then call('HDEL', hash, name) end
end
local function remove(found)
  local id, guild, user, class = found.id, found.guildId, found.userId, found.class
  if not class or call('ZREM', jobs_of(class, guild, user), id) == 0 then return end
  less(l('gclass:' .. guild), class)
  less(l('gwait'), guild)
  less(l('uwait:' .. guild), user)
  less(l('owait'), user)
  call('DECR', l('nwait'))
  if call('HINCRBY', l('cwait'), class, -1) <= 0 then
    call('HDEL', l('cwait'), class)
    call('HDEL', l('classes'), class)
  end
  move(guild, user, class)
end

local function forget_users(guild)
  call('DEL', l('utag:' .. guild), l('urun:' .. guild))
end
local function tidy(guild, user)
  local runs = num(call('HGET', l('grun'), guild)) > 0
  if num(call('GET', l('nwait'))) <= 0 and call('ZCARD', k('leases')) == 0 then
    settle_all()
    for _, each in ipairs(call('HKEYS', l('gtag'))) do forget_users(each) end
    call('DEL', l('gtag'), l('gclock'), l('gwait'), l('grun'), l('clock'), l('nwait'), l('owait'))
  elseif waits(guild) == 0 and not runs then
    forget_users(guild)
    call('HDEL', l('gclock'), guild)
    if (gtag(guild) or 0) <= clock() then
      call('HDEL', l('gtag'), guild)
      call('HDEL', l('grun'), guild)
    end
  elseif user_waits(guild, user) == 0 and num(call('HGET', l('urun:' .. guild), user)) == 0 then
    local own = utag(guild, user)
    if own ~= nil and own <= gclock(guild) then call('HDEL', l('utag:' .. guild), user) end
  end
end
local function charge(guild, user, cost, weight)
  call('HSET', l('gtag'), guild, float((gtag(guild) or clock()) + cost))
  call('HSET', l('utag:' .. guild), user, float((utag(guild, user) or gclock(guild)) + cost / weight))
  move(guild, user)
end
local function start(found, cost)
  local guild, user = found.guildId, found.userId
  local tag, own = gtag(guild), utag(guild, user)
  remove(found)
  call('SET', l('clock'), float(math.max(clock(), tag)))
  call('HSET', l('gclock'), guild, float(math.max(gclock(guild), own)))
  charge(guild, user, cost, num(found.weight))
  call('HINCRBY', l('grun'), guild, 1)
  call('HINCRBY', l('urun:' .. guild), user, 1)
end
local function stop_running(guild, user, id)
  less(l('grun'), guild)
  less(l('urun:' .. guild), user)
  call('ZREM', k('leases'), id)
end

-- Programs of older versions keep what waits under other names: whatever they left or add there moves over.
local function adopt()
  if call('EXISTS', k('gtag')) == 0 then return end
  for _, guild in ipairs(call('HKEYS', k('gtag'))) do
    for _, name in ipairs({ 'utag:', 'urun:' }) do
      if call('EXISTS', k(name .. guild)) == 1 then call('RENAMENX', k(name .. guild), l(name .. guild)) end
    end
    call('DEL', k('utag:' .. guild), k('urun:' .. guild), k('users:' .. guild))
  end
  for _, name in ipairs({ 'clock', 'gtag', 'gclock', 'grun' }) do
    if call('EXISTS', k(name)) == 1 then call('RENAMENX', k(name), l(name)) end
  end
  call('DEL', k('clock'), k('gtag'), k('gclock'), k('grun'), k('gwait'), k('uwait'), k('nwait'), k('guilds'), k('gseq'))
  call('INCR', k('version'))
  for _, id in ipairs(call('ZRANGE', k('unsettled'), 0, -1)) do
    local found = head(id)
    if found and found.status == 'waiting' then
      local guild, user = found.guildId, found.userId
      call('ZREM', k('wait:' .. guild .. '|' .. user), id)
      local placed = found.class and call('ZSCORE', jobs_of(found.class, guild, user), id)
      if not placed then place(id, guild, user, num(found.seq)) end
    end
  end
end
`;
