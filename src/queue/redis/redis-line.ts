import type { EngineLog } from '../../engine/engine.ts';
import { LimitError, type LimitReached } from '../allowance.ts';
import { owedFor, shareOf } from '../fairness/charge.ts';
import { copyIn, workOfOrder } from '../copy.ts';
import { dayOf } from '../fairness/limits.ts';
import { newJobId } from '../stored/job-id.ts';
import type { CancelAnswer, Job, JobOutcome, NewJob } from '../job.ts';
import type { Measurement } from '../measurement.ts';
import type { Claim, Lease, Line } from '../line.ts';
import { FAILURES, refusalOf } from '../stored/impossible.ts';
import { encodeResult } from '../stored/stored-result.ts';
import { isDamaged, writeStored } from '../stored/stored-request.ts';
import type { Workers } from '../contracts.ts';
import { writingWords } from './connection.ts';
import { keepInputs, readRequest } from './inputs.ts';
import { createOutlook } from './redis-outlook.ts';
import { addressesOf, hashIn, type JobHash, jobOf, workIn } from './records.ts';
import type { RedisCore } from './redis-core.ts';

/** `job`: names and values of its hash in turn */
type Claimed = Omit<Lease, 'worker'> & { job: readonly string[] };

type Submitted = { kind: 'fresh' | 'known'; id: string } | ({ kind: 'limit' } & LimitReached);

/** The line's calls, each one script inside Redis. */
export function createRedisLine(
  core: RedisCore,
  { workers, log }: { workers: Pick<Workers, 'list'>; log: EngineLog },
): Line {
  const { redis, key, run, checkOpen } = core;
  const line: Line = {
    async submit(job, allowance = {}) {
      checkOpen();
      const weight = job.weight ?? 1;
      if (!(weight > 0 && weight < Infinity)) throw new Error(`weight ${weight} is not above 0`);
      return admit(core, job, weight, allowance).catch((error: unknown) => {
        throw writingWords(error);
      });
    },

    claim: (worker) => claim(worker),

    renew: async (lease) => (await run('renew', fence(lease))) === true,

    async finish(lease, outcome) {
      const hash = await redis.hgetall(key(`job:${lease.id}`));
      const arg = { ...fence(lease), outcome: endOf(hash, outcome, core) };
      return (await run('finish', arg)) === true;
    },

    release: async (lease, why = 'handed-back') =>
      (await run('release', { ...fence(lease), crashed: why === 'crashed' })) === true,

    cancel: async (id, by) => (await run('cancel', { id, ...by })) as CancelAnswer,

    revoke: async (id, failure) =>
      (await run('revoke', { id, failure: JSON.stringify(failure) })) === true,

    ...createOutlook(core, workers),
    measure: (measurement) => measure(core, measurement),
    onChange: (listener) => core.listen(listener),
  };
  const claim = createClaim(core, line, log);
  return line;
}

/** What a runner asks for, with what it can read and run. */
function createClaim(
  core: RedisCore,
  line: Pick<Line, 'release' | 'finish'>,
  log: EngineLog,
): Line['claim'] {
  /** jobs that this version cannot read */
  const unreadHere = new Set<string>();
  const handBack = async (lease: Lease): Promise<void> => {
    unreadHere.add(lease.id);
    await handBackUnread(core, line, lease, log);
  };
  return async ({ name, devices, has = null }) => {
    for (;;) {
      const wanted = devices.map(({ avoids = [], joins = null, ...device }) => ({
        ...device,
        ...(joins !== null && { joins }),
        avoids: [...avoids, ...unreadHere],
      }));
      const arg = { worker: name, devices: wanted, ...(has === null ? {} : { has }) };
      const found = (await core.run('claim', arg)) as Claimed | null;
      if (found === null) return null;
      const { job, ...held } = found;
      const claim = await open(core, line, handBack, { ...held, worker: name }, hashIn(job));
      if (claim !== null) return claim;
    }
  };
}

async function stored({ redis, key }: RedisCore, id: string): Promise<Job> {
  const job = jobOf(id, await redis.hgetall(key(`job:${id}`)));
  if (job === null) throw new Error(`job ${id} was forgotten meanwhile`);
  return job;
}

async function admit(
  core: RedisCore,
  job: NewJob,
  weight: number,
  allowance: object,
): Promise<Job> {
  const { estimator, limits, now, run } = core;
  const work = await workOfOrder(job, core.costOf);
  const { share } = work;
  const createdAt = now();
  const kept = await keepInputs(core, job.request);
  const cost = estimator.cost(work);
  const fields = {
    key: job.key,
    guildId: job.guildId,
    userId: job.userId,
    weight,
    request: writeStored(kept.request),
    context: JSON.stringify(job.context),
    model: work.model,
    work: JSON.stringify(work),
    ...(share === null ? {} : { share }),
    needs: JSON.stringify(copyIn(job.context) === null ? await core.needsOf(job.request) : []),
    cost,
    createdAt,
    addresses: JSON.stringify(addressesOf(job.context)),
    hashes: JSON.stringify(kept.hashes),
    ...(job.parentId === null ? {} : { parentId: job.parentId }),
  };
  const answer = (await run('submit', {
    id: newJobId(),
    key: job.key,
    guildId: job.guildId,
    userId: job.userId,
    cost,
    day: dayOf(createdAt),
    limits,
    allowance,
    fields: Object.entries(fields).flatMap(([name, value]) => [name, String(value)]),
    addresses: addressesOf(job.context),
    hashes: kept.hashes,
  })) as Submitted;
  if (answer.kind !== 'limit') return stored(core, answer.id);
  await kept.drop();
  const { kind: _, ...reached } = answer;
  throw new LimitError(reached);
}

/** What another version has written waits for a worker that reads it. */
async function handBackUnread(
  { redis, key }: RedisCore,
  line: Pick<Line, 'release'>,
  lease: Lease,
  log: EngineLog,
): Promise<void> {
  await redis.hset(key(`job:${lease.id}`), 'unread', 1);
  await line.release(lease);
  const words =
    'a job of another version of Darkroom was handed back: it waits for a worker of that version';
  log.warn({ job: lease.id }, words);
}

/** The claimed job with its pictures; null when it ended at once instead. */
async function open(
  core: RedisCore,
  line: Pick<Line, 'release' | 'finish'>,
  handBack: (lease: Lease) => Promise<void>,
  lease: Lease,
  hash: JobHash,
): Promise<Claim | null> {
  const { redis, key, estimator, run } = core;
  const job = jobOf(lease.id, hash);
  if (job === null) return null;
  const found = await readRequest(core, hash).catch(async (error: unknown) => {
    // Not this job's fault: it waits until its picture can be read.
    await line.release(lease);
    throw error;
  });
  if (found.kind === 'unreadable' && !isDamaged(hash['request'] ?? '')) {
    await handBack(lease);
    return null;
  }
  if (found.kind !== 'found') {
    await line.finish(lease, { status: 'failed', failure: FAILURES[found.kind] });
    return null;
  }
  const failure = copyIn(job.context) === null ? refusalOf(found.request) : null;
  if (failure !== null) {
    await line.finish(lease, { status: 'failed', failure });
    return null;
  }
  // Told to stop meanwhile: its runner has not heard of it yet.
  if ((await redis.hget(key(`job:${lease.id}`), 'stopping')) === '1') {
    await line.finish(lease, { status: 'cancelled' });
    return null;
  }
  const cost = estimator.cost(workIn(hash));
  if (cost !== Number(hash['cost'])) await run('reprice', { ...fence(lease), cost });
  return { lease, job, request: found.request };
}

async function measure(core: RedisCore, measurement: Measurement): Promise<void> {
  const { redis, key, estimator, checkOpen } = core;
  checkOpen();
  const text = JSON.stringify(measurement);
  await redis
    .multi()
    .rpush(key('measurements'), text)
    .ltrim(key('measurements'), -MEASUREMENTS_KEPT, -1)
    .publish(key('measured'), JSON.stringify({ origin: core.origin, measurement }))
    .exec();
  estimator.add(measurement);
  core.tell();
}

/** Of all models together: enough for the medians of dozens of them. */
const MEASUREMENTS_KEPT = 2000;

const fence = ({ id, attempt }: Lease) => ({ id, attempt: String(attempt) });

/** How the scripts are told of an outcome. */
function endOf(hash: JobHash, outcome: JobOutcome, { estimator, now }: RedisCore): object {
  const at = now();
  const startedAt = hash['startedAt'] === undefined ? null : Number(hash['startedAt']);
  const run = { work: workIn(hash), charged: Number(hash['charged'] ?? 0), startedAt };
  return {
    status: outcome.status,
    owed: hash['work'] === undefined ? 0 : owedFor(run, outcome, { estimator, now: at }),
    share: shareOf(outcome),
    now: at,
    day: dayOf(at),
    ...(outcome.status === 'done' ? { result: encodeResult(outcome.result) } : {}),
    ...(outcome.status === 'failed' ? { failure: JSON.stringify(outcome.failure) } : {}),
  };
}
