import type { Queue } from '../../src/queue/contracts.ts';
import type { WorkerFacts } from '../../src/queue/line.ts';
import { order, WORKER } from './orders.ts';
import { type BenchRow, median, quantile } from '../row.ts';

const DEPTHS = [1000, 10_000, 100_000] as const;
const SAMPLES = 400;
const TOGETHER = 100;

/** One that lacks the model of every second job: it must not look through what it cannot run. */
const PICKY: WorkerFacts = { ...WORKER, has: ['payload:1', 'model:demo'] };

/** How a claim grows with what waits. */
export async function inDepth(name: string, queue: Queue): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const waiting of DEPTHS) rows.push(...(await atDepth(name, queue, waiting)));
  return rows;
}

/** Milliseconds of each step of jobs that come, are claimed and end at once. */
async function timesOf(
  line: Queue['line'],
  next: (i: number) => Parameters<Queue['line']['submit']>[0],
): Promise<Record<string, number[]>> {
  const times = { submit: [], claim: [], finish: [] } as Record<string, number[]>;
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const value = await work();
    times[what]!.push(performance.now() - began);
    return value;
  };
  for (let i = 0; i < SAMPLES; i++) {
    await timed('submit', () => line.submit(next(i)));
    const claim = await timed('claim', () => line.claim(i % 2 === 0 ? WORKER : PICKY));
    if (claim === null) throw new Error('nothing was claimed');
    await timed('finish', () => line.finish(claim.lease, { status: 'cancelled' }));
  }
  return times;
}

/**
 * Claims over 500 servers of five people each, with so many jobs waiting, half of them for a model that the second worker
 * does not have. The line is empty before and after.
 */
async function atDepth(name: string, queue: Queue, waiting: number): Promise<BenchRow[]> {
  const { line } = queue;
  const next = (i: number) => {
    const one = order(`guild-${i % 500}`, `user-${i % 2500}`);
    const model = i % 2 === 0 ? 'demo' : 'another';
    return { ...one, request: { ...one.request, model } };
  };
  for (let i = 0; i < waiting; i += TOGETHER) {
    await Promise.all(Array.from({ length: TOGETHER }, (_, at) => line.submit(next(i + at))));
  }
  const times = await timesOf(line, next);
  const look = async (first?: number) => {
    const began = performance.now();
    const found = await line.outlook(first);
    return { found, took: performance.now() - began };
  };
  const change = async () => {
    const claim = await line.claim(WORKER);
    if (claim === null) throw new Error('nothing was claimed');
    await line.finish(claim.lease, { status: 'cancelled' });
  };
  const anew = await look();
  await change();
  const first = await look(20);
  await change();
  const { found: left, took: places } = await look();
  for (let i = 0; i < left.length; i += TOGETHER) {
    const some = left.slice(i, i + TOGETHER);
    await Promise.all(some.map(({ id }) => line.cancel(id, { userId: '', moderator: true })));
  }
  const at = `at ${waiting.toLocaleString('en')} waiting`;
  const p99 = quantile(times['claim']!, 0.99);
  const perJob = Object.values(times).reduce((sum, each) => sum + median(each), 0);
  return [
    { name: `${name}: claim ${at}, median`, value: median(times['claim']!), unit: 'ms' },
    {
      name: `${name}: claim ${at}, p99`,
      value: p99,
      unit: 'ms',
      ...(waiting > 10_000 ? {} : { target: '< 5 ms', ok: p99 < 5 }),
    },
    {
      name: `${name}: submit, claim and finish together ${at}, median`,
      value: perJob,
      unit: 'ms',
      target: '<= 15 ms',
      ok: perJob <= 15,
    },
    { name: `${name}: all places ${at}, for the first time`, value: anew.took, unit: 'ms' },
    { name: `${name}: all places ${at}, after a change`, value: places, unit: 'ms' },
    { name: `${name}: the first 20 places ${at}, after a change`, value: first.took, unit: 'ms' },
  ];
}
