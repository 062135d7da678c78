import { closeSync, existsSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Claim } from '../../src/queue/line.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { inDepth } from './depth.ts';
import { limits, order, WORKER } from './orders.ts';
import { type BenchRow, median, quantile } from '../row.ts';

const WAITING = 10_000;
const SAMPLES = 400;

/** The flood: one guild adds 500 jobs, then five guilds add 3 each; 2 workers; a job takes D. */
export const FLOOD = { jobs: 500, guilds: 5, each: 3, workers: 2, seconds: 0.04 };

/** The queue on this machine's own disk: every submit, claim and finish is an fsync. */
export async function benchQueue(): Promise<BenchRow[]> {
  // Beside the project, because /tmp may be memory, where an fsync costs nothing.
  const data = path.join(import.meta.dirname, '../..', 'data');
  await mkdir(data, { recursive: true });
  const folder = await mkdtemp(path.join(data, 'bench-queue-'));
  try {
    const rows = await latencies(folder);
    const queue = await openQueue({ url: path.join(folder, 'flood.db'), limits });
    rows.push(...(await flood('queue', queue)));
    await queue.close();
    rows.push(...(await depths()));
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In memory, where there is such a folder: what the disk adds stands in the other figures. */
async function depths(): Promise<BenchRow[]> {
  const memory = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = await mkdtemp(path.join(memory, 'bench-depths-'));
  try {
    const queue = await openQueue({ url: path.join(folder, 'depths.db'), limits });
    const rows = await inDepth('queue, disk waits aside', queue);
    await queue.close();
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function latencies(folder: string): Promise<BenchRow[]> {
  const url = path.join(folder, 'latencies.db');
  let queue = await openQueue({ url, limits });
  const next = (i: number) => order(`guild-${i % 500}`, `user-${i % 2500}`);
  for (let i = 0; i < WAITING; i++) await queue.line.submit(next(i));
  const submit: number[] = [];
  const claims: number[] = [];
  const finish: number[] = [];
  const outlook: number[] = [];
  const cpu = process.cpuUsage();
  for (let i = 0; i < SAMPLES; i++) {
    submit.push(await milliseconds(() => queue.line.submit(next(i))));
    let claim: Claim | null = null;
    claims.push(await milliseconds(async () => void (claim = await queue.line.claim(WORKER))));
    finish.push(await milliseconds(() => end(queue, claim)));
    if (i % 20 === 0) outlook.push(await milliseconds(() => queue.line.outlook()));
  }
  const { user, system } = process.cpuUsage(cpu);
  const outlooks = outlook.reduce((sum, value) => sum + value, 0);
  const perJob = ((user + system) / 1000 - outlooks) / SAMPLES;
  const disk = median(fsyncs(folder));
  await queue.close();
  const reopen = await milliseconds(async () => void (queue = await openQueue({ url, limits })));
  await queue.close();
  const at = `at ${WAITING.toLocaleString('en')} waiting`;
  const row = (name: string, value: number, wanted?: number): BenchRow => ({
    name: `queue: ${name}`,
    value,
    unit: 'ms',
    ...(wanted === undefined ? {} : { target: `< ${wanted} ms`, ok: value < wanted }),
  });
  return [
    row(`submit ${at}, median`, median(submit), 1),
    row(`submit ${at}, p95`, quantile(submit, 0.95)),
    row(`claim ${at}, median`, median(claims), 3),
    row(`claim ${at}, p95`, quantile(claims, 0.95)),
    row(`finish ${at}, median`, median(finish)),
    row('CPU of one submit + claim + finish, disk waits aside', perJob),
    row('one fsync of 4 KB on this disk, for comparison, median', disk),
    row(`outlook ${at}, after a change`, median(outlook)),
    row(`open ${at}`, reopen),
  ];
}

async function end(queue: Queue, claim: Claim | null): Promise<void> {
  if (claim === null) throw new Error('nothing was claimed');
  await queue.line.finish(claim.lease, { status: 'cancelled' });
}

/** What the disk alone takes to make 4 KB durable at the moment: no durable submit can be faster. */
function fsyncs(folder: string): number[] {
  const file = openSync(path.join(folder, 'fsync'), 'w');
  const page = Buffer.alloc(4096);
  const times = Array.from({ length: 100 }, (_, i) => {
    const began = performance.now();
    writeSync(file, page, 0, page.length, (i % 10) * page.length);
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  return times;
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * The worst wait of a small guild, from its submit to its last result, in D = the mean turn of this run. Ideal: every
 * guild gets one turn a round, so that the third round ends after 3 x 6 jobs on 2 workers = 9 D. First come, first served would be 257.
 */
export async function flood(name: string, queue: Queue): Promise<BenchRow[]> {
  const { jobs, guilds, each, workers, seconds } = FLOOD;
  for (let i = 0; i < jobs; i++) await queue.line.submit(order('flood', `user-${i % 3}`));
  let worst = 0;
  const turns: number[] = [];
  let left = guilds * each;
  // At once, as the ideal counts them: one after the other, the last fsync would be on the first one's clock.
  const began = performance.now();
  const small = Array.from({ length: guilds * each }, (_, i) =>
    order(`small-${i % guilds}`, 'user'),
  );
  await Promise.all(small.map((one) => queue.line.submit(one)));
  async function work(): Promise<void> {
    while (left > 0) {
      const turn = performance.now();
      const claim = await queue.line.claim(WORKER);
      if (claim === null) throw new Error('the flood ended early');
      await sleep(seconds * 1000);
      await queue.line.finish(claim.lease, { status: 'done', result: RESULT });
      turns.push(performance.now() - turn);
      if (!claim.job.guildId.startsWith('small')) continue;
      left--;
      worst = Math.max(worst, performance.now() - began);
    }
  }
  await Promise.all(Array.from({ length: workers }, work));
  const D = turns.reduce((sum, value) => sum + value, 0) / turns.length;
  const ideal = (each * (guilds + 1)) / workers;
  return [
    {
      name: `${name}: worst small-guild wait in the flood (ideal ${ideal} D)`,
      value: worst / D,
      unit: 'D',
      target: `< ${ideal * 1.5} D`,
      ok: worst / D < ideal * 1.5,
    },
  ];
}

const RESULT = {
  images: [],
  infotext: '',
  provider: 'cpu',
  modelHash: '0',
  seconds: FLOOD.seconds,
};
