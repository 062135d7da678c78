import { workOf } from '../fairness/estimate.ts';
import { dayOf } from '../fairness/limits.ts';
import { merged } from '../fairness/turns.ts';
import type { Outlook } from '../job.ts';
import { heldBy, type Line, type LineMode } from '../line.ts';
import type { WorkerReport, Workers } from '../contracts.ts';
import type { RedisCore } from './redis-core.ts';
import { createLive, type Live, type LiveJob } from './redis-live.ts';

/** Jobs looked at in one go. */
const PAGE = 500;
/** Places told before others get a turn of the event loop. */
const AT_ONCE = 5000;

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

    async outlook(first = Infinity) {
      core.checkOpen();
      const { running, guilds } = await live();
      const held = heldBy(await modes.mode());
      const lacks = lacksAmong(await workers.list());
      const measured = estimator.measured();
      // As many places as jobs run now: each waiting job takes the place that becomes free first.
      const free = running().map(({ startedAt, cost }) =>
        Math.max(0, cost - Math.max(0, core.now() - startedAt) / 1000),
      );
      if (free.length === 0) free.push(0);
      const places: Outlook[] = [];
      for (const turn of merged(guilds(first === Infinity))) {
        if (places.length >= first) break;
        if (places.length % AT_ONCE === AT_ONCE - 1) await new Promise(setImmediate);
        const { id, cost } = turn;
        const position = places.length + 1;
        const wait = Math.min(...free);
        free[free.indexOf(wait)] = wait + cost;
        const lack = held === null ? lacks(turn) : null;
        if (held !== null) places.push({ id, position, waitSeconds: null, held });
        else if (lack !== null) places.push({ id, position, waitSeconds: null, lacks: lack });
        else places.push({ id, position, waitSeconds: measured ? wait : null });
      }
      return places;
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
  live: () => Promise<Live>,
): Pick<Line, 'usage'> {
  return {
    async usage(guildId, userId) {
      checkOpen();
      const theirs = [...(await live()).jobs.values()].filter(
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
