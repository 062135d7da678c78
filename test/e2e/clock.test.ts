import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Hall } from '../support/hall.ts';
import { allDone, idsOf, imagine, inHall, jobsOf, order, shownJobs } from '../support/hall.ts';
import { requestIn } from '../support/jobs.ts';
import { isDone, isPrivate, textOf, waitUntil } from '../support/messages.ts';
import { patience } from '../support/patience.ts';
import { slowly } from '../support/slow-network.ts';

const preload = fileURLToPath(new URL('../support/movable-clock.ts', import.meta.url));
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const setClock = ({ program }: Hall, clockOffset: number) => program.send({ clockOffset });

const isPainting = ({ ada }: Hall) =>
  ada.waitForMessage((message) => textOf(message).includes('Step '), 30_000);

test('a clock that leaps by an hour while pictures are painted: each ends in its own message, a private one too', async () => {
  await inHall(
    async (hall) => {
      const long = { prompt: 'a boat', steps: 60, size: '64x64' };
      await order(hall, 'imagine', { ...long, private: true });
      await imagine(hall, 'behind it', 3);
      await isPainting(hall);
      const ids = idsOf(hall);
      setClock(hall, HOUR);
      await waitUntil(() => shownJobs(hall).length === 2, 'both pictures', 60_000);
      const shown = hall.ada.messages();
      assert.deepEqual(
        shown.map(({ id }) => id),
        ids,
      );
      assert.deepEqual(shown.map(isPrivate), [true, false]);
      assert.ok(shown.every(isDone));
    },
    { preload, env: slowly(50) },
  );
});

test(
  'a clock that is set back by a day: people are answered and see their pictures as ever',
  { timeout: patience(120_000) },
  async () => {
    await inHall(
      async (hall) => {
        const { ada } = hall;
        await order(hall, 'imagine', { prompt: 'a boat', steps: 100, size: '64x64' });
        await isPainting(hall);
        setClock(hall, -DAY);
        // Each takes two edits at least: more than the fifty of a second that discord.js would now make last a day.
        const many = 28;
        for (let n = 0; n < many; n++) await imagine(hall, `picture ${n}`, 1);
        const waits = ada.messages().map((one) => /about ([^*\n]+)/.exec(textOf(one))?.[1] ?? '');
        assert.ok(!waits.some((wait) => /\d h|hour|day/.test(wait)), waits.join());
        await allDone(hall, idsOf(hall));
        assert.equal(shownJobs(hall).length, many + 1);
        assert.match(hall.log(), /the clock was set back/);
        assert.equal(await hall.stop(), 0);
        assert.ok((await jobsOf(hall)).every(({ delivered }) => delivered));
      },
      { preload, env: slowly(50) },
    );
  },
);

test('a clock a year ahead at the start: nothing is removed, and what is ordered then counts for its own day', async () => {
  await inHall(
    async (hall) => {
      await imagine(hall, 'of today', 2);
      await waitUntil(() => shownJobs(hall).length === 1, 'the first picture', 30_000);
      assert.equal(await hall.stop(), 0);
      hall.start({ KEEP_DAYS: '30', CLOCK_OFFSET: String(365 * DAY) });
      await imagine(hall, 'of next year', 2);
      await waitUntil(() => shownJobs(hall).length === 2, 'the second picture', 30_000);
      await waitUntil(
        () => /nothing old is removed for now: the newest order is 365 days old/.test(hall.log()),
        'the sentence',
      );
      assert.equal(await hall.stop(), 0);
      hall.start({ CLOCK_OFFSET: '0' });
      await imagine(hall, 'of today again', 2);
      await allDone(hall, idsOf(hall));
      await sleep(300);
      assert.equal(await hall.stop(), 0);
      const kept = (await jobsOf(hall)).map((job) => requestIn(job).prompt);
      assert.deepEqual(kept, ['of today again', 'of next year', 'of today']);
    },
    { preload },
  );
});
