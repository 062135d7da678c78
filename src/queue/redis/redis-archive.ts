import type { Archive, Owners, ShownIn } from '../archive.ts';
import type { Job, JobId, MachineRate } from '../job.ts';
import type { Measurement } from '../measurement.ts';
import { COPIES } from '../fairness/estimate.ts';
import { keysIn } from '../pictures.ts';
import { keysOf, scanExpired } from '../retention/expiry.ts';
import { dropInputs, readRequest } from './inputs.ts';
import { addressesOf, jobOf, readJobs } from './records.ts';
import type { RedisCore } from './redis-core.ts';

const PAGE = 200;
/** Clocks of several hosts differ by less: a job this much older than asked for ends the search. */
const CLOCKS_MS = 86_400_000;

/** Makes the archive of the queue in Redis. */
export function createRedisArchive(core: RedisCore): Archive {
  return { ...records(core), ...keeping(core), ...sums(core), ...retractions(core) };
}

/** Jobs, one or many. */
function records(
  core: RedisCore,
): Pick<Archive, 'get' | 'request' | 'recent' | 'unsettled' | 'remember' | 'delivered'> {
  const { redis, key, run, checkOpen } = core;
  return {
    async get(id) {
      checkOpen();
      return jobOf(id, await redis.hgetall(key(`job:${id}`)));
    },

    async request(id) {
      checkOpen();
      const hash = await redis.hgetall(key(`job:${id}`));
      return jobOf(id, hash) === null ? null : readRequest(core, hash);
    },

    async recent({ limit, ...owners }) {
      const found: Job[] = [];
      if (limit < 1) return found;
      for await (const job of newestFirst(core, owners)) {
        found.push(job);
        if (found.length >= Math.floor(limit)) break;
      }
      return found;
    },

    async unsettled() {
      checkOpen();
      return readJobs(core, await redis.zrange(key('unsettled'), 0, -1));
    },

    async remember(id, context) {
      const addresses = addressesOf(context);
      await run('remember', { id, context: JSON.stringify(context), addresses });
    },

    async delivered(id) {
      await run('delivered', { id });
    },
  };
}

/** What is old, and what is a person's. */
function keeping(
  core: RedisCore,
): Pick<Archive, 'expired' | 'settled' | 'startPictureBytes' | 'forget' | 'ownedBy' | 'erase'> {
  const { redis, key, now, run, checkOpen } = core;
  return {
    async expired(filter) {
      checkOpen();
      const scan = scanExpired({ ...filter, now: now() });
      for (let from = 0; ; from += PAGE) {
        const ids = await redis.zrange(key('all'), from, from + PAGE - 1);
        for (const { result, ...job } of await readJobs(core, ids)) {
          const dated = { ...job, result: result === null ? null : JSON.stringify(result) };
          if (scan.look(dated)) return scan.found();
        }
        if (ids.length < PAGE) return scan.found();
      }
    },

    async *settled() {
      checkOpen();
      // All names first: what is forgotten meanwhile moves the places of those behind it.
      const ids = await redis.zrange(key('all'), 0, -1);
      for (let from = 0; from < ids.length; from += PAGE) {
        for (const job of await readJobs(core, ids.slice(from, from + PAGE))) {
          const { id, finishedAt, delivered, result } = job;
          if (!delivered || finishedAt === null) continue;
          yield { id, finishedAt, pictures: result === null ? [] : keysIn(result) };
        }
      }
    },

    async startPictureBytes() {
      return 0;
    },

    async forget(ids) {
      const free = (await run('forget', { ids })) as string[];
      await dropInputs(core, free);
    },

    async ownedBy(userId) {
      checkOpen();
      const ids = await redis.zrange(key(`of-user:${userId}`), 0, -1);
      return (await readJobs(core, ids)).map(({ id, status, result }) => ({
        id,
        status,
        pictures: result === null ? [] : keysIn(result),
      }));
    },

    erase: (userId) => erase(core, userId),
  };
}

/** All of a person's, whatever waits or runs. */
async function erase(core: RedisCore, userId: string): Promise<void> {
  const { redis, key, run, checkOpen } = core;
  checkOpen();
  const ids = await redis.zrange(key(`of-user:${userId}`), 0, -1);
  const guilds = new Set((await readJobs(core, ids)).map(({ guildId }) => guildId));
  const free = (await run('forget', { ids, undelivered: true })) as string[];
  await dropInputs(core, free);
  await run('leave', { userId, guilds: [...guilds, `dm:${userId}`] });
  for (const sum of [`spent:*|${userId}`, `spent:*:dm:${userId}`]) {
    const pattern = key(sum).replaceAll(/[[\]\\?]/g, '?');
    for await (const names of redis.scanStream({ match: pattern, count: 1000 })) {
      if (names.length > 0) await redis.del(...(names as string[]));
    }
  }
}

/** What a server or person had painted, and how quickly. */
function sums(core: RedisCore): Pick<Archive, 'figures' | 'rates'> {
  const { redis, key, checkOpen } = core;
  return {
    async figures({ since, ...owners }) {
      const sums = { done: 0, pictures: 0, failed: 0, seconds: 0, waited: 0 };
      const orders = new Set<string>();
      for await (const job of newestFirst(core, owners)) {
        if (job.createdAt < since - CLOCKS_MS) break;
        if (job.createdAt < since) continue;
        if (job.status === 'failed') sums.failed++;
        if (job.status !== 'done' || job.result === null) continue;
        sums.done++;
        orders.add(job.key.split(':')[0] ?? job.key);
        sums.pictures += job.result.images.length;
        sums.seconds += job.result.seconds;
        sums.waited += (job.startedAt ?? job.createdAt) - job.createdAt;
      }
      const { done, pictures, failed, seconds, waited } = sums;
      const meanWaitSeconds = done === 0 ? null : waited / done / 1000;
      return { jobs: orders.size, pictures, failed, seconds, meanWaitSeconds };
    },

    async rates() {
      checkOpen();
      const texts = await redis.lrange(key('measurements'), 0, -1);
      const all = texts.map((text) => JSON.parse(text) as Measurement);
      return ratesOf(all.filter(({ model }) => !model.startsWith(COPIES)));
    },
  };
}

/** Pictures that are not shown any more. */
function retractions(
  core: RedisCore,
): Pick<Archive, 'retract' | 'restore' | 'retracted' | 'emptied'> {
  const { redis, key, run, checkOpen } = core;
  return {
    async retract(shown) {
      return (await run('retract', { jobs: [], sets: [], ...named(shown) })) as JobId[];
    },

    async restore(guildId) {
      await run('restore', { guildId });
    },

    async retracted({ before, limit }) {
      checkOpen();
      const ids = await redis.zrangebyscore(key('retracted'), '-inf', `(${before}`);
      return (await readJobs(core, ids))
        .filter(({ status }) => status !== 'waiting' && status !== 'running')
        .slice(0, Math.max(0, Math.floor(limit)))
        .map(({ id, result }) => ({
          id,
          pictures: keysOf(result === null ? null : JSON.stringify(result)),
        }));
    },

    async emptied(ids) {
      checkOpen();
      if (ids.length > 0) await redis.zrem(key('retracted'), ...ids);
    },
  };
}

/** Newest first, page by page. */
async function* newestFirst(core: RedisCore, { guildId, userId }: Owners): AsyncGenerator<Job> {
  const { redis, key, checkOpen } = core;
  checkOpen();
  const list =
    userId !== undefined
      ? `of-user:${userId}`
      : guildId !== undefined
        ? `of-guild:${guildId}`
        : 'all';
  for (let from = 0; ; from += PAGE) {
    const ids = await redis.zrevrange(key(list), from, from + PAGE - 1);
    for (const job of await readJobs(core, ids)) {
      if (guildId === undefined || job.guildId === guildId) yield job;
    }
    if (ids.length < PAGE) return;
  }
}

function named(shown: ShownIn): object {
  const message = { reason: 'message' };
  if ('messages' in shown)
    return { ...message, sets: shown.messages.map((id) => `messageId:${id}`) };
  if ('channels' in shown)
    return { ...message, sets: shown.channels.map((id) => `channelId:${id}`) };
  if ('jobs' in shown) return { ...message, jobs: shown.jobs };
  return { reason: 'guild', guildId: shown.guildId };
}

/** Plain orders before others, warm ones before cold. */
const rank = ({ kind = 'plain', cold }: Measurement): number =>
  (kind === 'plain' ? 0 : 2) + (cold === true ? 1 : 0);

/** The newest measurement of each model, of a plain order and a warm one where there is one; the latest measured first. */
function ratesOf(measurements: readonly Measurement[]): MachineRate[] {
  const chosen = new Map<string, { one: Measurement; at: number }>();
  for (const [at, one] of measurements.entries()) {
    const before = chosen.get(one.model)?.one;
    if (before === undefined || rank(one) <= rank(before)) {
      chosen.set(one.model, { one, at });
    }
  }
  return [...chosen.values()]
    .toSorted((a, b) => b.at - a.at)
    .filter(({ one }) => one.stepSeconds > 0)
    .map(({ one: { model, pixels, images, stepSeconds } }) => ({
      model,
      pixels,
      images,
      stepsPerSecond: 1 / stepSeconds,
    }));
}
