import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Queue } from '../../src/queue/contracts.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRetention } from '../../src/queue/retention.ts';
import type { Retention } from '../../src/queue/retention.ts';
import { memoryLog } from '../support/memory-log.ts';
import { anOrder, aResult, claimJob, leaseOf } from './orders.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = 1_700_000_000_000;

type Archive = {
  queue: Queue;
  /** `wall` can be set, `steady` only runs on; `discord` is null while nobody can be asked */
  clock: { wall: number; steady: number; discord: number | null };
  /** All clocks run on. */
  wait(ms: number): void;
  /** Pictures that were painted and shown, or not; answers their jobs. */
  paint(count: number, delivered?: boolean): Promise<string[]>;
  start(keepDays: number): Promise<Retention>;
  left(): Promise<{ jobs: number; files: number }>;
  doubts(): string[];
};

async function inArchive(work: (archive: Archive) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-retention-'));
  const clock: Archive['clock'] = { wall: START, steady: 0, discord: null };
  const limits = { waitingPerUser: 1000, waitingPerGuild: 1000 };
  const now = () => clock.wall;
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits, now });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const { log, lines } = memoryLog();
  const started: Retention[] = [];
  const archive: Archive = {
    queue,
    clock,
    wait(ms) {
      clock.wall += ms;
      clock.steady += ms;
      if (clock.discord !== null) clock.discord += ms;
    },
    async paint(count, delivered = true) {
      const made: string[] = [];
      for (let n = 0; n < count; n++) {
        const { id } = await queue.line.submit(anOrder());
        await claimJob(queue.line);
        await pictures.put(`${id}-0.png`, new Uint8Array(4));
        await queue.line.finish(leaseOf(id, 1), { status: 'done', result: aResult(id) });
        if (delivered) await queue.archive.delivered(id);
        made.push(id);
      }
      return made;
    },
    async start(keepDays) {
      const otherClock = async () => clock.discord;
      const steady = () => clock.steady;
      const parts = { archive: queue.archive, pictures, keepDays, log, now, steady, otherClock };
      const retention = startRetention(parts);
      started.push(retention);
      await retention.first;
      return retention;
    },
    async left() {
      const jobs = (await queue.archive.recent({ limit: 1000 })).length;
      return { jobs, files: (await readdir(path.join(folder, 'pictures'))).length };
    },
    doubts: () =>
      lines.filter(({ level }) => level === 'warn').map(({ message }) => message.split(': ')[1]!),
  };
  try {
    await work(archive);
    for (const one of started) await one.close();
    assert.ok(!lines.some(({ level }) => level === 'error'));
  } finally {
    await queue.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const both = (count: number) => ({ jobs: count, files: count });

test('what is older goes with its pictures; what nobody saw yet stays', async () => {
  await inArchive(async ({ clock, paint, wait, start, left }) => {
    clock.discord = START;
    await paint(1, false);
    await paint(210);
    wait(29 * DAY);
    const retention = await start(30);
    assert.deepEqual(await left(), both(211));
    wait(2 * DAY);
    await retention.round();
    assert.deepEqual(await left(), both(1));
  });
});

test('two days stay whatever was asked for, and 0 keeps everything for ever', async () => {
  await inArchive(async ({ clock, paint, wait, start, left }) => {
    clock.discord = START;
    await paint(2);
    wait(1.9 * DAY);
    await start(1);
    wait(10_000 * DAY);
    await start(0);
    assert.deepEqual(await left(), both(2));
  });
});

test('a clock that is far ahead of Discord’s removes nothing, however long it is', async () => {
  await inArchive(async ({ clock, paint, wait, start, left, doubts }) => {
    clock.discord = START;
    await paint(2);
    clock.wall += 365 * DAY;
    const retention = await start(30);
    for (let days = 0; days < 3; days++) {
      wait(DAY);
      await retention.round();
    }
    await paint(1);
    assert.deepEqual(await left(), both(3));
    assert.deepEqual(new Set(doubts()), new Set(["the clock is 365 days ahead of Discord's"]));
    clock.wall -= 365 * DAY;
    wait(28 * DAY);
    await paint(1);
    await retention.round();
    assert.deepEqual(await left(), both(3), 'the youngest of that time is of unknown age');
    wait(31 * DAY);
    await paint(1);
    await retention.round();
    assert.deepEqual(await left(), both(1), 'set right, it is believed at once');
  });
});

test('a clock that leaps while nobody can be asked removes nothing until it has run evenly for a day', async () => {
  await inArchive(async ({ clock, paint, wait, start, left, doubts }) => {
    await paint(2);
    const retention = await start(30);
    clock.wall += 365 * DAY;
    await paint(1);
    await retention.round();
    wait(20 * HOUR);
    await retention.round();
    assert.deepEqual(await left(), both(3));
    assert.deepEqual(doubts(), Array(2).fill('the clock leapt 365 days ahead'));
    wait(4 * HOUR);
    await retention.round();
    assert.deepEqual(await left(), both(1), 'nobody sets it back: so it is right');
  });
});

test('after a long silence the clock is asked about, not believed', async () => {
  await inArchive(async ({ clock, paint, wait, start, left, doubts }) => {
    await paint(2);
    wait(100 * DAY);
    const retention = await start(30);
    assert.deepEqual(await left(), both(2));
    assert.deepEqual(doubts(), ['the newest order is 100 days old']);
    clock.discord = clock.wall + HOUR / 2;
    await retention.round();
    assert.deepEqual(await left(), both(0), 'Discord bears it out');
  });
});

test('what a clock that was off has dated is as old as its neighbours', async () => {
  await inArchive(async ({ clock, queue, paint, wait, start }) => {
    clock.discord = START;
    const ids = async () => (await queue.archive.recent({ limit: 9 })).map(({ id }) => id);
    const [old] = await paint(1);
    clock.wall -= 400 * DAY;
    const [datedBack] = await paint(1);
    clock.wall += 800 * DAY;
    const [datedAhead] = await paint(1);
    clock.wall -= 400 * DAY;
    const [last] = await paint(1);
    const retention = await start(30);
    assert.deepEqual(await ids(), [last, datedAhead, datedBack, old], 'none is removed too early');
    wait(31 * DAY);
    const [young] = await paint(1);
    await retention.round();
    assert.deepEqual(await ids(), [young], 'none is kept for years');
  });
});

test('pictures whose message is gone stay for a day, and their job stays on record', async () => {
  await inArchive(async (archive) => {
    const [id = ''] = await archive.paint(2);
    const retention = await archive.start(0);
    await archive.queue.archive.retract({ jobs: [id] });
    archive.wait(23 * HOUR);
    await retention.round();
    assert.deepEqual(await archive.left(), { jobs: 2, files: 2 });
    archive.wait(2 * HOUR);
    await retention.round();
    assert.deepEqual(await archive.left(), { jobs: 2, files: 1 });
    assert.notEqual((await archive.queue.archive.get(id))?.retractedAt, null);
  });
});

test('a clock that leapt removes no picture of a deleted message', async () => {
  await inArchive(async (archive) => {
    const [id = ''] = await archive.paint(1);
    const retention = await archive.start(0);
    await archive.queue.archive.retract({ jobs: [id] });
    await retention.round();
    archive.clock.wall += 400 * DAY;
    await retention.round();
    assert.deepEqual(await archive.left(), { jobs: 1, files: 1 });
    assert.match(archive.doubts().join(), /leapt 400 days ahead/);
  });
});
