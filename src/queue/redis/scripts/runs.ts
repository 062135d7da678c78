/** What becomes of jobs that run, for the scripts that begin and end them. */
export const RUNS = `
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
    remove(found)
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
