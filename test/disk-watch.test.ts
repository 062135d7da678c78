import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { watchDisk } from '../src/disk-watch.ts';
import { memoryLog } from './support/memory-log.ts';

const HOUR = 3_600_000;

function watched(whole: number) {
  const { log, lines } = memoryLog();
  const state = { now: 0, free: whole };
  const disk = watchDisk({
    folders: [os.tmpdir()],
    log: log as never,
    everyMs: 1e9,
    steady: () => state.now,
    room: async () => ({ free: state.free, whole }),
  });
  return {
    state,
    messages: () => lines.map(({ message }) => message),
    async after(hours: number, free: number) {
      state.now += hours * HOUR;
      state.free = free;
      await disk.look();
    },
    close: () => disk.close(),
  };
}

test('a disk with little left is told once a day, and again after it was well', async (t) => {
  const disk = watched(100e9);
  t.after(disk.close);
  await disk.after(0, 50e9);
  await disk.after(100, 6e9);
  assert.deepEqual(disk.messages(), [], 'six gigabytes are many');
  await disk.after(100, 4e9);
  await disk.after(1, 4e9);
  assert.equal(disk.messages().length, 1);
  assert.match(disk.messages()[0]!, /fills up: 4000 MB are free\. KEEP_DAYS and KEEP_GB bound/);
  await disk.after(25, 4e9);
  assert.equal(disk.messages().length, 2);
  await disk.after(1, 60e9);
  await disk.after(100, 4e9);
  assert.equal(disk.messages().length, 3);
});

test('a disk that would be full in two days is told, however much is free', async (t) => {
  const disk = watched(1000e9);
  t.after(disk.close);
  await disk.after(0, 400e9);
  await disk.after(0.5, 395e9);
  assert.deepEqual(disk.messages(), [], 'half an hour is no pace');
  await disk.after(1.5, 380e9);
  assert.match(disk.messages()[0]!, /380000 MB are free; at this pace it is full in 38 hours/);
  await disk.after(6, 379e9);
  await disk.after(7, 378e9);
  assert.equal(disk.messages().length, 1);
});

test('the disk of this machine can be looked at', async () => {
  const { log, lines } = memoryLog();
  const disk = watchDisk({ folders: [os.tmpdir(), '/nowhere/at all'], log: log as never });
  await disk.look();
  disk.close();
  assert.ok(lines.every(({ level }) => level === 'warn'));
});
