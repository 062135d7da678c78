import type { Work } from '../fairness/estimate.ts';
import { createLines, type Lines, place, take, type Turn } from '../fairness/fairness.ts';
import { type GuildTurns, turnsOf } from '../fairness/turns.ts';
import type { JobId } from '../job.ts';
import { workIn } from './records.ts';
import type { RedisCore } from './redis-core.ts';

export type LiveJob = Turn & {
  status: 'waiting' | 'running';
  startedAt: number;
  /** JSON, as it was written at the submit */
  needs: string;
  /** a worker gave it back because it could not read it */
  unread: boolean;
  work: Work;
};

/** What waits and runs, as this process knows it. */
export type Live = {
  jobs: ReadonlyMap<JobId, LiveJob>;
  running(): LiveJob[];
  /** Each guild's waiting jobs in their order; `fresh`: at today's prices, else at those they were read with. */
  guilds(fresh: boolean): readonly GuildTurns<LiveJob>[];
};

/** Jobs read in one go, and changes looked at before all is read anew. */
const PAGE = 500;
const CHANGES = 1000;
const FEW_CHANGES = 50;

/**
 * Keeps a copy of what waits and runs, and reads only what changed since: the scripts write down which jobs every
 * version changed (basics.ts). Where that does not reach back, or an older program changed something, all is read anew.
 */
export function createLive(core: RedisCore): () => Promise<Live> {
  let known: Copy | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  async function bringUpToDate(): Promise<Live> {
    const since = known === null ? null : await changesSince(core, known.version);
    if (since === null || known === null || !(await known.take(since))) {
      known = createCopy(core, await versionOf(core));
      await known.readAll();
    }
    return known;
  }

  return () => {
    const mine = turn.then(bringUpToDate);
    turn = mine.catch(() => (known = null));
    return mine;
  };
}

const versionOf = async ({ redis, key }: RedisCore) =>
  Number((await redis.get(key('version'))) ?? 0);

type Changes = { version: number; ids: ReadonlySet<JobId> };

/** null: they are not all known. */
async function changesSince({ redis, key }: RedisCore, version: number): Promise<Changes | null> {
  for (const most of [FEW_CHANGES, CHANGES]) {
    const [now, entries] = answersOf(
      await redis
        .multi()
        .get(key('version'))
        .lrange(key('log'), 0, most - 1)
        .exec(),
    );
    const latest = Number(now ?? 0);
    const missing = latest - version;
    if (missing < 0 || missing > CHANGES) return null;
    if (missing > most) continue;
    const ids = new Set<JobId>();
    for (let back = 0; back < missing; back++) {
      const [number, ...changed] = JSON.parse((entries as string[])[back] ?? '[]') as [
        number,
        ...JobId[],
      ];
      if (number !== latest - back) return null;
      for (const id of changed) ids.add(id);
    }
    return { version: latest, ids };
  }
  return null;
}

type Copy = Live & {
  version: number;
  readAll(): Promise<void>;
  /** False where it cannot tell what they changed. */
  take(changes: Changes): Promise<boolean>;
};

function createCopy(core: RedisCore, from: number): Copy {
  const { redis, key, estimator } = core;
  const jobs = new Map<JobId, LiveJob>();
  const running = new Set<LiveJob>();
  const lines: Lines = createLines();
  const orders = new Map<string, readonly LiveJob[]>();
  let prices = estimator.revision();

  function keep({ id, guildId, job }: Found): void {
    const before = jobs.get(id);
    if (before?.status === 'waiting') take(lines, before);
    else if (before !== undefined) running.delete(before);
    jobs.delete(id);
    if (guildId !== null) orders.delete(guildId);
    if (job === null) return;
    jobs.set(id, job);
    if (job.status === 'waiting') place(lines, job);
    else running.add(job);
  }

  const copy: Copy = {
    version: from,
    jobs,
    running: () => [...running],
    async readAll() {
      const ids = await redis.zrange(key('unsettled'), 0, -1);
      for (let at = 0; at < ids.length; at += PAGE) {
        for (const found of await readLive(core, ids.slice(at, at + PAGE))) keep(found);
      }
      await readTags(core, lines, new Set(lines.guilds.keys()));
    },
    async take({ version, ids }) {
      const guilds = new Set<string>();
      for (const found of await readLive(core, [...ids])) {
        // Forgotten since: nobody knows whose tags it moved.
        if (found.guildId === null) return false;
        keep(found);
        guilds.add(found.guildId);
      }
      if (version !== copy.version) await readTags(core, lines, guilds);
      copy.version = version;
      return true;
    },
    guilds(fresh) {
      if (fresh && prices !== estimator.revision()) {
        prices = estimator.revision();
        for (const job of jobs.values()) job.cost = estimator.cost(job.work);
        orders.clear();
      }
      return guildsOf(lines, orders);
    },
  };
  return copy;
}

/** `orders`: what is known of the guilds' orders already; what was worked out is added to it. */
function guildsOf(lines: Lines, orders: Map<string, readonly LiveJob[]>): GuildTurns<LiveJob>[] {
  const found: GuildTurns<LiveJob>[] = [];
  for (const [guildId, guild] of lines.guilds) {
    if (guild.waiting === 0) continue;
    // What is placed in the lines are these jobs.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const turns = orders.get(guildId) ?? ([...turnsOf(guild)] as LiveJob[]);
    orders.set(guildId, turns);
    found.push({ tag: guild.tag, turns });
  }
  return found;
}

/** Brings the clock, the tags of all guilds and those of the people of `guilds` into `lines`; who has nothing left goes. */
async function readTags(
  { redis, key }: RedisCore,
  lines: Lines,
  guilds: ReadonlySet<string>,
): Promise<void> {
  const names = [...guilds];
  const pipeline = redis.pipeline();
  pipeline.get(key('line:clock')).hgetall(key('line:gtag'));
  for (const guildId of names) pipeline.hgetall(key(`line:utag:${guildId}`));
  const [clock, tags, ...ofGuilds] = answersOf(await pipeline.exec());
  lines.clock = Number(clock ?? 0);
  const gtags = tags as Record<string, string>;
  for (const [guildId, guild] of lines.guilds) {
    guild.tag = Number(gtags[guildId] ?? lines.clock);
    if (guild.waiting === 0) lines.guilds.delete(guildId);
  }
  for (const [at, guildId] of names.entries()) {
    const guild = lines.guilds.get(guildId);
    if (guild === undefined) continue;
    const users = ofGuilds[at] as Record<string, string>;
    for (const [userId, user] of guild.users) {
      user.tag = Number(users[userId] ?? 0);
      if (user.turns.length === 0) guild.users.delete(userId);
    }
  }
}

const FIELDS = [
  'guildId',
  'status',
  'seq',
  'userId',
  'weight',
  'work',
  'startedAt',
  'needs',
  'unread',
] as const;

/** `guildId` null: nothing is known of this job; `job` null: it neither waits nor runs. */
type Found = { id: JobId; guildId: string | null; job: LiveJob | null };

async function readLive(
  { redis, key, estimator }: RedisCore,
  ids: readonly JobId[],
): Promise<Found[]> {
  if (ids.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hmget(key(`job:${id}`), ...FIELDS);
  const answers = answersOf(await pipeline.exec()) as (string | null)[][];
  return answers.map(([guildId = null, status, seq, userId, ...rest], at) => {
    const id = ids[at]!;
    if (status !== 'waiting' && status !== 'running') return { id, guildId, job: null };
    const [weight, text, startedAt, needs, unread] = rest;
    const work = workIn({ work: text! });
    const job: LiveJob = {
      id,
      status,
      seq: Number(seq),
      guildId: guildId!,
      userId: userId!,
      weight: Number(weight),
      work,
      cost: estimator.cost(work),
      startedAt: Number(startedAt ?? 0),
      needs: needs ?? '[]',
      unread: unread != null,
    };
    return { id, guildId, job };
  });
}

function answersOf(answers: readonly [Error | null, unknown][] | null): unknown[] {
  return (answers ?? []).map(([error, answer]) => {
    if (error !== null) throw error;
    return answer;
  });
}
