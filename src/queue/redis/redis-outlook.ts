import { workOf } from '../fairness/estimate.ts';
import { createLines, guildLine, order, place, type Turn, userLine } from '../fairness/fairness.ts';
import { dayOf } from '../fairness/limits.ts';
import { heldBy, type Line, type LineMode } from '../line.ts';
import type { WorkerReport, Workers } from '../contracts.ts';
import { workIn } from './records.ts';
import type { RedisCore } from './redis-core.ts';

/** Jobs looked at in one go. */
const PAGE = 500;

type LiveJob = Turn & {
  status: 'waiting' | 'running';
  startedAt: number;
  /** JSON, as it was written at the submit */
  needs: string;
  /** a worker gave it back because it could not read it */
  unread: boolean;
};

/** The line's calls that change no job. */
export function createOutlook(
  core: RedisCore,
  workers: Pick<Workers, 'list'>,
): Pick<Line, 'outlook' | 'standing' | 'usage' | 'estimate' | 'mode' | 'setMode'> {
  const { estimator } = core;
  const live = createLive(core);
  const modes = modesOf(core);
  return {
    ...modes,
    ...usageOf(core, live),
    standing: () => standingOf(core),

    async outlook() {
      core.checkOpen();
      const jobs = await live();
      const held = heldBy(await modes.mode());
      const lacks = lacksAmong(await workers.list());
      const asked = new Map(jobs.map((job) => [job.id, job]));
      const measured = estimator.measured();
      // As many places as jobs run now: each waiting job takes the place that becomes free first.
      const free = jobs
        .filter(({ status }) => status === 'running')
        .map(({ startedAt, cost }) =>
          Math.max(0, cost - Math.max(0, core.now() - startedAt) / 1000),
        );
      if (free.length === 0) free.push(0);
      return order(await linesOf(core, jobs)).map(({ id, cost }, index) => {
        const wait = Math.min(...free);
        free[free.indexOf(wait)] = wait + cost;
        const position = index + 1;
        if (held !== null) return { id, position, waitSeconds: null, held };
        const lack = lacks(asked.get(id)!);
        if (lack !== null) return { id, position, waitSeconds: null, lacks: lack };
        return { id, position, waitSeconds: measured ? wait : null };
      });
    },

    async estimate(request) {
      return estimator.seconds(workOf(request.model, await core.costOf(request)));
    },
  };
}

function modesOf(core: RedisCore): Pick<Line, 'mode' | 'setMode'> {
  const { redis, key, checkOpen } = core;
  return {
    async mode() {
      checkOpen();
      const text = await redis.get(key('mode'));
      return text === null ? { kind: 'open' } : (JSON.parse(text) as LineMode);
    },

    async setMode(to) {
      const notice = JSON.stringify({ origin: core.origin, changes: [] });
      await core.run('set_mode', { mode: JSON.stringify(to), notice });
      core.tell();
    },
  };
}

async function standingOf(core: RedisCore): ReturnType<Line['standing']> {
  const { redis, key } = core;
  core.checkOpen();
  const [count, ids] = await Promise.all([
    redis.get(key('line:nwait')),
    redis.zrange(key('leases'), 0, -1),
  ]);
  const begun = await Promise.all(ids.map((id) => redis.hget(key(`job:${id}`), 'startedAt')));
  const known = begun.filter((at) => at !== null).map(Number);
  const waiting = Number(count ?? 0);
  return {
    waiting: { jobs: waiting, since: waiting === 0 ? null : await oldestWaiting(core) },
    running: { jobs: ids.length, since: known.length === 0 ? null : Math.min(...known) },
  };
}

function usageOf(
  { redis, key, now, checkOpen }: RedisCore,
  live: () => Promise<readonly LiveJob[]>,
): Pick<Line, 'usage'> {
  return {
    async usage(guildId, userId) {
      checkOpen();
      const theirs = (await live()).filter(
        (job) =>
          (guildId === null || job.guildId === guildId) &&
          (userId === undefined || job.userId === userId),
      );
      const own = userId === undefined ? '' : `|${userId}`;
      const spent = `spent:${dayOf(now())}:${guildId ?? ''}${own}`;
      return {
        waiting: theirs.filter(({ status }) => status === 'waiting').length,
        seconds: Number((await redis.get(key(spent))) ?? 0),
        reserved: theirs.reduce((sum, { cost }) => sum + cost, 0),
      };
    },
  };
}

/** Every job that waits or runs, at today's prices. */
function createLive(core: RedisCore): () => Promise<readonly LiveJob[]> {
  const { redis, key } = core;
  let seen: { version: string | null; jobs: readonly LiveJob[] } | null = null;
  return async () => {
    const version = await redis.get(key('version'));
    if (seen !== null && seen.version === version) return seen.jobs;
    const jobs: LiveJob[] = [];
    const ids = await redis.zrange(key('unsettled'), 0, -1);
    for (let from = 0; from < ids.length; from += PAGE) {
      jobs.push(...(await readLive(core, ids.slice(from, from + PAGE))));
    }
    seen = { version, jobs };
    return jobs;
  };
}

const FIELDS = [
  'status',
  'seq',
  'guildId',
  'userId',
  'weight',
  'work',
  'startedAt',
  'needs',
  'unread',
] as const;

/** Those of them that wait or run. */
async function readLive(
  { redis, key, estimator }: RedisCore,
  ids: readonly string[],
): Promise<LiveJob[]> {
  const jobs: LiveJob[] = [];
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hmget(key(`job:${id}`), ...FIELDS);
  for (const [at, [error, answer]] of ((await pipeline.exec()) ?? []).entries()) {
    if (error !== null) throw error;
    const [status, seq, guildId, userId, weight, work, startedAt, needs, unread] =
      answer as string[];
    if (status !== 'waiting' && status !== 'running') continue;
    jobs.push({
      id: ids[at]!,
      status,
      seq: Number(seq),
      guildId: guildId!,
      userId: userId!,
      weight: Number(weight),
      cost: estimator.cost(workIn({ work: work! })),
      startedAt: Number(startedAt ?? 0),
      needs: needs ?? '[]',
      unread: unread !== undefined && unread !== null,
    });
  }
  return jobs;
}

/** When it was ordered; what ended and is not settled stands among those that wait. */
async function oldestWaiting({ redis, key }: RedisCore): Promise<number | null> {
  for (let from = 0; ; from += PAGE) {
    const ids = await redis.zrange(key('unsettled'), from, from + PAGE - 1);
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hmget(key(`job:${id}`), 'status', 'createdAt');
    for (const [error, answer] of (await pipeline.exec()) ?? []) {
      if (error !== null) throw error;
      const [status, createdAt] = answer as (string | null)[];
      if (status === 'waiting') return Number(createdAt);
    }
    if (ids.length < PAGE) return null;
  }
}

/** The lines as the scripts keep them, for the same rules to say who comes when. */
async function linesOf({ redis, key }: RedisCore, jobs: readonly LiveJob[]) {
  const known = createLines();
  const [clock, gtags, gclocks] = await Promise.all([
    redis.get(key('line:clock')),
    redis.hgetall(key('line:gtag')),
    redis.hgetall(key('line:gclock')),
  ]);
  known.clock = Number(clock ?? 0);
  const guilds = [...new Set(jobs.map(({ guildId }) => guildId))];
  const pipeline = redis.pipeline();
  for (const guildId of guilds) pipeline.hgetall(key(`line:utag:${guildId}`));
  const answers = (await pipeline.exec()) ?? [];
  for (const [at, guildId] of guilds.entries()) {
    const guild = guildLine(known, guildId);
    guild.tag = Number(gtags[guildId] ?? known.clock);
    guild.clock = Number(gclocks[guildId] ?? 0);
    const tags = answers[at]?.[1] as Record<string, string>;
    for (const [userId, tag] of Object.entries(tags)) userLine(guild, userId).tag = Number(tag);
  }
  for (const job of jobs) if (job.status === 'waiting') place(known, job);
  return known;
}

/** What no program that paints has of a job's needs; null: one has all, or nothing is known of any. */
function lacksAmong(
  reports: readonly WorkerReport[],
): (job: Pick<LiveJob, 'needs' | 'unread'>) => string | null {
  const known = reports.map(({ has }) => new Set(has));
  const isKnown = reports.length > 0 && reports.every(({ has }) => has !== undefined);
  const found = new Map<string, string | null>();
  return ({ needs: text, unread }) => {
    if (!isKnown) return null;
    let lack = found.get(text);
    if (lack === undefined) {
      const needs = JSON.parse(text) as string[];
      const missing = known.map((has) => needs.filter((need) => !has.has(need)));
      lack = missing.toSorted((a, b) => a.length - b.length)[0]?.[0] ?? null;
      found.set(text, lack);
    }
    return lack ?? (unread ? 'payload' : null);
  };
}
