import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Hall } from '../../support/hall.ts';
import {
  idsOf,
  imagine,
  inHall,
  jobsOf,
  order,
  shownJobs,
  SMALL,
  story,
} from '../../support/hall.ts';
import { requestIn } from '../../support/jobs.ts';
import { isDone, isPrivate, textOf, waitUntil } from '../../support/discord/messages.ts';
import { patience } from '../../support/machine/patience.ts';
import { slowly } from '../../support/models/slow-network.ts';

const preload = fileURLToPath(new URL('../../support/machine/movable-clock.ts', import.meta.url));
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const setClock = ({ program }: Hall, clockOffset: number) => program.send({ clockOffset });

const isPainting = ({ ada }: Hall, prompt: string) =>
  ada.waitForMessage(
    (one) => textOf(one).includes(prompt) && textOf(one).includes('Step '),
    30_000,
  );

test('a clock that is wrong', { timeout: patience(200_000) }, async (t) => {
  await inHall(
    async (hall) => {
      await story(
        t,
        'it leaps by an hour while pictures are painted: each ends in its own message, a private one too',
        () => leapsByAnHour(hall),
      );
      await story(
        t,
        'it is set back by a day: people are answered and see their pictures as ever',
        () => isSetBackByADay(hall),
      );
      await story(
        t,
        'it is a year ahead at the start: nothing is removed, and what is ordered then counts for its own day',
        () => isAYearAhead(hall),
      );
    },
    { preload, env: slowly(100) },
  );
});

async function leapsByAnHour(hall: Hall): Promise<void> {
  await order(hall, 'imagine', { prompt: 'a boat', steps: 20, ...SMALL, private: true });
  await imagine(hall, 'behind it', 3);
  await isPainting(hall, 'a boat');
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
}

async function isSetBackByADay(hall: Hall): Promise<void> {
  const { ada } = hall;
  const before = shownJobs(hall).length;
  await imagine(hall, 'a long boat', 40);
  await isPainting(hall, 'a long boat');
  setClock(hall, HOUR - DAY);
  // Each takes two edits at least: more than the fifty of a second that discord.js would now make last a day.
  const many = 28;
  for (let n = 0; n < many; n++) await imagine(hall, `picture ${n}`, 1);
  const waits = ada.messages().map((one) => /about ([^*\n]+)/.exec(textOf(one))?.[1] ?? '');
  assert.ok(!waits.some((wait) => /\d h|hour|day/.test(wait)), waits.join());
  const shown = before + many + 1;
  await waitUntil(() => shownJobs(hall).length >= shown, 'every picture', 60_000);
  await sleep(300);
  assert.equal(ada.messages().length, shown);
  assert.equal(new Set(shownJobs(hall)).size, shown, 'each picture once');
  assert.match(hall.log(), /the clock was set back/);
}

async function isAYearAhead(hall: Hall): Promise<void> {
  const before = shownJobs(hall).length;
  setClock(hall, 0);
  await imagine(hall, 'of today', 2);
  await waitUntil(() => shownJobs(hall).length === before + 1, 'the first picture', 30_000);
  assert.equal(await hall.stop(), 0);
  assert.ok((await jobsOf(hall)).every(({ delivered }) => delivered));
  hall.start({ KEEP_DAYS: '30', CLOCK_OFFSET: String(365 * DAY) });
  await imagine(hall, 'of next year', 2);
  await waitUntil(() => shownJobs(hall).length === before + 2, 'the second picture', 30_000);
  await waitUntil(
    () => /nothing old is removed for now: the newest order is 365 days old/.test(hall.log()),
    'the sentence',
  );
  assert.equal(await hall.stop(), 0);
  hall.start({ CLOCK_OFFSET: '0' });
  await imagine(hall, 'of today again', 2);
  await waitUntil(() => shownJobs(hall).length === before + 3, 'the third picture', 30_000);
  await sleep(300);
  assert.equal(await hall.stop(), 0);
  const jobs = await jobsOf(hall);
  assert.equal(jobs.length, before + 3);
  const kept = jobs.slice(0, 3).map((job) => requestIn(job).prompt);
  assert.deepEqual(kept, ['of today again', 'of next year', 'of today']);
}
