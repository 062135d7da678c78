import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../../src/engine/engine.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateRequest } from '../../../src/engine/request.ts';
import {
  readCalibrations,
  readUnfinished,
} from '../../../src/explore/calibration/calibration-file.ts';
import { startIdleCalibration } from '../../../src/explore/calibration/idle-calibration.ts';
import type { Job } from '../../../src/queue/job.ts';
import type { Queue } from '../../../src/queue/contracts.ts';
import { createDevices } from '../../../src/runner/devices.ts';
import { createJobEvents } from '../../../src/queue/events.ts';
import { openPictureStore } from '../../../src/queue/pictures.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { startRunner } from '../../../src/runner/runner.ts';
import { openDemo } from '../../support/engine.ts';

const { engine, demo } = await openDemo();
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-idle-'));
after(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const log = { info() {}, warn() {}, error() {} };
const file = path.join(folder, 'calibration.json');

/** The same engine, writing down what is asked of it and when it is done. */
function listening(): { spied: Engine; seen: { request: GenerateRequest; over: boolean }[] } {
  const seen: { request: GenerateRequest; over: boolean }[] = [];
  const spied: Engine = {
    ...engine,
    // Small pictures take as many steps.
    models: async () =>
      (await engine.models()).map((each) => ({ ...each, nativeSize: { width: 64, height: 64 } })),
    async generate(request, options) {
      const entry = { request, over: false };
      seen.push(entry);
      try {
        return await engine.generate(request, options);
      } finally {
        entry.over = true;
      }
    },
  };
  return { spied, seen };
}

async function until(what: () => unknown): Promise<void> {
  while (!(await what())) await sleep(20);
}

async function submit(
  queue: Queue,
  key: string,
  { context = { auto: { why: 'idle' } }, sampler = 'euler', schedule = 'uniform' } = {},
): Promise<Job> {
  const small = { width: 64, height: 64, steps: 3 };
  const input = { ...small, prompt: 'a person waits', sampler, schedule };
  const request = parseRequest(input, demo);
  return queue.line.submit({
    key,
    guildId: 'g',
    userId: 'u',
    request,
    context,
    parentId: null,
  });
}

test('measures what people use when nobody waits, gives way to them, goes on after a restart, never twice', async () => {
  const queue = await openQueue({
    url: `sqlite:${path.join(folder, 'queue.db')}`,
    limits: { waitingPerUser: 9, waitingPerGuild: 9 },
  });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const { spied, seen } = listening();
  const isOurs = ({ request }: { request: GenerateRequest }) => request.prompt === 'a person waits';
  const devices = createDevices([{ name: 'cpu', engine: spied }], log);
  const events = createJobEvents(log);
  const runner = startRunner({ queue, events, devices, pictures, log });
  await submit(queue, 'first');
  // Nobody asked for automatic steps with this one.
  await submit(queue, 'plain', { context: {} as never, sampler: 'heun' });

  const start = () =>
    startIdleCalibration({ engine: spied, queue, file, afterMs: 30, log, pairs: 1 });
  let idle = start();
  await until(() => seen.filter((each) => !isOurs(each)).length >= 3);
  // Only what was asked for is measured, and nothing that others paint with.
  assert.ok(seen.every((each) => isOurs(each) || each.request.sampler === 'euler'));

  const before = seen.length;
  const job = await submit(queue, 'second');
  await until(async () => (await queue.archive.get(job.id))?.status === 'done');
  const order = seen.findIndex((each, index) => index >= before && isOurs(each));
  // At most the picture in hand and one begun in the same moment lie before it; both were broken off.
  assert.ok(order >= before && order <= before + 1, `${order} of ${before}`);
  await until(() => seen.filter((each) => !isOurs(each)).length > before);
  await idle.close();
  const unfinished = await readUnfinished(file);
  assert.equal(unfinished?.hash, demo.hash);
  const known = Object.keys(unfinished?.measured.scores ?? {});
  assert.ok(known.length > 0);
  assert.deepEqual(await readCalibrations(file), []);

  const atRestart = seen.length;
  idle = start();
  await until(async () => (await readCalibrations(file)).length === 1);
  await sleep(300);
  await idle.close();
  const found = await readCalibrations(file);
  assert.deepEqual(
    found.map(({ sampler, schedule, hash }) => [sampler, schedule, hash]),
    [['euler', 'uniform', demo.hash]],
  );
  assert.equal(await readUnfinished(file), null);
  // What was judged before the restart was not painted again.
  const again = seen
    .slice(atRestart)
    .filter(({ request }) => request.sampler === 'euler' && !request.replan)
    .map(({ request }) => `${request.seed} ${request.steps} null`);
  for (const key of known) assert.ok(!again.includes(key), key);

  assert.ok(found.every(({ at }) => Math.abs(Date.now() - (at ?? 0)) < 24 * 3600 * 1000));

  const finished = seen.length;
  idle = start();
  await sleep(300);
  await idle.close();
  assert.equal(seen.length, finished);
  await runner.close();
  await queue.close();
});
