import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Queue } from '../src/queue/contracts.ts';
import { openQueue } from '../src/queue/queue.ts';
import { openRedisServer, type RedisServer } from '../test/support/redis-server.ts';
import { NO_PICTURES } from './no-pictures.ts';
import { inDepth } from './depth.ts';
import { limits, order, WORKER } from './orders.ts';
import { flood } from './queue.ts';
import { type BenchRow, quantile } from './row.ts';

const PREFIX = '{bench}';

async function onRedis<T>(
  work: (server: RedisServer, queue: Queue) => Promise<T>,
  settings: readonly string[] = [],
): Promise<T> {
  const server = await openRedisServer(settings);
  if (server === null)
    throw new Error('redis-server is not installed here: apt-get install redis-server');
  const queue = await open(server.url);
  try {
    return await work(server, queue);
  } finally {
    await queue.close();
    await server.close();
  }
}

const open = (url: string, leaseMs = 30_000): Promise<Queue> =>
  openQueue({ url, prefix: PREFIX, limits, leaseMs, pictures: NO_PICTURES });

/**
 * The shared line on this machine's loopback. In depth as docs/scale.md sets Redis up (the disk is asked once a second);
 * the flood with every write on the disk before it is answered.
 */
export async function benchSharedQueue(): Promise<BenchRow[]> {
  const rows = await onRedis(
    (_, queue) => inDepth('shared queue', queue),
    ['--appendfsync', 'everysec'],
  );
  rows.push(...(await onRedis((_, queue) => flood('shared queue', queue))));
  rows.push(...(await onRedis((server, queue) => reach(server, queue))));
  return rows;
}

const NAP_MS = 200;
const NAPS = 80;

/** What four workers as processes make of jobs that only sleep, beside one; and how soon a stop is heard. */
async function reach({ url }: RedisServer, queue: Queue): Promise<BenchRow[]> {
  const one = await nap(url, queue, 1);
  const four = await nap(url, queue, 4);
  const worker = await open(url);
  const times: number[] = [];
  for (let n = 0; n < 50; n++) {
    const { id } = await queue.line.submit(order('g', 'u'));
    const claim = await worker.line.claim(WORKER);
    if (claim === null) throw new Error('nothing was claimed');
    const heard = Promise.withResolvers<void>();
    const end = worker.line.onChange((change) => {
      if (change?.id === id && change.stopping === true) heard.resolve();
    });
    const began = performance.now();
    await queue.line.cancel(id, { userId: 'u', moderator: false });
    await heard.promise;
    times.push(performance.now() - began);
    end();
    await worker.line.finish(claim.lease, { status: 'cancelled' });
  }
  await worker.close();
  const gain = one / four;
  const stop = quantile(times, 0.99);
  return [
    {
      name: `shared queue: four workers beside one, jobs that sleep for ${NAP_MS} ms`,
      value: gain,
      unit: 'x',
      target: '>= 3.8 x',
      ok: gain >= 3.8,
    },
    {
      name: 'shared queue: a worker hears of a stop, p99',
      value: stop,
      unit: 'ms',
      target: '<= 100 ms',
      ok: stop <= 100,
    },
  ];
}

/** Milliseconds until so many workers, which are up already, have done all jobs. */
async function nap(url: string, { line }: Queue, workers: number): Promise<number> {
  const crew = openCrew(url, { workers, bots: 0, jobMs: NAP_MS, leaseMs: 30_000 });
  for (let n = 0; crew.done.size < workers * 2; n++) {
    await line.submit(order('warm', 'up'));
    await sleep(NAP_MS);
  }
  while ((await line.standing()).running.jobs > 0) await sleep(20);
  const before = crew.done.size;
  const began = performance.now();
  for (let n = 0; n < NAPS; n++) await line.submit(order(`g${n % 5}`, `u${n % 9}`));
  while (crew.done.size < before + NAPS) await sleep(5);
  const took = performance.now() - began;
  crew.dismiss('all');
  return took;
}

/** Bots and workers are killed and frozen, Redis is killed, while orders come in. */
const CHAOS = {
  workers: 4,
  bots: 1,
  events: 300,
  apartMs: 150,
  jobMs: 60,
  leaseMs: 1200,
  ordersEveryMs: 40,
};
const PATIENCE_MS = 180_000;
const GET_UP_MS = 5000;

type Crew = {
  /** how often each job was finished, and what was told of its end */
  done: Map<string, number>;
  told: Map<string, Set<string>>;
  acknowledged: Set<string>;
  workers: ChildProcess[];
  bots: ChildProcess[];
  dismiss(who: 'all' | 'bots'): void;
};

/**
 * `npm run bench -- chaos`: what was acknowledged and not done, what was done twice, and whose end was not told, after
 * hundreds of blows; with a sync of Redis' file at every write, and with one a second.
 */
export async function benchChaos(): Promise<BenchRow[]> {
  const always = await chaos('always');
  return [...always, ...(await chaos('everysec'))];
}

async function chaos(appendfsync: string): Promise<BenchRow[]> {
  return onRedis(
    async (server, first) => {
      await first.close();
      const crew = openCrew(server.url);
      const blows = {
        'killed workers': 0,
        'killed bots': 0,
        'frozen beyond the lease': 0,
        'killed Redis': 0,
        'Redis full for a moment': 0,
      };
      const pick = (among: readonly ChildProcess[]) =>
        among[Math.floor(Math.random() * among.length)];
      for (let n = 0; n < CHAOS.events; n++) {
        await sleep(CHAOS.apartMs * (0.5 + Math.random()));
        // A blow at what has not got up since the last one would hit nothing.
        await movedOn(crew);
        const dice = Math.random();
        const [worker, bot] = [pick(crew.workers), pick(crew.bots)];
        if (dice < 0.05) {
          blows['Redis full for a moment']++;
          await fill(server.url);
        } else if (dice < 0.13) {
          blows['killed Redis']++;
          await server.kill();
          await sleep(200);
          await server.start();
        } else if (dice < 0.35 && worker !== undefined) {
          blows['frozen beyond the lease']++;
          worker.kill('SIGSTOP');
          setTimeout(() => worker.kill('SIGCONT'), CHAOS.leaseMs * 1.5);
        } else if (dice < 0.5 && bot !== undefined) {
          blows['killed bots']++;
          bot.kill('SIGKILL');
        } else if (worker !== undefined) {
          blows['killed workers']++;
          worker.kill('SIGKILL');
        } else n--;
      }
      crew.dismiss('bots');
      const queue = await open(server.url, CHAOS.leaseMs);
      await settled(queue);
      for (const { id, status } of await queue.archive.unsettled()) tell(crew, id, status);
      const jobs = await Promise.all([...crew.acknowledged].map((id) => queue.archive.get(id)));
      const lost = jobs.filter((job) => job?.status !== 'done').length;
      const doubled = [...crew.done.values()].filter((times) => times > 1).length;
      const ends = [...crew.acknowledged].map((id) => crew.told.get(id)?.size ?? 0);
      crew.dismiss('all');
      await queue.close();
      const none = (name: string, value: number): BenchRow => ({
        name: `chaos, ${appendfsync}: ${name}`,
        value,
        unit: '',
        target: '0',
        ok: value === 0,
      });
      return [
        ...Object.entries(blows).map(([name, value]) => ({
          name: `chaos, ${appendfsync}: ${name}`,
          value,
          unit: '',
        })),
        { name: `chaos, ${appendfsync}: orders acknowledged`, value: ends.length, unit: '' },
        none('of them lost', lost),
        none('jobs with more than one result', doubled),
        none('ends told to nobody', ends.filter((told) => told === 0).length),
        none('jobs of which two ends were told', ends.filter((told) => told > 1).length),
      ];
    },
    ['--appendfsync', appendfsync],
  );
}

/** As much memory as it has now is all it may have: every write is refused, until it may have more. */
async function fill(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.config('SET', 'maxmemory', '1');
  await sleep(300);
  await redis.config('SET', 'maxmemory', '0');
  await redis.quit();
}

/** Since the last blow something was ordered and something was painted; a busy machine needs its time. */
async function movedOn({ acknowledged, done }: Crew): Promise<void> {
  const [orders, pictures] = [acknowledged.size, done.size];
  const until = performance.now() + GET_UP_MS;
  while (performance.now() < until) {
    if (acknowledged.size > orders && done.size > pictures) return;
    await sleep(20);
  }
}

function tell(crew: Pick<Crew, 'told'>, id: string, status: string): void {
  crew.told.set(id, (crew.told.get(id) ?? new Set()).add(status));
}

function openCrew(
  url: string,
  {
    workers: crewed,
    bots: ordering,
    jobMs,
    leaseMs,
  }: Pick<typeof CHAOS, 'workers' | 'bots' | 'jobMs' | 'leaseMs'> = CHAOS,
): Crew {
  const crew = {
    done: new Map<string, number>(),
    told: new Map(),
    acknowledged: new Set<string>(),
  };
  const [workers, bots]: [ChildProcess[], ChildProcess[]] = [[], []];
  const dismissed = new Set<ChildProcess[]>();

  function hear(line: string): void {
    const [what = '', id = '', status = ''] = line.split(' ');
    if (what === 'ack') crew.acknowledged.add(id);
    else if (what === 'end') tell(crew, id, status);
    else crew.done.set(what, (crew.done.get(what) ?? 0) + 1);
  }

  function hire(members: ChildProcess[], script: string, last: number): void {
    const words = [url, PREFIX, String(leaseMs), String(last)];
    const file = path.join(import.meta.dirname, script);
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', file, ...words],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    createInterface({ input: child.stdout }).on('line', hear);
    members.push(child);
    // As a service manager does, also of one that found no Redis at its start.
    void once(child, 'exit').then(() => {
      members.splice(members.indexOf(child), 1);
      if (!dismissed.has(members)) setTimeout(() => hire(members, script, last), 100);
    });
  }
  for (let n = 0; n < crewed; n++) hire(workers, 'chaos-worker.ts', jobMs);
  for (let n = 0; n < ordering; n++) hire(bots, 'chaos-bot.ts', CHAOS.ordersEveryMs);
  return {
    ...crew,
    workers,
    bots,
    dismiss(who) {
      for (const members of who === 'all' ? [workers, bots] : [bots]) {
        dismissed.add(members);
        for (const each of members) each.kill('SIGKILL');
      }
    },
  };
}

async function settled({ archive }: Queue): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const live = await archive.unsettled().catch(() => null);
    const open = live?.some(({ status }) => status === 'waiting' || status === 'running') ?? true;
    if (!open || performance.now() > until) return;
    await sleep(200);
  }
}
