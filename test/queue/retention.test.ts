import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRetention } from '../../src/queue/retention.ts';
import { memoryLog } from '../support/memory-log.ts';
import { anOrder, aResult } from './orders.ts';

const DAY = 86_400_000;
const START = 1_700_000_000_000;

/** 250 delivered pictures and one that nobody saw yet, all of one moment; what is left of them `days` later. */
async function leftAfter(days: number, keepDays: number): Promise<{ jobs: number; files: number }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-retention-'));
  let time = START;
  const now = () => time;
  const limits = { waitingPerUser: 1000, waitingPerGuild: 1000 };
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits, now });
  try {
    const pictures = await openPictureStore(path.join(folder, 'pictures'));
    for (let made = 0; made <= 250; made++) {
      const { id } = await queue.submit(anOrder());
      await queue.claim();
      await pictures.put(`${id}-0.png`, new Uint8Array(4));
      await queue.finish(id, 1, { status: 'done', result: aResult(id) });
      if (made > 0) await queue.setDelivered(id);
    }
    time += days * DAY;
    const { log, lines } = memoryLog();
    const retention = startRetention({ queue, pictures, keepDays, log, now });
    await retention.first;
    await retention.close();
    assert.ok(!lines.some(({ level }) => level === 'error'));
    const jobs = (await queue.recent({ limit: 1000 })).length;
    const files = (await readdir(path.join(folder, 'pictures'))).length;
    return { jobs, files };
  } finally {
    await queue.close();
    await rm(folder, { recursive: true, force: true });
  }
}

test('what is older goes with its pictures; what nobody saw yet stays', async () => {
  assert.deepEqual(await leftAfter(31, 30), { jobs: 1, files: 1 });
});

test('what is younger stays, and two days stay whatever was asked for', async () => {
  assert.deepEqual(await leftAfter(29, 30), { jobs: 251, files: 251 });
  assert.deepEqual(await leftAfter(1.9, 1), { jobs: 251, files: 251 });
});

test('0 keeps everything for ever', async () => {
  assert.deepEqual(await leftAfter(10_000, 0), { jobs: 251, files: 251 });
});
