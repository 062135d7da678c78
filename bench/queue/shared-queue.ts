import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from '../../src/queue/contracts.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { openRedisServer, type RedisServer } from '../../test/support/servers/redis-server.ts';
import { openCrew } from '../chaos/crew.ts';
import { NO_PICTURES } from './no-pictures.ts';
import { inDepth } from './depth.ts';
import { limits, order, WORKER } from './orders.ts';
import { flood } from './queue.ts';
import { type BenchRow, quantile } from '../row.ts';

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
  const crew = await openCrew({
    url,
    prefix: PREFIX,
    workers,
    bots: 0,
    jobMs: NAP_MS,
    leaseMs: 30_000,
    ordersEveryMs: 0,
  });
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
  await crew.dismiss('all');
  return took;
}
