import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { costAmong } from '../../src/engine/request/cost.ts';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import type { GenerateResult } from '../../src/engine/result.ts';
import type { Gateway } from '../../src/metrics/monitored.ts';
import { openMonitor, type Monitor } from '../../src/metrics/monitor.ts';
import { createDevices } from '../../src/runner/devices.ts';
import { createJobEvents } from '../../src/queue/events.ts';
import { openQueue } from '../../src/queue/queue.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import type { Job } from '../../src/queue/job.ts';
import { anOrder, aRequest, aResult, claimJob } from '../queue/orders.ts';
import { memoryLog } from '../support/memory-log.ts';
import { scrape } from '../support/metrics.ts';
import { MODELS } from '../support/engine.ts';

const { log } = memoryLog();
let folder: string;
let queue: Queue;
let monitor: Monitor;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'darkroom-monitor-'));
});
after(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  const limits = { waitingPerUser: 100, waitingPerGuild: 100 };
  queue = await openQueue({
    url: `sqlite:${path.join(folder, 'queue.db')}`,
    costOf: (order) => costAmong(order, []),
    limits,
  });
  monitor = await openMonitor({
    host: '127.0.0.1',
    port: 0,
    role: 'bot',
    folders: { data: folder, gone: path.join(folder, 'nowhere') },
    log,
  });
});
afterEach(async () => {
  await monitor.close();
  await queue.close();
});

const CONNECTED: Gateway = { connected: true, latencySeconds: 0.04, servers: 3 };

async function look(page: 'healthz' | 'readyz'): Promise<[number, string]> {
  const answer = await fetch(`http://127.0.0.1:${monitor.port}/${page}`);
  const { status, problems } = (await answer.json()) as { status: string; problems: string[] };
  assert.equal(status, answer.ok ? 'ok' : 'unavailable');
  return [answer.status, problems.join(' ')];
}

function anEnded(id: string, model = 'demo'): Job {
  return {
    ...anOrder(),
    request: { ...aRequest({ model }), init: null },
    id,
    status: 'done',
    device: null,
    attempt: 1,
    createdAt: 1_700_000_000_000,
    startedAt: 1_700_000_007_000,
    finishedAt: 1_700_000_009_000,
    result: null,
    failure: null,
    delivered: false,
  };
}

function aPainting(name: string): GenerateResult {
  return {
    images: [],
    request: aRequest(),
    model: { name, hash: '0' },
    provider: 'cpu',
    timings: {
      load_ms: 1500,
      encode_ms: 0,
      steps_ms: [200, 300],
      decode_ms: 0,
      total_ms: 2100,
      onnx_ms: 0,
    },
  };
}

test('it is healthy once all has started, and says what is not', async (t) => {
  assert.deepEqual(await look('healthz'), [503, 'Darkroom is starting.']);
  assert.deepEqual(await look('readyz'), [503, 'Darkroom is starting.']);
  const config = {
    modelsDir: MODELS,
    device: 'cpu' as const,
    isolation: 'process' as const,
    modelCacheBytes: 1e9,
    stepDeadlineMs: 60_000,
  };
  const engine: Engine = await startEngine(config, log);
  t.after(() => engine.close());
  assert.ok(await engine.answers(60_000));
  assert.ok((await engine.models()).length > 0);
  const devices = createDevices([{ name: 'cpu', engine }], log);
  monitor.add({ engine, devices, line: queue.line, gateway: () => CONNECTED });
  monitor.started();
  assert.deepEqual(await look('healthz'), [200, '']);
  assert.deepEqual(await look('readyz'), [200, '']);
  const samples = await scrape(monitor.port);
  assert.equal(samples.get('darkroom_device_state{device="cpu",state="idle"}'), 1);
  assert.ok((samples.get('darkroom_engine_memory_bytes{device="cpu"}') ?? 0) > 1e6);

  monitor.add({ gateway: () => ({ ...CONNECTED, connected: false, latencySeconds: null }) });
  assert.match((await look('healthz')).join(), /503,The gateway to Discord is not connected/);
  assert.equal((await scrape(monitor.port)).get('darkroom_gateway_connected'), 0);
  monitor.add({ gateway: () => CONNECTED });

  const { pid } = engine.status();
  assert.ok(typeof pid === 'number');
  process.kill(pid, 'SIGSTOP');
  assert.deepEqual(await look('healthz'), [503, 'The engine gives no sign of life.']);
  process.kill(pid, 'SIGCONT');
  assert.ok(await engine.answers(60_000));

  const empty = { ...engine, models: async () => [] };
  monitor.add({ engine: empty });
  assert.deepEqual(await look('healthz'), [200, '']);
  assert.deepEqual(await look('readyz'), [503, 'There is no model to paint with.']);
  monitor.add({ engine, line: { standing: () => new Promise(() => {}) } });
  assert.deepEqual(await look('readyz'), [503, 'The queue does not answer.']);
  // A queue of several machines that is away keeps nobody waiting for ever.
  const away = { answers: () => new Promise<boolean>(() => {}), models: engine.models };
  monitor.add({ engine: away, line: queue.line });
  assert.deepEqual(await look('healthz'), [503, 'The engine gives no sign of life.']);
  monitor.closing();
  assert.deepEqual(await look('healthz'), [503, 'Darkroom is closing.']);
});

test('the line, as long and as old as it is; one that does not answer is told as such', async () => {
  monitor.add({ line: queue.line });
  await queue.line.submit(anOrder());
  await queue.line.submit(anOrder());
  await claimJob(queue.line);
  const samples = await scrape(monitor.port);
  assert.equal(samples.get('darkroom_queue_up'), 1);
  assert.equal(samples.get('darkroom_queue_jobs{state="waiting"}'), 1);
  assert.equal(samples.get('darkroom_queue_jobs{state="running"}'), 1);
  assert.ok((samples.get('darkroom_queue_age_seconds{state="waiting"}') ?? -1) >= 0);
  monitor.add({ line: { standing: () => Promise.reject(new Error('away')) } });
  const without = await scrape(monitor.port);
  assert.equal(without.get('darkroom_queue_up'), 0);
  assert.equal(without.get('darkroom_queue_jobs{state="waiting"}'), undefined);
  assert.ok((without.get('darkroom_disk_free_bytes{folder="data"}') ?? 0) > 0);
  assert.equal(without.get('darkroom_disk_free_bytes{folder="gone"}'), undefined);
});

test('each end is counted once, whatever a model is called and a sentence says', async () => {
  const events = createJobEvents(log);
  const stop = monitor.countJobs(events);
  const odd = 'a "model"\\ of\ntwo lines{x="1"}';
  const done = { status: 'done' as const, result: { ...aResult('a'), provider: 'cpu' } };
  for (const id of ['a', 'a', 'b']) events.publish({ job: anEnded(id, odd), state: done });
  const said = { code: 'too-little-memory', values: [], words: 'x' };
  const failed = (failure: object) => ({
    status: 'failed' as const,
    failure: { message: 'x', reference: null, ...failure },
  });
  events.publish({ job: anEnded('c'), state: failed({ said: [said] }) });
  events.publish({ job: anEnded('c'), state: { status: 'cancelled' } });
  events.publish({ job: anEnded('d'), state: failed({ reference: 'abcd1234' }) });
  events.publish({ job: anEnded('e'), state: { status: 'cancelled' } });
  events.publish({ job: { ...anEnded('f'), request: 'unreadable' }, state: failed({}) });
  stop();
  events.publish({ job: anEnded('g'), state: { status: 'cancelled' } });

  const samples = await scrape(monitor.port);
  const model = String.raw`a \"model\"\\ of\ntwo lines{x=\"1\"}`;
  assert.equal(samples.get(`darkroom_jobs_total{outcome="done",model="${model}"}`), 2);
  assert.equal(samples.get('darkroom_jobs_total{outcome="failed",model="demo"}'), 2);
  assert.equal(samples.get('darkroom_jobs_total{outcome="cancelled",model="demo"}'), 1);
  assert.equal(samples.get('darkroom_jobs_total{outcome="failed",model="unreadable"}'), 1);
  for (const kind of ['too-little-memory', 'unknown-trouble', 'refused']) {
    assert.equal(samples.get(`darkroom_job_failures_total{kind="${kind}"}`), 1, kind);
  }
  const wait = (what: string) =>
    samples.get(`darkroom_job_wait_seconds_${what}model="${model}",provider="cpu"}`);
  assert.equal(wait('bucket{le="5",'), 0);
  assert.equal(wait('bucket{le="10",'), 2);
  assert.equal(wait('sum{'), 14);
});

test('what was painted, step by step; names without end become one', async () => {
  for (let i = 0; i < 80; i++) monitor.painted(aPainting(`model ${i}`));
  const samples = await scrape(monitor.port);
  const of = (what: string, model: string, extra = '') =>
    samples.get(`darkroom_${what}{${extra}model="${model}",provider="cpu"}`);
  assert.equal(of('step_seconds_count', 'model 0'), 2);
  assert.equal(of('step_seconds_sum', 'model 0'), 0.5);
  assert.equal(of('steps_per_second', 'model 0'), 4);
  assert.equal(of('paint_seconds_bucket', 'model 0', 'le="2",'), 0);
  assert.equal(of('paint_seconds_bucket', 'model 0', 'le="5",'), 1);
  assert.equal(of('model_load_seconds_sum', 'model 0'), 1.5);
  assert.equal(of('paint_seconds_count', 'model 29'), 1);
  assert.equal(of('paint_seconds_count', 'model 30'), undefined);
  assert.equal(of('paint_seconds_count', 'other'), 50);
});

test('calls of Discord by what they ask for and how they end', async () => {
  const call = { method: 'POST', resource: 'interactions', status: 204, seconds: 0.2, limit: null };
  monitor.called(call);
  monitor.called({ ...call, status: 429, limit: 'shared' });
  monitor.called({ ...call, status: 429 });
  monitor.called({ ...call, resource: '"evil"\n', status: null, seconds: 20 });
  const samples = await scrape(monitor.port);
  const count = (resource: string, status: string) =>
    samples.get(
      `darkroom_discord_requests_total{resource="${resource}",method="POST",status="${status}"}`,
    );
  assert.deepEqual([count('interactions', '204'), count('interactions', '429')], [1, 2]);
  assert.equal(count('other', 'none'), 1);
  const took = 'darkroom_discord_request_seconds';
  assert.equal(samples.get(`${took}_count{resource="interactions"}`), 3);
  assert.equal(samples.get(`${took}_bucket{le="15",resource="other"}`), 0);
  assert.equal(samples.get('darkroom_discord_rate_limited_total{scope="shared"}'), 1);
  assert.equal(samples.get('darkroom_discord_rate_limited_total{scope="unknown"}'), 1);
});

test('a worker tells of its devices and what they paint, not of the line or a gateway', async () => {
  const worker = await openMonitor({
    host: '127.0.0.1',
    port: 0,
    role: 'worker',
    folders: { models: MODELS },
    log,
  });
  try {
    worker.add({ line: queue.line });
    worker.painted(aPainting('demo'));
    const samples = await scrape(worker.port);
    assert.equal(samples.get('darkroom_paint_seconds_count{model="demo",provider="cpu"}'), 1);
    const names = [...samples.keys()].filter((name) => /queue|gateway|servers/.test(name));
    assert.deepEqual(names, []);
  } finally {
    await worker.close();
  }
});
