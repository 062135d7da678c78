import type { ChainableCommander } from 'ioredis';
import type { EngineLog } from '../../../engine/engine.ts';
import { needsOf } from '../../../engine/request/needs.ts';
import { copyIn } from '../../copy.ts';
import { createEstimator, type Work } from '../../fairness/estimate.ts';
import { dayOf } from '../../fairness/limits.ts';
import type { JobContext } from '../../job.ts';
import { type MovedJob, type MovedLines, type MovedRecord, occupied } from '../../moving/moved.ts';
import { readStored } from '../../stored/stored-request.ts';
import { inputKey } from '../inputs.ts';
import { addressesOf } from '../records.ts';
import type { RedisCore } from '../redis-core.ts';

/** Sums of a day are asked for as long as it may be today somewhere. */
const SPENT_MS = 8 * 86_400_000;
/** Commands of one pipeline. */
const MOST_COMMANDS = 1000;

/**
 * Writes a queue's records, where none are yet. The mark `importing` stands there until all is written: what was cut short is taken away by the
 * next try. @throws UserError where jobs are
 */
export async function writeAll(
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
    const writer = new RecordWriter(core);
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

/** Jobs and lines on their way into Redis, a thousand commands at a time. */
class RecordWriter {
  readonly #core: RedisCore;
  readonly #estimator = createEstimator([]);
  #seq = 0;
  #waiting: string[] = [];
  #pipeline: ChainableCommander;

  constructor(core: RedisCore) {
    this.#core = core;
    this.#pipeline = core.redis.pipeline();
  }

  async take(record: Exclude<MovedRecord, { kind: 'input' }>): Promise<void> {
    const { key } = this.#core;
    const pipeline = this.#pipeline;
    switch (record.kind) {
      case 'mode':
        if (record.mode.kind !== 'open') pipeline.set(key('mode'), JSON.stringify(record.mode));
        break;
      case 'measurement':
        this.#estimator.add(record.measurement);
        pipeline.rpush(key('measurements'), JSON.stringify(record.measurement));
        break;
      case 'pledge': {
        const { key: name, ...deferral } = record.pledge;
        pipeline.hset(key('pledges'), name, JSON.stringify(deferral));
        break;
      }
      case 'lines':
        this.#takeLines(record.lines);
        break;
      case 'job':
        this.#takeJob(record.job);
        if (pipeline.length >= MOST_COMMANDS) await this.#flush();
    }
  }

  async end(): Promise<void> {
    this.#pipeline.set(this.#core.key('seq'), this.#seq);
    await this.#flush();
  }

  #takeLines({ clock: all, guilds }: MovedLines): void {
    const { key } = this.#core;
    this.#pipeline.set(key('line:clock'), all);
    for (const { id, tag, clock, users } of guilds) {
      this.#pipeline.hset(key('line:gtag'), id, tag);
      this.#pipeline.hset(key('line:gclock'), id, clock);
      for (const [user, own] of Object.entries(users)) {
        this.#pipeline.hset(key(`line:utag:${id}`), user, own);
      }
    }
  }

  #takeJob(job: MovedJob): void {
    const { key } = this.#core;
    const pipeline = this.#pipeline;
    const { id, guildId, userId } = job;
    const seq = ++this.#seq;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const cost = this.#estimator.cost({ ...job.work, model: job.model } as Work);
    const addresses = addressesOf(JSON.parse(job.context) as JobContext);
    const said = Object.entries({
      ...fieldsOf(job),
      seq,
      cost,
      addresses: JSON.stringify(addresses),
    });
    const kept = said.filter(([, value]) => value !== null);
    pipeline.hset(key(`job:${id}`), Object.fromEntries(kept) as Record<string, string>);
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
    if (job.status === 'waiting') this.#waiting.push(id);
    if (job.status === 'done') this.#countSpent(job);
  }

  #countSpent({ finishedAt, charged, guildId, userId }: MovedJob): void {
    if (finishedAt === null || Date.now() - finishedAt > SPENT_MS || charged <= 0) return;
    const { key } = this.#core;
    const name = `spent:${dayOf(finishedAt)}:`;
    for (const each of [guildId, `${guildId}|${userId}`, `|${userId}`]) {
      this.#pipeline.incrbyfloat(key(name + each), charged);
      this.#pipeline.pexpire(key(name + each), SPENT_MS);
    }
  }

  async #flush(): Promise<void> {
    for (const [error] of (await this.#pipeline.exec()) ?? []) if (error !== null) throw error;
    this.#pipeline = this.#core.redis.pipeline();
    if (this.#waiting.length > 0) await this.#core.run('enlist', { ids: this.#waiting });
    this.#waiting = [];
  }
}

/** A job's hash, but for what its place and this machine decide. */
function fieldsOf(job: MovedJob): Record<string, string | number | null> {
  return {
    key: job.key,
    guildId: job.guildId,
    userId: job.userId,
    parentId: job.parentId,
    weight: job.weight,
    request: job.request,
    hashes: JSON.stringify(job.hashes),
    context: job.context,
    model: job.model,
    work: JSON.stringify({ ...job.work, model: job.model }),
    needs: JSON.stringify(job.needs ?? needsIn(job)),
    share: (job.work as { share?: string | null }).share ?? null,
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
