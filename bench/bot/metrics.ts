import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineLog } from '../../src/engine/engine.ts';
import type { GenerateResult } from '../../src/engine/result.ts';
import { openMonitor, type Monitor } from '../../src/metrics/monitor.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { limits, order } from '../queue/orders.ts';
import { type BenchRow, median, quantile } from '../row.ts';

const WAITING = 10_000;
const MODELS = 30;
const SCRAPES = 100;
const IDLE_MS = 10_000;
const QUIET: EngineLog = { info() {}, warn() {}, error() {} };

/** /metrics of an installation with as many series as there can be, and what it does while nobody asks. */
export async function benchMetrics(): Promise<BenchRow[]> {
  // What the disk adds stands in the queue's figures.
  const shared = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const memory = await mkdtemp(path.join(shared, 'darkroom-bench-metrics-'));
  const queue = await openQueue({ url: path.join(memory, 'queue.db'), limits });
  const folders = { data: memory, models: memory };
  const monitor = await openMonitor({
    host: '127.0.0.1',
    port: 0,
    role: 'bot',
    folders,
    log: QUIET,
  });
  try {
    for (let i = 0; i < WAITING; i++) await queue.line.submit(order(`g${i % 500}`, `u${i}`));
    fill(monitor);
    monitor.add({
      line: queue.line,
      gateway: () => ({ connected: true, latencySeconds: 0.04, servers: 500 }),
    });
    const scrape = async (): Promise<number> =>
      (await (await fetch(`http://127.0.0.1:${monitor.port}/metrics`)).text()).length;
    const kilobytes = (await scrape()) / 1000;
    const took: number[] = [];
    for (let i = 0; i < SCRAPES; i++) {
      const began = performance.now();
      await scrape();
      took.push(performance.now() - began);
    }
    const idle = await idleShare();
    const name = `/metrics, ${WAITING} jobs wait, ${MODELS} models, ${Math.round(kilobytes)} kB`;
    return [
      {
        name: `${name}: median`,
        value: median(took),
        unit: 'ms',
        target: '< 5 ms',
        ok: median(took) < 5,
      },
      { name: `${name}: p95`, value: quantile(took, 0.95), unit: 'ms' },
      { name: 'the thread at work while nobody asks', value: idle, unit: 'ms/s' },
    ];
  } finally {
    await monitor.close();
    await queue.close();
    await rm(memory, { recursive: true, force: true });
  }
}

function fill(monitor: Monitor): void {
  const timings = {
    load_ms: 900,
    encode_ms: 5,
    steps_ms: [100, 120],
    decode_ms: 50,
    total_ms: 1200,
    onnx_ms: 0,
  };
  for (let i = 0; i < MODELS; i++) {
    const result = {
      images: [],
      provider: 'cpu',
      model: { name: `model-${i}`, hash: '' },
      timings,
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    monitor.painted(result as unknown as GenerateResult);
  }
  for (const resource of ['interactions', 'webhooks', 'channels', 'applications']) {
    for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
      for (const status of [200, 204, 404, 429, 500]) {
        monitor.called({ resource, method, status, seconds: 0.1, limit: null });
      }
    }
  }
}

/** Milliseconds of work in a second in which nothing is asked. */
async function idleShare(): Promise<number> {
  // Until the last answer is forgotten and the monitor of the loop is off.
  await sleep(2 * IDLE_MS + 1000);
  const before = performance.eventLoopUtilization();
  await sleep(IDLE_MS);
  return (performance.eventLoopUtilization(before).active / IDLE_MS) * 1000;
}
