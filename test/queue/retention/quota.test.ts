import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { StoredInit } from '../../../src/queue/job.ts';
import { openPictureStore } from '../../../src/queue/pictures.ts';
import { measured } from '../../../src/queue/pictures/measured.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { startRetention } from '../../../src/queue/retention.ts';
import { createQuota } from '../../../src/queue/retention/quota.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { anOrder, aRequest, aResult, claimJob, leaseOf } from '../orders.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** of each picture */
const BYTES = 1000;

async function openArchive(t: { after(fn: () => unknown): void }) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-quota-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const clock = { now: 1_700_000_000_000, steady: 0 };
  const limits = { waitingPerUser: 1000, waitingPerGuild: 1000 };
  const now = () => clock.now;
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits, now });
  t.after(() => queue.close());
  const pictures = measured(await openPictureStore(path.join(folder, 'pictures')));
  const { log, lines } = memoryLog();
  const starred = new Set<string>();
  return {
    clock,
    queue,
    pictures,
    lines,
    starred,
    /** Painted and shown now, or not. */
    async paint(delivered = true, init: unknown = null): Promise<string> {
      const request = aRequest({ init: init as StoredInit as never });
      const { id } = await queue.line.submit(anOrder({ request }));
      await claimJob(queue.line);
      await pictures.put(`${id}-0.png`, new Uint8Array(BYTES));
      await queue.line.finish(leaseOf(id, 1), { status: 'done', result: aResult(id) });
      if (delivered) await queue.archive.delivered(id);
      return id;
    },
    async round(most: number, otherClock = async (): Promise<number | null> => null) {
      const { archive } = queue;
      const { written } = pictures;
      const quota = createQuota({
        archive,
        pictures,
        most,
        written,
        starred: async () => starred,
        log,
      });
      const parts = {
        archive,
        pictures,
        keepDays: 0,
        quota,
        log,
        now,
        steady: () => clock.steady,
        otherClock,
      };
      const retention = startRetention(parts);
      await retention.first;
      await retention.close();
      return quota;
    },
    async left() {
      const jobs = (await queue.archive.recent({ limit: 1000 })).map(({ id }) => id);
      return { jobs: jobs.toReversed(), pictures: new Set(await pictures.keys()) };
    },
  };
}

test('the oldest go first, those that somebody marked last, and what waits or was not shown stays', async (t) => {
  const a = await openArchive(t);
  const unseen = await a.paint(false);
  const marked = await a.paint();
  a.starred.add(marked);
  const others: string[] = [];
  for (let n = 0; n < 6; n++) others.push(await a.paint());
  a.clock.now += 3 * DAY;
  await a.round(8 * BYTES);
  assert.equal((await a.left()).pictures.size, 8, 'it fits');
  await a.round(5 * BYTES);
  // Down to 95 %: four pictures.
  const { jobs, pictures } = await a.left();
  assert.deepEqual(jobs, [unseen, marked, ...others.slice(4)]);
  assert.deepEqual(pictures, new Set(jobs.map((id) => `${id}-0.png`)));
  await a.round(2 * BYTES);
  assert.deepEqual((await a.left()).jobs, [unseen], 'a marked one goes when nothing else is left');
  await a.round(100);
  assert.deepEqual((await a.left()).jobs, [unseen]);
  assert.match(a.lines.at(-1)?.message ?? '', /KEEP_GB is exceeded by what is waiting/);
});

test('what was painted within the hour stays; a record of today outlives its picture, for the limits count it', async (t) => {
  const a = await openArchive(t);
  const old = await a.paint();
  a.clock.now += 2 * HOUR;
  const fresh = [await a.paint(), await a.paint()];
  await a.round(1500);
  const { jobs, pictures } = await a.left();
  assert.deepEqual(jobs, [old, ...fresh]);
  assert.deepEqual(pictures, new Set(fresh.map((id) => `${id}-0.png`)));
  // Neither does a clock that nobody believes take records along.
  a.clock.now += 9 * DAY;
  a.clock.steady += 1000;
  await a.round(100, async () => a.clock.now - 3 * DAY);
  assert.deepEqual((await a.left()).jobs, [old, ...fresh]);
  assert.equal((await a.left()).pictures.size, 0);
});

test('start pictures count, and go with the last record that names them', async (t) => {
  const a = await openArchive(t);
  const init = { image: new Uint8Array(5000).fill(1), mask: null, strength: 0.5 };
  await a.paint(true, init);
  assert.equal(await a.queue.archive.startPictureBytes(), 5000);
  for (let n = 0; n < 39; n++) await a.paint();
  a.clock.now += 3 * DAY;
  // 45 kB are there, 38 are to be left; what goes with a record is known when it is gone.
  await a.round(40 * BYTES);
  assert.equal((await a.left()).jobs.length, 33);
  assert.equal(await a.queue.archive.startPictureBytes(), 0);
});

test('between two counts the disk is asked again only when what was written would not fit', async (t) => {
  const a = await openArchive(t);
  await a.paint();
  const quota = await a.round(3 * BYTES);
  assert.equal(quota.mayBeExceeded(), false);
  await a.paint();
  assert.equal(quota.mayBeExceeded(), false);
  await a.paint();
  await a.paint();
  assert.equal(quota.mayBeExceeded(), true);
});
