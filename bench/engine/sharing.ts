import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startEngine } from '../../src/engine/engine.ts';
import type { SharingFigures } from '../../src/engine/network/sharing/sharing-pays.ts';
import { createDevices } from '../../src/runner/devices.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRunner } from '../../src/runner/runner.ts';
import { limits, order } from '../queue/orders.ts';
import { type BenchRow, median } from '../row.ts';

const PEOPLE = 8;
const EACH = 5;
const MODELS = path.join(import.meta.dirname, '../..', 'models');
const LOG = { info() {}, warn() {}, error() {} };

type Flood = { perMinute: number; tellingMs: number };

/** Eight people order five pictures of the embedded model each, at once; with and without shared evaluations. */
export async function benchSharing(): Promise<BenchRow[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-sharing-'));
  try {
    const alone = await flood(folder, false);
    const shared = await flood(folder, true);
    const gain = shared.perMinute / alone.perMinute;
    const row = (name: string, value: number, unit: string): BenchRow => ({
      name: `sharing: ${name}`,
      value,
      unit,
    });
    return [
      row('pictures a minute, one by one', alone.perMinute, ''),
      row('pictures a minute, evaluations shared', shared.perMinute, ''),
      row('lanes', await lanesIn(folder), ''),
      { ...row('gain', gain, 'x'), target: '>= 1.5 x', ok: gain >= 1.5 },
      row(
        'between two tellings of one picture’s progress, one by one, median',
        alone.tellingMs,
        'ms',
      ),
      row('the same shared, median', shared.tellingMs, 'ms'),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Evaluations side by side, as they were measured to gain; 1: none. */
async function lanesIn(folder: string): Promise<number> {
  const text = await readFile(path.join(folder, 'sharing.json'), 'utf8');
  const [figures] = Object.values(JSON.parse(text) as Record<string, SharingFigures>);
  return figures?.lanes?.count ?? 1;
}

async function flood(folder: string, sharing: boolean): Promise<Flood> {
  const engine = await startEngine(
    {
      modelsDir: MODELS,
      dataDir: folder,
      device: 'cpu',
      isolation: 'thread',
      modelCacheBytes: 1e9,
      stepDeadlineMs: 600_000,
      sharing,
    },
    LOG,
  );
  const queue = await openQueue({ url: path.join(folder, `${sharing}.db`), limits });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const devices = createDevices([{ name: 'cpu', engine }], LOG);
  // Loaded, and measured where it shares: that comes behind the first picture, and before the second.
  for (let n = 0; n < 2; n++) await engine.generate({ ...order('', '').request, steps: 1 });
  const { line, events } = queue;
  const seen = new Map<string, number>();
  const gaps: number[] = [];
  let done = 0;
  const ended = Promise.withResolvers<void>();
  events.subscribe(({ job, state }) => {
    if (state.status !== 'running' || state.progress?.phase !== 'sampling') return;
    const before = seen.get(job.id);
    const now = performance.now();
    // Steps that were told together are one telling.
    if (before !== undefined && now - before > 1) gaps.push(now - before);
    seen.set(job.id, now);
  });
  line.onChange((change) => {
    if (change?.status === 'done' && ++done === PEOPLE * EACH) ended.resolve();
  });
  for (let n = 0; n < PEOPLE * EACH; n++) {
    const one = order(`guild-${n % PEOPLE}`, `user-${n % PEOPLE}`);
    await line.submit({ ...one, request: { ...one.request, seed: BigInt(n) } });
  }
  const began = performance.now();
  const runner = startRunner({ queue, events, devices, pictures, log: LOG });
  await ended.promise;
  const took = performance.now() - began;
  await runner.close();
  await queue.close();
  await engine.close();
  return {
    perMinute: (PEOPLE * EACH * 60_000) / took,
    tellingMs: gaps.length === 0 ? 0 : median(gaps),
  };
}
