import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, EngineLog, GenerateOptions } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/engine.ts';
import {
  CancelledError,
  DeviceError,
  EngineCrashedError,
  UserError,
} from '../../src/engine/errors.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { GenerateResult } from '../../src/engine/result.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import { startAnnouncer } from '../../src/runner/announcer.ts';
import { createDevices, type Elsewhere, type NamedEngine } from '../../src/runner/devices.ts';
import { createJobEvents, type JobEvent, type JobEvents } from '../../src/queue/events.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import type { PictureStore } from '../../src/queue/pictures.ts';
import type { Job } from '../../src/queue/job.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRunner } from '../../src/runner/runner.ts';
import type { Runner, RunnerOptions } from '../../src/runner/runner.ts';
import { anOrder, aRequest } from '../queue/orders.ts';
import { deadlineAfter, patience } from '../support/machine/patience.ts';
import { waitUntil } from '../support/discord/messages.ts';

type Generate = (request: GenerateRequest, options: GenerateOptions) => Promise<GenerateResult>;

let root: string;
before(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'darkroom-runner-'));
});
after(() => rm(root, { recursive: true, force: true }));

/** An engine whose every generation does what the test says: it stands where failures cannot be had on order. */
function engineThat(generate: Generate): Engine {
  return {
    models: async () => [],
    unusable: () => [],
    generate: (request, options = {}) => generate(request, options),
    status: () => ({ state: 'idle', provider: 'cpu', loaded: [] }),
    reload: async () => {},
    answers: async () => true,
    close: async () => {},
  };
}

function aPicture(request: GenerateRequest, bytes: number = 64): GenerateResult {
  const { width, height, seed } = request;
  return {
    images: Array.from({ length: request.count }, (_, i) => ({
      png: new Uint8Array(bytes).fill(i + 1),
      seed: seed + BigInt(i),
      width,
      height,
      infotext: `picture ${i}`,
    })),
    request,
    model: { name: request.model, hash: '0123456789' },
    provider: 'cpu',
    timings: {
      load_ms: 0,
      encode_ms: 1,
      steps_ms: [10, 10],
      decode_ms: 1,
      total_ms: 22,
      onnx_ms: 20,
    },
  };
}

/** Runs until aborted, as a well-behaved engine does. */
async function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  assert.ok(signal !== undefined);
  if (!signal.aborted) await once(signal, 'abort');
  throw new CancelledError();
}

type Stage = {
  queue: Queue;
  pictures: PictureStore;
  runner: Runner;
  bus: JobEvents;
  events: JobEvent[];
  logged: { fields: Record<string, unknown>; message: string }[];
  folder: string;
  /** the first event of this job that the test waits for */
  until(id: string, status: string): Promise<JobEvent>;
  statusesOf(id: string): string[];
  close(): Promise<void>;
};

async function stage(
  generate: Generate | Engine,
  over: Partial<Pick<RunnerOptions, 'leaseMs'>> & {
    /** what leases of the queue are measured by */
    steady?: () => number;
    /** the queue as the runner sees it */
    seen?: (queue: Queue) => Queue;
    engines?: readonly NamedEngine[];
    now?: () => number;
    elsewhere?: Elsewhere;
  } = {},
): Promise<Stage> {
  const folder = await mkdtemp(path.join(root, 'stage-'));
  const limits = { waitingPerUser: 100, waitingPerGuild: 100 };
  const url = path.join(folder, 'queue.db');
  const own = await openQueue({ url, limits, ...(over.steady && { steady: over.steady }) });
  const queue = over.seen?.(own) ?? own;
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const logged: Stage['logged'] = [];
  const write = (fields: object, message: string) => {
    logged.push({ fields: fields as Record<string, unknown>, message });
  };
  const log: EngineLog = { info: write, warn: write, error: write };
  const engine = typeof generate === 'function' ? engineThat(generate) : generate;
  const bus = createJobEvents(log);
  const events: JobEvent[] = [];
  bus.subscribe((event) => events.push(event));
  const announcer = startAnnouncer({ queue, events: bus, log });
  const runner = startRunner({
    queue,
    events: bus,
    devices: createDevices(over.engines ?? [{ name: 'cpu', engine }], log, {
      now: over.now,
      ...(over.elsewhere && { elsewhere: over.elsewhere }),
    }),
    pictures,
    log,
    newReference: () => 'ref-1',
    ...(over.leaseMs !== undefined && { leaseMs: over.leaseMs }),
  });
  const statusesOf = (id: string) =>
    events.filter(({ job }) => job.id === id).map(({ state }) => state.status);
  return {
    queue,
    pictures,
    runner,
    bus,
    events,
    logged,
    folder,
    async until(id, status) {
      const deadline = deadlineAfter(20_000);
      for (;;) {
        const found = events.find(({ job, state }) => job.id === id && state.status === status);
        if (found !== undefined) return found;
        assert.ok(!deadline.hasPassed(), `${id} never became ${status}: ${statusesOf(id).join()}`);
        await sleep(5);
      }
    },
    statusesOf,
    async close() {
      await runner.close();
      announcer.close();
      await queue.close();
    },
  };
}

describe('a job that goes well', () => {
  test('is running, progresses, is stored and done, with what /show needs', async () => {
    const t = await stage(async (request, { onProgress }) => {
      onProgress?.({ phase: 'sampling', step: 1, steps: 2, sigma: 3 });
      setTimeout(() => onProgress?.({ phase: 'sampling', step: 2, steps: 2, sigma: 1 }), 50);
      return aPicture(request);
    });
    const { id } = await t.queue.line.submit(anOrder({ request: aRequest({ count: 2 }) }));
    const { job, state } = await t.until(id, 'done');
    assert.ok(state.status === 'done');
    assert.deepEqual(
      state.result.images.map(({ key, seed }) => [key, seed]),
      [
        [`${id}-0.png`, '9223372036854775813'],
        [`${id}-1.png`, '9223372036854775814'],
      ],
    );
    assert.equal(state.result.infotext, 'picture 0');
    assert.deepEqual(job.result, state.result);
    assert.deepEqual(await t.queue.archive.get(id), job);
    assert.equal((await t.pictures.get(`${id}-1.png`))?.[0], 2);
    const estimate = await t.queue.line.estimate(aRequest());
    assert.ok(estimate !== null && estimate > 0.05 && estimate < 5, `${estimate}`);
    await sleep(80);
    const statuses = t.statusesOf(id).filter((status) => status !== 'waiting');
    assert.deepEqual(statuses, ['running', 'running', 'done'], 'nothing may follow the end');
    await t.close();
  });

  test('and the next one starts at once, without polling', async () => {
    const t = await stage(async (request) => aPicture(request));
    await sleep(60);
    const began = performance.now();
    for (let i = 0; i < 5; i++) {
      const { id } = await t.queue.line.submit(anOrder());
      await t.until(id, 'done');
    }
    assert.ok(performance.now() - began < patience(2000));
    await t.close();
  });

  test('on the real engine, with the model in this repository', { timeout: 120_000 }, async () => {
    const quiet: EngineLog = { info() {}, warn() {}, error() {} };
    const engine = await startEngine(
      {
        modelsDir: new URL('../../models', import.meta.url).pathname,
        device: 'cpu',
        isolation: 'thread',
        modelCacheBytes: 2 ** 30,
        stepDeadlineMs: 60_000,
      },
      quiet,
    );
    try {
      const t = await stage(engine);
      const [model] = await engine.models();
      assert.ok(model !== undefined);
      const request = aRequest({ model: model.name, steps: 4, ...model.nativeSize });
      const first = await t.queue.line.submit(anOrder({ request }));
      const second = await t.queue.line.submit(anOrder({ request }));
      const { state } = await t.until(second.id, 'done');
      assert.ok(state.status === 'done');
      assert.match(state.result.infotext, /Steps: 4/);
      const [a, b] = [
        await t.pictures.get(`${first.id}-0.png`),
        await t.pictures.get(`${second.id}-0.png`),
      ];
      assert.deepEqual([...a!.subarray(1, 4)], [...Buffer.from('PNG')]);
      assert.deepEqual(a, b, 'the same order gives the same bytes');
      const estimate = await t.queue.line.estimate(request);
      assert.ok(estimate !== null && estimate < state.result.seconds * 3 + 1, `${estimate}`);
      await t.close();
    } finally {
      await engine.close();
    }
  });
});

describe('a job that fails', () => {
  test('by the person: its sentence, no reference', async () => {
    const t = await stage(async () => {
      throw new UserError('No model is called "x".');
    });
    const { id } = await t.queue.line.submit(anOrder());
    const { state } = await t.until(id, 'failed');
    assert.deepEqual(state, {
      status: 'failed',
      failure: { message: 'No model is called "x".', reference: null },
    });
    await t.close();
  });

  test('by us: a reference that the log carries, and nothing of the error', async () => {
    const t = await stage(async () => {
      throw new TypeError('secret /home/owner/path is undefined');
    });
    const { id } = await t.queue.line.submit(anOrder());
    const { state } = await t.until(id, 'failed');
    assert.ok(state.status === 'failed');
    assert.equal(state.failure.reference, 'ref-1');
    assert.doesNotMatch(state.failure.message, /secret|undefined/);
    const line = t.logged.find(({ fields }) => fields['reference'] === 'ref-1');
    assert.match(String((line?.fields['err'] as Error | undefined)?.message), /secret/);
    assert.equal(line?.fields['job'], id);
    await t.close();
  });

  test('by a crash: one retry, before others; a second crash ends it with words', async () => {
    const tried: string[] = [];
    const t = await stage(async (request) => {
      tried.push(request.prompt);
      if (request.prompt === 'bomb') throw new EngineCrashedError('the host ended with SIGSEGV');
      if (request.prompt === 'once' && tried.filter((p) => p === 'once').length === 1) {
        throw new EngineCrashedError('the host ended with SIGKILL');
      }
      return aPicture(request);
    });
    const bomb = await t.queue.line.submit(anOrder({ request: aRequest({ prompt: 'bomb' }) }));
    const once = await t.queue.line.submit(anOrder({ request: aRequest({ prompt: 'once' }) }));
    const plain = await t.queue.line.submit(anOrder({ request: aRequest({ prompt: 'plain' }) }));
    const { state } = await t.until(bomb.id, 'failed');
    assert.ok(state.status === 'failed');
    assert.match(state.failure.message, /broke down twice/);
    assert.equal(state.failure.reference, 'ref-1');
    await t.until(once.id, 'done');
    await t.until(plain.id, 'done');
    assert.deepEqual(tried, ['bomb', 'bomb', 'once', 'once', 'plain']);
    await t.close();
  });

  test('not at all where the disk has room once the kept steps are gone', async () => {
    const t = await stage(async (request, { journal }) => {
      journal?.keep(new Uint8Array(1000));
      return aPicture(request);
    });
    const { put } = t.pictures;
    t.pictures.put = async (key, bytes) => {
      const isFull = (await readdir(path.join(t.folder, 'pictures'))).some((name) =>
        name.includes('.steps-'),
      );
      if (key.endsWith('.png') && isFull) throw Object.assign(new Error(), { code: 'ENOSPC' });
      await put(key, bytes);
    };
    const { id } = await t.queue.line.submit(anOrder());
    await t.until(id, 'done');
    await t.close();
    assert.deepEqual(await readdir(path.join(t.folder, 'pictures')), [`${id}-0.png`]);
  });

  test('because pictures cannot be stored: words, and no half of a batch', async () => {
    const t = await stage(async (request) => {
      if (request.count === 3) {
        // A folder stands where the second picture should go: renaming onto it fails.
        await mkdir(path.join(t.folder, 'pictures', `${doomed.id}-1.png`, 'x'), {
          recursive: true,
        });
      }
      return aPicture(request);
    });
    const doomed = await t.queue.line.submit(anOrder({ request: aRequest({ count: 3 }) }));
    const { state } = await t.until(doomed.id, 'failed');
    assert.ok(state.status === 'failed');
    assert.match(state.failure.message, /could not be kept/);
    assert.equal(state.failure.reference, 'ref-1');
    assert.equal(await t.pictures.get(`${doomed.id}-0.png`), null);
    // What begins with a dot is the store being tried out.
    const left = (await readdir(path.join(t.folder, 'pictures'))).filter((name) => name[0] !== '.');
    assert.deepEqual(left, [`${doomed.id}-1.png`]);
    const next = await t.queue.line.submit(anOrder());
    await t.until(next.id, 'done');
    await t.close();
  });

  test('as long as pictures cannot be stored, nobody else’s are painted', async () => {
    let painted = 0;
    const t = await stage(async (request) => {
      painted++;
      return aPicture(request);
    });
    const { put, tryOut } = t.pictures;
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    t.pictures.put = t.pictures.tryOut = () => Promise.reject(full);
    const doomed = await t.queue.line.submit(anOrder());
    await t.until(doomed.id, 'failed');
    const next = await t.queue.line.submit(anOrder());
    const tries = () =>
      t.logged.filter(({ message }) => /its pictures failed/.test(message)).length;
    while (tries() < 3) await sleep(20);
    assert.equal((await t.queue.archive.get(next.id))?.status, 'waiting');
    assert.equal(painted, 1);
    Object.assign(t.pictures, { put, tryOut });
    await t.until(next.id, 'done');
    await t.close();
  });

  test('what could not be removed either goes when the store can be written again', async () => {
    const t = await stage(async (request, { journal }) => {
      journal?.keep(new Uint8Array(1000));
      return aPicture(request);
    });
    const { put, delete: remove, tryOut } = t.pictures;
    const readOnly = () => Promise.reject(Object.assign(new Error(), { code: 'EROFS' }));
    t.pictures.put = (key, bytes) => (key.endsWith('.png') ? readOnly() : put(key, bytes));
    t.pictures.delete = t.pictures.tryOut = readOnly;
    const doomed = await t.queue.line.submit(anOrder());
    await t.until(doomed.id, 'failed');
    const files = () => readdir(path.join(t.folder, 'pictures'));
    assert.deepEqual(await files(), [`${doomed.id}.steps-1`]);
    // Somebody may still see how far a stopped one came.
    const stopped = await t.queue.line.submit(anOrder());
    await t.queue.line.cancel(stopped.id, { userId: stopped.userId, moderator: false });
    await put(`${stopped.id}.steps-1`, new Uint8Array(10));
    Object.assign(t.pictures, { put, delete: remove, tryOut });
    const next = await t.queue.line.submit(anOrder());
    await t.until(next.id, 'done');
    await t.close();
    const left = [`${stopped.id}.steps-1`, `${next.id}-0.png`].toSorted();
    assert.deepEqual((await files()).toSorted(), left);
  });

  test('a listener or a queue that throws does not end the loop', async () => {
    const t = await stage(async (request) => aPicture(request));
    t.bus.subscribe(() => {
      throw new Error('a listener broke');
    });
    let broken = 3;
    const claim = t.queue.line.claim;
    t.queue.line.claim = async (worker) => {
      if (broken-- > 0) throw new Error('database or disk is full');
      return claim(worker);
    };
    const { id } = await t.queue.line.submit(anOrder());
    await t.until(id, 'done');
    assert.ok(t.logged.some(({ message }) => /the queue or its pictures failed/.test(message)));
    assert.ok(t.logged.some(({ message }) => /listener/.test(message)));
    await t.close();
  });

  test('an outcome that cannot be recorded is told as failed, and recorded when it can be', async () => {
    const t = await stage(async (request) => aPicture(request));
    const finish = t.queue.line.finish;
    let broken = 4;
    t.queue.line.finish = async (...args) => {
      if (broken-- > 0) throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      return finish(...args);
    };
    const { id } = await t.queue.line.submit(anOrder());
    const { state } = await t.until(id, 'failed');
    assert.ok(state.status === 'failed');
    assert.match(state.failure.message, /no room left where pictures are kept/);
    assert.equal(await t.pictures.get(`${id}-0.png`), null);
    const next = await t.queue.line.submit(anOrder());
    await t.until(next.id, 'done');
    assert.equal((await t.queue.archive.get(id))?.status, 'failed');
    await t.close();
  });
});

describe('stopping', () => {
  test('a running job by its owner: aborted, cancelled, the next one runs', async () => {
    const t = await stage(async (request, { signal }) =>
      request.prompt === 'slow' ? untilAborted(signal) : aPicture(request),
    );
    const slow = await t.queue.line.submit(anOrder({ request: aRequest({ prompt: 'slow' }) }));
    await t.until(slow.id, 'running');
    assert.equal(
      await t.queue.line.cancel(slow.id, { userId: 'user-a', moderator: false }),
      'stopping',
    );
    await t.until(slow.id, 'cancelled');
    const next = await t.queue.line.submit(anOrder());
    await t.until(next.id, 'done');
    await t.close();
  });

  test('a waiting job that is cancelled is heard too, once', async () => {
    const t = await stage(async (_, { signal }) => untilAborted(signal));
    const first = await t.queue.line.submit(anOrder());
    const second = await t.queue.line.submit(anOrder());
    await t.until(first.id, 'running');
    await t.queue.line.cancel(second.id, { userId: 'user-a', moderator: false });
    await t.until(second.id, 'cancelled');
    await sleep(400);
    assert.equal(t.statusesOf(second.id).at(-1), 'cancelled');
    assert.equal(t.statusesOf(second.id).filter((status) => status === 'cancelled').length, 1);
    await t.close();
  });

  test('closing hands the running job back, nothing lost and nothing counted', async () => {
    const t = await stage(async (_, { signal }) => untilAborted(signal));
    const running = await t.queue.line.submit(anOrder());
    const waiting = await t.queue.line.submit(anOrder());
    await t.until(running.id, 'running');
    await t.runner.close();
    const outlook = await t.queue.line.outlook();
    assert.deepEqual(
      outlook.map(({ id }) => id),
      [running.id, waiting.id],
    );
    const job = await t.queue.archive.get(running.id);
    assert.deepEqual([job?.status, job?.attempt, job?.crashes], ['waiting', 1, 0]);
    assert.ok(!t.statusesOf(running.id).includes('cancelled'));
    await t.queue.close();
  });

  test('an engine that gives up unasked gets the job again, after a breath', async () => {
    let tries = 0;
    const t = await stage(async (request) => {
      if (++tries < 3) throw new CancelledError();
      return aPicture(request);
    });
    const { id } = await t.queue.line.submit(anOrder());
    await t.until(id, 'done');
    assert.equal(tries, 3);
    await t.close();
  });
});

test('waiting jobs hear their place, and only when it changed', async () => {
  const holds: (() => void)[] = [];
  const t = await stage(async (request) => {
    await new Promise<void>((resolve) => holds.push(resolve));
    return aPicture(request);
  });
  const jobs: string[] = [];
  for (let i = 0; i < 4; i++) jobs.push((await t.queue.line.submit(anOrder())).id);
  const placesOf = (id: string) =>
    t.events.flatMap(({ job, state }) =>
      job.id === id && state.status === 'waiting' ? [state.position] : [],
    );
  await t.until(jobs[3]!, 'waiting');
  await sleep(600);
  assert.deepEqual(jobs.slice(1).map(placesOf), [[1], [2], [3]]);
  holds.shift()!();
  await t.until(jobs[1]!, 'running');
  await sleep(600);
  // The wait became known with the first measurement: the place may be told anew, never a wrong one.
  assert.deepEqual([...new Set(placesOf(jobs[3]!))], [3, 2]);
  const before = t.events.length;
  t.queue.archive.remember(jobs[3]!, { messageId: 'm' });
  await sleep(400);
  assert.equal(t.events.length, before);
  const closing = t.close();
  for (const hold of holds) hold();
  await closing;
  for (const id of jobs) {
    const statuses = t.statusesOf(id);
    assert.ok(
      !statuses.includes('waiting', statuses.indexOf('running') + 1) ||
        !statuses.includes('running'),
    );
  }
});

describe('several devices', () => {
  const enginesThat = (names: readonly string[], generate: (name: string) => Generate) =>
    names.map((name) => ({ name, engine: engineThat(generate(name)) }));

  test('paint at the same time, each one job, places are told once', async () => {
    const holds = new Map<string, () => void>();
    const engines = enginesThat(['one', 'two'], (name) => async (request) => {
      await new Promise<void>((resolve) => holds.set(name, resolve));
      return aPicture(request);
    });
    const t = await stage(async () => assert.fail('not this one'), { engines });
    const jobs: Job[] = [];
    for (let i = 0; i < 4; i++) jobs.push(await t.queue.line.submit(anOrder()));
    await t.until(jobs[0]!.id, 'running');
    await t.until(jobs[1]!.id, 'running');
    assert.equal(holds.size, 2);
    await t.until(jobs[3]!.id, 'waiting');
    await sleep(400);
    const told = t.events.filter(({ job, state }) => job.id === jobs[3]!.id && 'position' in state);
    assert.equal(told.length, 1);
    holds.get('two')!();
    await t.until(jobs[2]!.id, 'running');
    assert.equal((await t.queue.archive.get(jobs[3]!.id))?.status, 'waiting');
    holds.get('one')!();
    await t.until(jobs[3]!.id, 'running');
    for (const hold of holds.values()) hold();
    for (const { id } of jobs) await t.until(id, 'done');
    await t.close();
  });

  test('a result that is being written down has no lease to lose', async () => {
    const seen = (queue: Queue): Queue => ({
      ...queue,
      line: {
        ...queue.line,
        async finish(...words) {
          const recorded = await queue.line.finish(...words);
          await sleep(200);
          return recorded;
        },
      },
    });
    const t = await stage(async (request) => aPicture(request), { leaseMs: 30, seen });
    const { id } = await t.queue.line.submit(anOrder());
    await t.until(id, 'done');
    await t.close();
    assert.deepEqual(
      t.logged.filter(({ message }) => message.includes('lease')),
      [],
    );
  });

  test('a job whose lease ran out is let go, and its late result dropped', async () => {
    let tries = 0;
    const aborted: string[] = [];
    const engines = enginesThat(['slow', 'quick'], () => async (request, { signal }) => {
      if (++tries > 1) return aPicture(request);
      return untilAborted(signal).finally(() => aborted.push(request.prompt));
    });
    // An hour passes while it renews nothing, as in a process that is frozen.
    let clock = 0;
    const thaw = Promise.withResolvers<void>();
    const seen = (queue: Queue): Queue => ({
      ...queue,
      line: { ...queue.line, renew: (lease) => thaw.promise.then(() => queue.line.renew(lease)) },
    });
    const t = await stage(async () => assert.fail('not this one'), {
      engines,
      seen,
      steady: () => clock,
      leaseMs: 60,
    });
    const { id } = await t.queue.line.submit(anOrder());
    await t.until(id, 'running');
    clock += 3_600_000;
    await t.queue.line.submit(anOrder());
    await t.until(id, 'done');
    assert.equal(aborted.length, 0);
    thaw.resolve();
    const deadline = deadlineAfter(20_000);
    while (aborted.length === 0 && !deadline.hasPassed()) await sleep(10);
    assert.equal(aborted.length, 1, 'its engine was told to end');
    assert.equal((await t.queue.archive.get(id))?.attempt, 2);
    await t.close();
    assert.equal(t.statusesOf(id).filter((status) => status === 'done').length, 1);
  });

  test('a device that computes wrong numbers is set aside, told, and tried again later', async () => {
    let now = 1_700_000_000_000;
    let broken = true;
    const ran: string[] = [];
    const engines = enginesThat(['bad', 'good'], (name) => async (request) => {
      ran.push(name);
      if (name === 'bad' && broken) throw new DeviceError('it differs from the CPU by 80 %');
      return aPicture(request);
    });
    const t = await stage(async () => assert.fail('not this one'), { engines, now: () => now });
    const paint = async () => {
      const { id } = await t.queue.line.submit(anOrder());
      await t.until(id, 'done');
      return (await t.queue.archive.get(id))!;
    };
    const { crashes, attempt } = await paint();
    assert.deepEqual([crashes, attempt, ran], [0, 2, ['bad', 'good']]);
    await paint();
    assert.deepEqual(ran, ['bad', 'good', 'good']);
    const [told] = t.logged.filter(({ message }) => /set aside/.test(message));
    assert.deepEqual([told?.fields['device'], told?.fields['minutes']], ['bad', 5]);
    now += 5 * 60_000;
    await paint();
    assert.deepEqual(ran.slice(3), ['bad', 'good'], 'tried again, in vain');
    now += 5 * 60_000;
    await paint();
    assert.deepEqual(ran.slice(5), ['good'], 'twice as long');
    now += 5 * 60_000;
    broken = false;
    await paint();
    assert.deepEqual(ran.slice(6), ['bad']);
    await t.close();
  });

  test('a job goes to another device after a crash; three crashes set one aside', async () => {
    const ran: string[] = [];
    const engines = enginesThat(['shaky', 'firm'], (name) => async (request) => {
      ran.push(name);
      if (name === 'shaky') throw new EngineCrashedError('SIGSEGV');
      return aPicture(request);
    });
    const t = await stage(async () => assert.fail('not this one'), { engines });
    for (let i = 0; i < 5; i++) {
      const { id } = await t.queue.line.submit(anOrder());
      await t.until(id, 'done');
      assert.equal((await t.queue.archive.get(id))?.crashes, i < 3 ? 1 : 0);
    }
    assert.deepEqual(ran.join(' '), 'shaky firm shaky firm shaky firm firm firm');
    await t.close();
  });

  test('where a model does not fit it is not tried for a while; the device goes on with others', async () => {
    const ran: string[] = [];
    const engines = enginesThat(['small', 'large'], (name) => async (request) => {
      ran.push(`${request.model} on ${name}`);
      if (name === 'small' && request.model === 'xl') {
        throw new DeviceError('ONNX Runtime said: Failed to allocate memory');
      }
      return aPicture(request);
    });
    const t = await stage(async () => assert.fail('not this one'), { engines });
    for (const model of ['xl', 'xl', 'sd']) {
      const { id } = await t.queue.line.submit(anOrder({ request: aRequest({ model }) }));
      await t.until(id, 'done');
    }
    assert.deepEqual(ran, ['xl on small', 'xl on large', 'xl on large', 'sd on small']);
    await t.close();
  });

  test('a program’s only device is set aside while other programs paint: their jobs wait for those', async () => {
    let [isElsewhere, isBroken, runs] = [true, true, 0];
    const engines = enginesThat(['cpu'], () => async (request) => {
      runs++;
      if (isBroken) throw new EngineCrashedError('SIGSEGV');
      return aPicture(request);
    });
    const elsewhere: Elsewhere = (model) => isElsewhere && model !== 'rare';
    const t = await stage(async () => assert.fail('not this one'), { engines, elsewhere });
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await t.queue.line.submit(anOrder())).id);
      await waitUntil(() => runs === i + 1, 'it crashed');
    }
    const isAside = () => t.logged.some(({ message }) => /is set aside/.test(message));
    await waitUntil(isAside, 'set aside after three crashes of different jobs');
    assert.equal((await t.queue.archive.unsettled()).length, 3, 'none of them failed');
    isBroken = false;
    isElsewhere = false;
    ids.push((await t.queue.line.submit(anOrder())).id);
    for (const id of ids) await t.until(id, 'done');
    await t.close();
  });

  test('one device alone is never set aside: people hear why', async () => {
    const t = await stage(async () => {
      throw new DeviceError('the driver is gone');
    });
    for (let i = 0; i < 4; i++) {
      const { id } = await t.queue.line.submit(anOrder());
      const { state } = await t.until(id, 'failed');
      assert.ok(state.status === 'failed' && /driver is gone/.test(state.failure.message));
    }
    await t.close();
  });
});
