import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Engine, startEngine } from '../../../src/engine/engine.ts';
import type { Job, JobContext, StoredResult } from '../../../src/queue/job.ts';
import type { Queue } from '../../../src/queue/contracts.ts';
import { createDevices } from '../../../src/runner/devices.ts';
import { createJobEvents } from '../../../src/queue/events.ts';
import { openPictureStore, type PictureStore } from '../../../src/queue/pictures.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { startRunner } from '../../../src/runner/runner.ts';
import { memoryLog, type LogLine } from '../../support/memory-log.ts';
import { deadlineAfter } from '../../support/machine/patience.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { anOrder, aRequest } from '../../queue/orders.ts';

/** The real engine in a child process, the real queue, real files: a long picture is disturbed and goes on. */

/** Small, but each step waits a while: any machine is still painting when the disturbance meets it. */
const STEPS = 30;
const STEP_MS = 15;
const request = aRequest({ steps: STEPS, sampler: 'dpmpp_2m_sde', width: 64, height: 64 });

let root: string;
let engine: Engine;
/** What a run is that nobody disturbs, and what is asked of it besides its picture. */
let undisturbed: Buffer;
let latents: Uint8Array;
const snapshots: Buffer[] = [];
const decodeAt = [3, 10, 25];
before(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'darkroom-resume-'));
  engine = await startEngine(
    {
      modelsDir: fileURLToPath(new URL('../../../models', import.meta.url)),
      device: 'cpu',
      isolation: 'process',
      modelCacheBytes: 2 ** 30,
      stepDeadlineMs: 60_000,
      childEnvironment: slowly(STEP_MS),
    },
    memoryLog().log,
  );
  const result = await engine.generate(request, {
    decodeAt,
    keepLatents: true,
    onProgress: (progress) => {
      if (progress.phase === 'sampling' && progress.decoded)
        snapshots.push(Buffer.from(progress.decoded[0]!));
    },
  });
  undisturbed = Buffer.from(result.images[0]!.png);
  const { buffer, byteOffset, byteLength } = result.latents!.data;
  latents = new Uint8Array(buffer, byteOffset, byteLength);
});
after(async () => {
  await engine.close();
  await rm(root, { recursive: true, force: true });
});

type Hall = {
  queue: Queue;
  pictures: PictureStore;
  lines: LogLine[];
  job: Job;
  /** Resolves when the picture is that far. */
  step(least: number): Promise<void>;
  done(): Promise<StoredResult>;
  /** The runner ends politely and another one starts on the same files. */
  handBack(between?: () => Promise<void>): Promise<void>;
  files(): Promise<string[]>;
};

async function inHall(
  work: (hall: Hall) => Promise<void>,
  prepare: (folder: string, job: Job) => Promise<unknown> = async () => {},
  context: JobContext = {},
): Promise<void> {
  const folder = await mkdtemp(path.join(root, 'hall-'));
  const limits = { waitingPerUser: 10, waitingPerGuild: 10 };
  const { log, lines } = memoryLog();
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  let reached = 0;
  const start = () => {
    const events = createJobEvents(log);
    const devices = createDevices([{ name: 'cpu', engine }], log);
    const runner = startRunner({ queue, events, devices, pictures, log, everyMs: 0 });
    events.subscribe(({ state }) => {
      if (state.status === 'running') reached = Math.max(reached, state.progress?.step ?? 0);
    });
    return runner;
  };
  const job = await queue.line.submit(anOrder({ request, context }));
  await prepare(path.join(folder, 'pictures'), job);
  let runner = start();
  const until = async (fits: () => boolean | Promise<boolean>, what: string) => {
    const deadline = deadlineAfter(30_000);
    while (!(await fits())) {
      assert.ok(!deadline.hasPassed(), `never ${what}`);
      await sleep(5);
    }
  };
  try {
    await work({
      queue,
      pictures,
      lines,
      job,
      step: (least) => until(() => reached >= least, `at step ${least}`),
      async done() {
        await until(async () => (await queue.archive.get(job.id))?.status === 'done', 'done');
        return (await queue.archive.get(job.id))!.result!;
      },
      async handBack(between) {
        await runner.close();
        await between?.();
        reached = 0;
        runner = start();
      },
      files: () => readdir(path.join(folder, 'pictures')),
    });
  } finally {
    await runner.close();
    await queue.close();
  }
}

/** Not deepEqual: the difference of two long byte strings takes it minutes to print. */
async function checkBytes(pictures: PictureStore, key: string, want: Uint8Array): Promise<void> {
  const stored = await pictures.get(key);
  assert.ok(stored !== null && Buffer.from(stored).equals(want), `other bytes under ${key}`);
}

async function checkSame({ pictures, job, files, done }: Hall): Promise<StoredResult> {
  const result = await done();
  await checkBytes(pictures, `${job.id}-0.png`, undisturbed);
  await checkFiles(files, [`${job.id}-0.png`]);
  return result;
}

/** Only these are left, once the steps have been swept up behind them. */
async function checkFiles(files: Hall['files'], left: readonly string[]): Promise<void> {
  const deadline = deadlineAfter(10_000);
  while ((await files()).length > left.length && !deadline.hasPassed()) await sleep(10);
  assert.deepEqual((await files()).toSorted(), left.toSorted());
}

test('killed with its child process, a picture goes on from its last stored step, with all that was asked of earlier ones', async () => {
  const context = { watch: { decodeAt, keepLatents: true } };
  await inHall(
    async ({ step, done, pictures, job, queue, files }) => {
      await step(15);
      process.kill(engine.status().pid!, 'SIGKILL');
      const result = await done();
      const {
        snapshots: stored = [],
        latents: key = '',
        resumedSteps = 0,
        stepSeconds = [],
      } = result;
      assert.equal((await queue.archive.get(job.id))!.attempt, 2);
      // With the latents a curve needs what each step took; of those spared nobody knows.
      assert.equal(resumedSteps + stepSeconds.length, STEPS);
      assert.ok(stepSeconds.every((seconds) => seconds >= 0) && stepSeconds.some(Boolean));
      assert.ok(resumedSteps >= 10 && resumedSteps < STEPS, `${resumedSteps} steps spared`);
      assert.deepEqual(
        stored.map((snapshot) => snapshot.step),
        decodeAt,
      );
      for (const [at, snapshot] of stored.entries()) {
        await checkBytes(pictures, snapshot.key, snapshots[at]!);
      }
      await checkBytes(pictures, key, latents);
      await checkBytes(pictures, `${job.id}-0.png`, undisturbed);
      await checkFiles(files, [`${job.id}-0.png`, key, ...stored.map((snapshot) => snapshot.key)]);
    },
    undefined,
    context,
  );
});

test('handed back at a close, twice, it goes on each time', async () => {
  await inHall(async (hall) => {
    await hall.step(8);
    await hall.handBack();
    await hall.step(20);
    await hall.handBack();
    const { resumedSteps = 0 } = await checkSame(hall);
    assert.ok(resumedSteps >= 20, `${resumedSteps} steps spared`);
    assert.equal((await hall.queue.archive.get(hall.job.id))!.attempt, 3);
  });
});

test('what was kept is damaged: from the start, the same bytes', async () => {
  await inHall(async (hall) => {
    await hall.step(15);
    await hall.handBack(async () => {
      await hall.pictures.put(`${hall.job.id}.steps-1`, Buffer.alloc(100_000, 7));
    });
    assert.equal((await checkSame(hall)).resumedSteps, undefined);
  });
});

test('stopped, or ended while no runner was there: nothing is left behind', async () => {
  await inHall(async ({ queue, job, step, handBack, files }) => {
    await step(10);
    await handBack(async () => {
      assert.deepEqual(await files(), [`${job.id}.steps-1`]);
      await queue.line.cancel(job.id, { userId: job.userId, moderator: false });
    });
    const deadline = deadlineAfter(20_000);
    while ((await files()).length > 0 && !deadline.hasPassed()) await sleep(5);
    assert.deepEqual(await files(), []);
  });
});

test('steps that cannot be written cost nothing but the going on', async () => {
  await inHall(
    async ({ done, pictures, job, lines }) => {
      await done();
      await checkBytes(pictures, `${job.id}-0.png`, undisturbed);
      assert.equal(lines.filter(({ message }) => /are not kept/.test(message)).length, 1);
    },
    // A folder stands where the file should go.
    (folder, { id }) => mkdir(path.join(folder, `${id}.steps-1`, 'x'), { recursive: true }),
  );
});
