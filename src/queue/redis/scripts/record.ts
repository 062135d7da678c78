/** The calls that change the record alone. */

export const REMEMBER = `
local arg = cjson.decode(ARGV[1])
if call('EXISTS', job(arg.id)) == 0 then return { 'null', '[]' } end
for _, each in ipairs(cjson.decode(call('HGET', job(arg.id), 'addresses') or '[]')) do
  call('SREM', k(each), arg.id)
end
call('HSET', job(arg.id), 'context', arg.context, 'addresses', cjson.encode(arg.addresses))
for _, each in ipairs(arg.addresses) do call('SADD', k(each), arg.id) end
return { 'null', '[]' }
`;

export const DELIVERED = `
local arg = cjson.decode(ARGV[1])
if call('EXISTS', job(arg.id)) == 1 then
  call('HSET', job(arg.id), 'delivered', 1)
  call('ZREM', k('unsettled'), arg.id)
end
return { 'null', '[]' }
`;

/** Answers the start pictures that no job names any more. `undelivered`: those whose message was not sent, too. */
export const FORGET = `
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
`;

export const RETRACT = `
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
`;

export const RESTORE = `
local arg = cjson.decode(ARGV[1])
for _, id in ipairs(call('ZRANGE', k('retracted'), 0, -1)) do
  local values = call('HMGET', job(id), 'guildId', 'retractedWith')
  if values[1] == arg.guildId and values[2] == 'guild' then
    call('HDEL', job(id), 'retractedAt', 'retractedWith')
    call('ZREM', k('retracted'), id)
  end
end
return { 'null', '[]' }
`;
