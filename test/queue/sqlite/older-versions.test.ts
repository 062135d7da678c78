import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openQueue } from '../../../src/queue/queue.ts';
import { anOrder, aRequest, aResult, claimJob, leaseOf } from '../orders.ts';

/** Written by the program itself when its schema was number 7, and killed while a job ran. */
const FIXTURE = fileURLToPath(new URL('../../fixtures/queue-7', import.meta.url));

test('the record of an older version opens whole: states, results, start pictures, order, promises', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-older-'));
  await cp(FIXTURE, folder, { recursive: true });
  const limits = { waitingPerUser: 100, waitingPerGuild: 100 };
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits });
  const { archive, line, deferrals } = queue;
  const jobs = new Map((await archive.recent({ limit: 99 })).map((job) => [job.key, job]));
  const states = [...jobs].map(([key, { status, attempt, delivered }]) => [
    key,
    status,
    attempt,
    delivered,
  ]);
  assert.deepEqual(states.toReversed(), [
    ['done', 'done', 1, true],
    ['undelivered', 'done', 1, false],
    ['failed', 'failed', 1, false],
    ['running', 'waiting', 1, false],
    ['waiting', 'waiting', 0, false],
    ['elsewhere', 'waiting', 0, false],
    ['cancelled', 'cancelled', 0, false],
  ]);
  const [done, elsewhere] = [jobs.get('done')!, jobs.get('elsewhere')!];
  assert.deepEqual(done.result, aResult(done.id));
  assert.deepEqual(done.request, aRequest());
  assert.equal(elsewhere.parentId, done.id);
  assert.equal(jobs.get('waiting')!.weight, 2);
  assert.deepEqual(jobs.get('failed')!.failure, { message: 'no', reference: 'r' });
  const { request: hires } = jobs.get('undelivered')!;
  assert.ok(hires !== 'unreadable');
  assert.deepEqual(hires.hires, { scale: 2, steps: 5, strength: 0.5, upscaler: 'latent' });

  const found = await archive.request(jobs.get('running')!.id);
  assert.ok(found?.kind === 'found');
  assert.deepEqual(found.request.init?.image, new Uint8Array(64).fill(3));
  assert.deepEqual(found.request.init?.mask, new Uint8Array(32).fill(4));
  assert.deepEqual(
    (await deferrals.open()).map(({ key }) => key),
    ['promised'],
  );
  assert.notEqual(await line.estimate(aRequest()), null, 'what was measured is known');

  const order = (await line.outlook()).map(({ id }) => id);
  const ran: string[] = [];
  for (let job = await claimJob(line); job !== null; job = await claimJob(line)) {
    ran.push(job.id);
    await line.finish(leaseOf(job.id, job.attempt), { status: 'done', result: aResult(job.id) });
  }
  assert.deepEqual(ran, order);
  assert.equal(ran.length, 3);
  assert.equal((await line.submit(anOrder({ key: 'waiting' }))).id, jobs.get('waiting')!.id);
  await queue.close();
  await rm(folder, { recursive: true });
});
