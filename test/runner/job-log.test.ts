import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import { UserError } from '../../src/engine/errors.ts';
import { createDevices } from '../../src/runner/devices.ts';
import { createJobEvents } from '../../src/queue/events.ts';
import type { Job, JobState } from '../../src/queue/job.ts';
import { logJob, logJobs } from '../../src/runner/job-log.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRunner } from '../../src/runner/runner.ts';
import { memoryLog } from '../support/memory-log.ts';
import { waitUntil } from '../support/discord/messages.ts';
import { anOrder, aRequest, aResult } from '../queue/orders.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-job-log-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const DONE: JobState = { status: 'done', result: aResult('abc') };

/** A job that waited 2 s and took 3.5. */
function aJob(over: Partial<Job> = {}): Job {
  const { init: _init, ...request } = aRequest({ prompt: 'a secret lighthouse' });
  return {
    ...anOrder(),
    id: 'abc',
    request: { ...request, init: null },
    status: 'done',
    device: null,
    attempt: 1,
    createdAt: 1_000_000,
    startedAt: 1_002_000,
    finishedAt: 1_005_500,
    result: null,
    failure: null,
    delivered: false,
    ...over,
  };
}

test('one line a job: whose, by which model, how long; nothing of what was asked for', () => {
  const { log, lines } = memoryLog();
  logJob(aJob(), { status: 'done', result: { ...aResult('abc'), withheld: [0] } }, log);
  logJob(
    aJob({ attempt: 2 }),
    { status: 'failed', failure: { message: 'x', reference: '1a2b3c4d' } },
    log,
  );
  logJob(aJob({ startedAt: null, request: 'unreadable' }), { status: 'cancelled' }, log);
  const base = { job: 'abc', user: 'user-a', model: 'demo', waited: 2, seconds: 3.5 };
  assert.deepEqual(
    lines.map(({ level, message, fields }) => [level, message, fields]),
    [
      ['info', 'a job is done', { ...base, provider: 'cpu', images: 1, withheld: 1 }],
      ['info', 'a job has failed', { ...base, attempt: 2, reference: '1a2b3c4d' }],
      ['info', 'a job was stopped', { ...base, model: null, waited: null, seconds: null }],
    ],
  );
});

test('a final state that is told again makes no second line; a clock that was set back no negative time', () => {
  const { log, lines } = memoryLog();
  const events = createJobEvents(log);
  const stop = logJobs(events, log);
  const job = aJob({ startedAt: 900_000, finishedAt: 800_000 });
  events.publish({ job, state: { status: 'running', progress: null } });
  events.publish({ job, state: DONE });
  events.publish({ job, state: DONE });
  assert.deepEqual(
    lines.map(({ fields }) => [
      (fields as { waited: number }).waited,
      (fields as { seconds: number }).seconds,
    ]),
    [[0, 0]],
  );
  stop();
  events.publish({ job: aJob({ id: 'def' }), state: DONE });
  assert.equal(lines.length, 1);
});

test('a program that the queue tells nothing of ends, as a worker, hears of its own', async () => {
  const { log, lines } = memoryLog();
  const limits = { waitingPerUser: 9, waitingPerGuild: 9 };
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const engine = {
    models: async () => [],
    unusable: () => [],
    generate: () => Promise.reject(new UserError('This cannot be painted.')),
    status: () => ({ state: 'idle', provider: 'cpu', loaded: [] }),
    reload: async () => {},
    answers: async () => true,
    close: async () => {},
  } satisfies Engine;
  const devices = createDevices([{ name: 'cpu', engine }], log);
  const events = createJobEvents(log);
  const runner = startRunner({
    queue,
    events,
    devices,
    pictures,
    log,
    onEnd: (job, outcome) => logJob(job, outcome, log),
  });
  const { id } = await queue.line.submit(anOrder());
  await waitUntil(async () => lines.length > 0, 'the line', 10_000);
  await runner.close();
  await queue.close();
  assert.deepEqual(
    lines.map(({ message, fields }) => [message, (fields as { job: string }).job]),
    [['a job has failed', id]],
  );
});
