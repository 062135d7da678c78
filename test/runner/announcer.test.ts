import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAnnouncer } from '../../src/runner/announcer.ts';
import { createJobEvents, type JobEvent } from '../../src/queue/events.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { memoryLog } from '../support/memory-log.ts';
import { anOrder, aRequest, WORKER } from '../queue/orders.ts';

/** The files that are read while `work` runs, by whoever in this process. */
async function filesRead(work: () => Promise<void>): Promise<string[]> {
  const { readFile } = fs.promises;
  const read: string[] = [];
  fs.promises.readFile = ((file: string, ...rest: []) => {
    read.push(path.basename(file));
    return readFile(file, ...rest);
  }) as typeof readFile;
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    fs.promises.readFile = readFile;
    syncBuiltinESMExports();
  }
  return read;
}

test('telling fifty waiting jobs with start pictures their place reads no file; a claim reads its own', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-announcer-'));
  const limits = { waitingPerUser: 100, waitingPerGuild: 100 };
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits });
  const { log } = memoryLog();
  const events = createJobEvents(log);
  const heard: JobEvent[] = [];
  events.subscribe((event) => heard.push(event));
  for (let i = 0; i < 50; i++) {
    const image = new Uint8Array(2000).fill(i);
    const init = { image, mask: null, strength: 0.5, maskBlur: 4, onlyMasked: false };
    await queue.line.submit(anOrder({ request: aRequest({ init }) }));
  }
  const telling = await filesRead(async () => {
    const announcer = startAnnouncer({ queue, events, log });
    const until = performance.now() + 10_000;
    while (heard.length < 50 && performance.now() < until) await sleep(10);
    announcer.close();
    await queue.archive.unsettled();
    await queue.archive.recent({ limit: 50 });
  });
  assert.deepEqual([heard.length, telling], [50, []]);
  assert.equal(new Set(heard.map(({ job }) => job.id)).size, 50);
  const claiming = await filesRead(async () => void (await queue.line.claim(WORKER)));
  assert.equal(claiming.length, 1);
  await queue.close();
  await rm(folder, { recursive: true });
});
