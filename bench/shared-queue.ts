import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from '../src/queue/contracts.ts';
import { openQueue } from '../src/queue/queue.ts';
import { openRedisServer, type RedisServer } from '../test/support/redis-server.ts';
import { NO_PICTURES } from './no-pictures.ts';
import { inDepth } from './depth.ts';
import { limits, order } from './orders.ts';
import { flood } from './queue.ts';
import type { BenchRow } from './row.ts';

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
  return [...rows, ...(await onRedis((_, queue) => flood('shared queue', queue)))];
}

/** Workers are killed and frozen, Redis is killed, while orders come in. */
const CHAOS = {
  workers: 4,
  events: 300,
  apartMs: 150,
  jobMs: 60,
  leaseMs: 1200,
  ordersEveryMs: 40,
};
const PATIENCE_MS = 180_000;

type Crew = { done: Map<string, number>; members: ChildProcess[]; dismiss(): void };

/** `npm run bench -- chaos`: what was acknowledged and not done, and what was done twice, after hundreds of blows. */
export async function benchChaos(): Promise<BenchRow[]> {
  return onRedis(async (server, first) => {
    await first.close();
    const queue = await open(server.url, CHAOS.leaseMs);
    const crew = openCrew(server.url);
    const acknowledged = new Set<string>();
    const blows = { 'killed workers': 0, 'frozen workers': 0, 'killed Redis': 0 };
    let isOver = false;
    const ordering = (async () => {
      for (let n = 0; !isOver; n++) {
        const one = order(`g${n % 7}`, `u${n % 20}`);
        await queue.line.submit(one).then(
          ({ id }) => acknowledged.add(id),
          () => null,
        );
        await sleep(CHAOS.ordersEveryMs);
      }
    })();
    for (let n = 0; n < CHAOS.events; n++) {
      await sleep(CHAOS.apartMs * (0.5 + Math.random()));
      const victim = crew.members[Math.floor(Math.random() * crew.members.length)];
      if (victim === undefined) continue;
      const dice = Math.random();
      if (dice < 0.1) {
        blows['killed Redis']++;
        await server.kill();
        await sleep(200);
        await server.start();
      } else if (dice < 0.4) {
        blows['frozen workers']++;
        victim.kill('SIGSTOP');
        setTimeout(() => victim.kill('SIGCONT'), CHAOS.leaseMs * 1.5);
      } else {
        blows['killed workers']++;
        victim.kill('SIGKILL');
      }
    }
    isOver = true;
    await ordering;
    await settled(queue);
    const jobs = await Promise.all([...acknowledged].map((id) => queue.archive.get(id)));
    const lost = jobs.filter((job) => job?.status !== 'done').length;
    const doubled = [...crew.done.values()].filter((times) => times > 1).length;
    crew.dismiss();
    await queue.close();
    const none = (name: string, value: number): BenchRow => ({
      name: `chaos: ${name}`,
      value,
      unit: '',
      target: '0',
      ok: value === 0,
    });
    return [
      ...Object.entries(blows).map(([name, value]) => ({
        name: `chaos: ${name}`,
        value,
        unit: '',
      })),
      { name: 'chaos: orders acknowledged', value: acknowledged.size, unit: '' },
      none('of them lost', lost),
      none('jobs with more than one result', doubled),
    ];
  });
}

function openCrew(url: string): Crew {
  const done = new Map<string, number>();
  const members: ChildProcess[] = [];
  let isOver = false;
  const script = path.join(import.meta.dirname, 'chaos-worker.ts');
  const words = [url, PREFIX, String(CHAOS.leaseMs), String(CHAOS.jobMs)];
  function hire(): void {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, ...words],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    createInterface({ input: child.stdout }).on('line', (id) => {
      done.set(id, (done.get(id) ?? 0) + 1);
    });
    members.push(child);
    // As a service manager does, also of one that found no Redis at its start.
    void once(child, 'exit').then(() => {
      members.splice(members.indexOf(child), 1);
      if (!isOver) setTimeout(hire, 100);
    });
  }
  for (let n = 0; n < CHAOS.workers; n++) hire();
  return {
    done,
    members,
    dismiss() {
      isOver = true;
      for (const each of members) each.kill('SIGKILL');
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
