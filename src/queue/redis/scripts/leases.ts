/** The calls of whoever runs a job, once it is claimed. */

/** What a job costs is known better than when it was submitted. */
export const REPRICE = `
local arg = cjson.decode(ARGV[1])
local found = leased(arg.id, arg.attempt)
if found then
  charge(found.guildId, found.userId, arg.cost - num(found.charged), num(found.weight))
  call('HSET', job(arg.id), 'cost', float(arg.cost), 'charged', float(arg.cost))
  publish(arg.origin, arg.id)
end
return { 'null', '[]' }
`;

export const RENEW = `
local arg = cjson.decode(ARGV[1])
if not leased(arg.id, arg.attempt) then return { 'false', '[]' } end
call('ZADD', k('leases'), time() + arg.leaseMs, arg.id)
return { 'true', '[]' }
`;

export const FINISH = `
local arg = cjson.decode(ARGV[1])
local found = leased(arg.id, arg.attempt)
if not found then return { 'false', '[]' } end
finish(found, arg.outcome)
publish(arg.origin)
return { 'true', told() }
`;

export const RELEASE = `
local arg = cjson.decode(ARGV[1])
local found = leased(arg.id, arg.attempt)
if not found then return { 'false', '[]' } end
take_back(found, { crashed = arg.crashed }, arg)
publish(arg.origin)
return { 'true', told() }
`;

export const SWEEP = `
local arg = cjson.decode(ARGV[1])
adopt()
take_back_overdue(arg)
if #changes > 0 or next(moved) then publish(arg.origin) end
return { 'null', told() }
`;

/** No program is left that could run anything: whatever runs waits again. */
export const RECALL = `
local arg = cjson.decode(ARGV[1])
adopt()
for _, id in ipairs(call('ZRANGE', k('leases'), 0, -1)) do
  local found = head(id)
  if found and found.status == 'running' then take_back(found, {}, arg) else call('ZREM', k('leases'), id) end
end
publish(arg.origin)
return { 'null', '[]' }
`;

/** Jobs that were written with the state waiting stand in their lines; no tag moves. */
export const ENLIST = `
local arg = cjson.decode(ARGV[1])
for _, id in ipairs(arg.ids) do
  local found = head(id)
  place(id, found.guildId, found.userId, num(found.seq))
end
settle_all()
-- More than a log holds: all is read anew.
call('INCR', k('version'))
return { 'null', '[]' }
`;

/** Those who listen look for themselves. */
export const SET_MODE = `
local arg = cjson.decode(ARGV[1])
call('SET', k('mode'), arg.mode)
call('PUBLISH', k('changes'), arg.notice)
return { 'null', '[]' }
`;
