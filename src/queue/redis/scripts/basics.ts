/**
 * What every script inside Redis begins with. One script is one atomic step; its `arg` is the call's one argument, JSON,
 * and it answers [value, changes] as JSON texts.
 *
 * Keys below the prefix KEYS[1]: job:<id> a hash, key:<key> its id, seq the last number, version and log what changed, leases running jobs by the time
 * they run out, line:… what waits (waiting.ts).
 *
 * Leases are timed by Redis' own clock: those of hosts differ. Dates of jobs come with the call.
 */
export const BASICS = `
local P = KEYS[1]
local call = redis.call
local function k(name) return P .. ':' .. name end
local function l(name) return P .. ':line:' .. name end
local function job(id) return k('job:' .. id) end
local function num(value) return tonumber(value or '0') or 0 end
local function float(value) return string.format('%.17g', value) end
local function time()
  local now = call('TIME')
  return num(now[1]) * 1000 + math.floor(num(now[2]) / 1000)
end

local HEAD = { 'guildId', 'userId', 'weight', 'status', 'attempt', 'charged', 'stopping', 'restarts', 'seq', 'class' }
local function head(id)
  local values = call('HMGET', job(id), unpack(HEAD))
  if not values[1] then return nil end
  local found = { id = id }
  for at, name in ipairs(HEAD) do found[name] = values[at] end
  return found
end

-- which jobs each version changed, the newest first: whoever knows an earlier one reads those alone (redis-live.ts)
local LOGGED = 1000
local function note(ids)
  local entry = { call('INCR', k('version')) }
  for _, id in ipairs(ids) do table.insert(entry, id) end
  call('LPUSH', k('log'), cjson.encode(entry))
  call('LTRIM', k('log'), 0, LOGGED - 1)
end

local changes = {}
local function tell(id, status, stopping)
  table.insert(changes, { id = id, status = status, stopping = stopping })
end
local function told()
  if #changes == 0 then return '[]' end
  return cjson.encode(changes)
end
`;
