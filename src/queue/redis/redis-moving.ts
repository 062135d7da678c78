import { UserError } from '../../engine/errors.ts';
import type { EngineLog } from '../../engine/engine.ts';
import { needsOf } from '../../engine/request/needs.ts';
import { copyIn } from '../copy.ts';
import { createEstimator, type Work } from '../fairness/estimate.ts';
import { dayOf } from '../fairness/limits.ts';
import type { JobContext } from '../job.ts';
import type { Measurement } from '../measurement.ts';
import type { LineMode } from '../line.ts';
import {
  type MovableQueue,
  type MovedJob,
  type MovedLines,
  type MovedRecord,
  occupied,
} from '../moving/moved.ts';
import type { Deferral } from '../contracts.ts';
import type { PictureStore } from '../pictures.ts';
import { readStored } from '../stored/stored-request.ts';
import { connect } from './connection.ts';
import { inputKey } from './inputs.ts';
import { addressesOf, type JobHash } from './records.ts';
import { createRedisCore, type RedisCore } from './redis-core.ts';
import { createOutlook } from './redis-outlook.ts';

const PAGE = 200;
/** Sums of a day are asked for as long as it may be today somewhere. */
const SPENT_MS = 8 * 86_400_000;

/** The distributed queue, for being moved: no program may use it meanwhile. */
export async function openRedisForMoving(
  url: string,
  { pictures, prefix, log }: { pictures: PictureStore; prefix: string; log: EngineLog },
): Promise<MovableQueue> {
  const connection = await connect(url, () => {});
  const { redis } = connection;
  const key = (name: string): string => `${prefix}:${name}`;
  // Every open queue listens there.
  const [, users] = (await redis.pubsub('NUMSUB', key('changes'))) as [string, number];
  if (Number(users) > 0) {
    await connection.close();
    throw new UserError(
      `The queue is in use: ${users} ${Number(users) === 1 ? 'program is' : 'programs are'} connected to it. ` +
        'Stop the bot and every worker first.',
    );
  }
  const core = createRedisCore(redis, createEstimator([]), {
    limits: { waitingPerUser: 1, waitingPerGuild: 1 },
    costOf: () => Promise.reject(new Error('nothing is ordered while a queue is moved')),
    needsOf: () => [],
    now: Date.now,
    leaseMs: 1,
    inputs: pictures,
    prefix,
  });
  return {
    read: () => readAll(core),
    write: (records) => writeAll(core, records, log),
    close: () => connection.close(),
  };
}

async function* readAll(core: RedisCore): AsyncGenerator<MovedRecord> {
  const { redis, key, inputs } = core;
  await core.run('recall', {});
  const mode: LineMode = await createOutlook(core, { list: async () => [] }).mode();
  yield { kind: 'mode', mode };
  for (const text of await redis.lrange(key('measurements'), 0, -1)) {
    yield { kind: 'measurement', measurement: JSON.parse(text) as Measurement };
  }
  for (const [name, text] of Object.entries(await redis.hgetall(key('pledges')))) {
    yield { kind: 'pledge', pledge: { key: name, ...(JSON.parse(text) as Omit<Deferral, 'key'>) } };
  }
  yield { kind: 'lines', lines: await linesIn(core) };
  const seen = new Set<string>();
  for (let from = 0; ; from += PAGE) {
    const ids = await redis.zrange(key('all'), from, from + PAGE - 1);
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(key(`job:${id}`)).zscore(key('retracted'), id);
    const answers = (await pipeline.exec()) ?? [];
    for (const [error] of answers) if (error !== null) throw error;
    for (const [at, id] of ids.entries()) {
      const hash = answers[2 * at]![1] as JobHash;
      const job = movedOf(id, hash, answers[2 * at + 1]![1] !== null);
      for (const sha256 of job.hashes) {
        if (seen.has(sha256)) continue;
        seen.add(sha256);
        const bytes = await inputs.get(inputKey(sha256));
        if (bytes !== null) yield { kind: 'input', sha256, bytes };
      }
      yield { kind: 'job', job };
    }
    if (ids.length < PAGE) return;
  }
}

async function linesIn({ redis, key }: RedisCore): Promise<MovedLines> {
  const [clock, tags, clocks] = await Promise.all([
    redis.get(key('line:clock')),
    redis.hgetall(key('line:gtag')),
    redis.hgetall(key('line:gclock')),
  ]);
  const guilds: MovedLines['guilds'][number][] = [];
  for (const [id, tag] of Object.entries(tags)) {
    const users = await redis.hgetall(key(`line:utag:${id}`));
    guilds.push({
      id,
      tag: Number(tag),
      clock: Number(clocks[id] ?? 0),
      users: Object.fromEntries(Object.entries(users).map(([user, own]) => [user, Number(own)])),
    });
  }
  return { clock: Number(clock ?? 0), guilds };
}

function movedOf(id: string, hash: JobHash, isRetracted: boolean): MovedJob {
  const status = hash['status'] as MovedJob['status'] | 'running';
  if (status === 'running') throw new Error(`job ${id} runs`);
  const { model, ...work } = JSON.parse(hash['work'] ?? '{}') as { model?: string };
  const number = (name: string): number => Number(hash[name] ?? 0);
  const numberOrNull = (name: string): number | null =>
    hash[name] === undefined ? null : Number(hash[name]);
  const retractedAt = numberOrNull('retractedAt');
  return {
    id,
    key: hash['key'] ?? '',
    guildId: hash['guildId'] ?? '',
    userId: hash['userId'] ?? '',
    parentId: hash['parentId'] ?? null,
    weight: number('weight'),
    request: hash['request'] ?? '',
    hashes: JSON.parse(hash['hashes'] ?? '[]') as string[],
    context: hash['context'] ?? '{}',
    model: hash['model'] ?? model ?? '',
    work,
    needs: JSON.parse(hash['needs'] ?? '[]') as string[],
    status,
    attempt: number('attempt'),
    charged: number('charged'),
    createdAt: number('createdAt'),
    startedAt: numberOrNull('startedAt'),
    finishedAt: numberOrNull('finishedAt'),
    result: hash['result'] ?? null,
    failure: hash['failure'] ?? null,
    delivered: hash['delivered'] === '1',
    crashes: number('crashes'),
    restarts: number('restarts'),
    retractedAt,
    retractedWith: (hash['retractedWith'] as MovedJob['retractedWith'] | undefined) ?? null,
    emptied: retractedAt !== null && !isRetracted,
  };
}

/** The mark `importing` stands there until all is written: what was cut short is taken away by the next try. */
async function writeAll(
  core: RedisCore,
  records: AsyncIterable<MovedRecord>,
  log: EngineLog,
): Promise<void> {
  const { redis, key, inputs } = core;
  if ((await redis.exists(key('importing'))) === 1) {
    log.warn({}, 'an import that was cut short is taken away');
    await wipe(core);
  }
  const there = await redis.zcard(key('all'));
  if (there > 0) throw occupied(there);
  await wipe(core);
  await redis.set(key('importing'), 1);
  const kept: string[] = [];
  try {
    const writer = writerOf(core);
    for await (const record of records) {
      if (record.kind === 'input') {
        await inputs.put(inputKey(record.sha256), record.bytes);
        kept.push(record.sha256);
      } else await writer.take(record);
    }
    await writer.end();
    await redis.del(key('importing'));
  } catch (error) {
    await wipe(core).catch(() => {});
    for (const sha256 of kept) await inputs.delete(inputKey(sha256)).catch(() => {});
    throw error;
  }
}

async function wipe({ redis, key }: RedisCore): Promise<void> {
  const match = key('*').replaceAll(/[[\]\\?]/g, '?');
  for await (const names of redis.scanStream({ match, count: 1000 })) {
    if ((names as string[]).length > 0) await redis.del(...(names as string[]));
  }
}

function writerOf(core: RedisCore) {
  const { redis, key } = core;
  const estimator = createEstimator([]);
  let seq = 0;
  let waiting: string[] = [];
  let pipeline = redis.pipeline();

  async function flush(): Promise<void> {
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    pipeline = redis.pipeline();
    if (waiting.length > 0) await core.run('enlist', { ids: waiting });
    waiting = [];
  }

  function takeJob(job: MovedJob): void {
    seq++;
    const { id, guildId, userId } = job;
    const work = { ...job.work, model: job.model };
    const context = JSON.parse(job.context) as JobContext;
    const addresses = addressesOf(context);
    const fields: Record<string, string | number | null> = {
      seq,
      key: job.key,
      guildId,
      userId,
      parentId: job.parentId,
      weight: job.weight,
      request: job.request,
      hashes: JSON.stringify(job.hashes),
      context: job.context,
      addresses: JSON.stringify(addresses),
      model: job.model,
      work: JSON.stringify(work),
      needs: JSON.stringify(job.needs ?? needsIn(job)),
      share: (job.work as { share?: string | null }).share ?? null,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      cost: estimator.cost(work as Work),
      status: job.status,
      attempt: job.attempt,
      charged: job.charged,
      stopping: 0,
      createdAt: job.createdAt,
      startedAt: job.startedAt,
      finishedAt: job.finishedAt,
      result: job.result,
      failure: job.failure,
      delivered: Number(job.delivered),
      crashes: job.crashes,
      restarts: job.restarts,
      retractedAt: job.retractedAt,
      retractedWith: job.retractedWith,
    };
    const said = Object.entries(fields).filter(([, value]) => value !== null);
    pipeline.hset(key(`job:${id}`), Object.fromEntries(said) as Record<string, string>);
    pipeline.set(key(`key:${job.key}`), id);
    for (const list of ['all', `of-guild:${guildId}`, `of-user:${userId}`]) {
      pipeline.zadd(key(list), seq, id);
    }
    if (!job.delivered) pipeline.zadd(key('unsettled'), seq, id);
    for (const each of addresses) pipeline.sadd(key(each), id);
    for (const hash of job.hashes) pipeline.sadd(key(`input:${hash}`), id);
    if (job.retractedAt !== null && !job.emptied) {
      pipeline.zadd(key('retracted'), job.retractedAt, id);
    }
    if (job.status === 'waiting') waiting.push(id);
    if (job.status === 'done') countSpent(job);
  }

  function countSpent({ finishedAt, charged, guildId, userId }: MovedJob): void {
    if (finishedAt === null || Date.now() - finishedAt > SPENT_MS || charged <= 0) return;
    const name = `spent:${dayOf(finishedAt)}:`;
    for (const each of [guildId, `${guildId}|${userId}`, `|${userId}`]) {
      pipeline.incrbyfloat(key(name + each), charged);
      pipeline.pexpire(key(name + each), SPENT_MS);
    }
  }

  return {
    async take(record: Exclude<MovedRecord, { kind: 'input' }>): Promise<void> {
      switch (record.kind) {
        case 'mode':
          if (record.mode.kind !== 'open') pipeline.set(key('mode'), JSON.stringify(record.mode));
          break;
        case 'measurement':
          estimator.add(record.measurement);
          pipeline.rpush(key('measurements'), JSON.stringify(record.measurement));
          break;
        case 'pledge': {
          const { key: name, ...deferral } = record.pledge;
          pipeline.hset(key('pledges'), name, JSON.stringify(deferral));
          break;
        }
        case 'lines':
          pipeline.set(key('line:clock'), record.lines.clock);
          for (const { id, tag, clock, users } of record.lines.guilds) {
            pipeline.hset(key('line:gtag'), id, tag);
            pipeline.hset(key('line:gclock'), id, clock);
            for (const [user, own] of Object.entries(users)) {
              pipeline.hset(key(`line:utag:${id}`), user, own);
            }
          }
          break;
        case 'job':
          takeJob(record.job);
          if (pipeline.length >= 1000) await flush();
      }
    },
    async end(): Promise<void> {
      pipeline.set(key('seq'), seq);
      await flush();
    },
  };
}

function isCopied(context: string): boolean {
  try {
    return copyIn(JSON.parse(context) as JobContext) !== null;
  } catch {
    return false;
  }
}

/** An order of the embedded queue never said. */
function needsIn({ request, model, context }: MovedJob): string[] {
  // Any worker copies pictures.
  if (isCopied(context)) return [];
  const stored = readStored(request);
  return stored === 'unreadable' ? [`model:${model}`] : needsOf(stored);
}
