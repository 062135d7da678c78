import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import type { Job } from '../../../src/queue/job.ts';
import {
  allDone,
  type Hall,
  idsOf,
  imagine,
  inHall,
  jobsOf,
  order,
  SMALL,
  shownJobs,
  story,
} from '../../support/hall.ts';
import { requestIn } from '../../support/jobs.ts';
import { customIdsOf, isDone, textOf, waitUntil } from '../../support/discord/messages.ts';
import { patience } from '../../support/machine/patience.ts';
import { rounds } from '../../support/machine/rounds.ts';
import { slowly } from '../../support/models/slow-network.ts';

/** What is met half-way is not over before that on any machine. */
const SLOW = { env: slowly(100) };

const isWhole = (message: PlaygroundMessage) =>
  customIdsOf(message).some((id) => id.split(':')[1] === 'cell');

const picturesOf = ({ data }: Hall) => path.join(data, 'pictures');

test('kill -9 while pictures are painted', { timeout: patience(290_000) }, async (t) => {
  await inHall(async (hall) => {
    await story(
      t,
      'one paints and one waits: both end in their own messages, the long one from its last stored step',
      () => inALongPicture(hall),
    );
    await story(
      t,
      'at arbitrary moments, in good and bad weather: no order is lost, none is shown twice; twice within a sheet, which grows on in its one message',
      () => atArbitraryMoments(hall, t),
    );
    await story(t, 'a stop ends with 0', async () => assert.equal(await hall.stop(), 0));
    const jobs = await jobsOf(hall);
    await story(t, 'the picture that was cut short has the bytes of an undisturbed one', () =>
      isTheSamePicture(hall, jobs),
    );
    await story(t, 'each cell of the sheet was painted once', () => hasItsCells(jobs));
  }, SLOW);
});

const LONG = { prompt: 'a long boat', sampler: 'heun', seed: '5', steps: 18, ...SMALL };

async function inALongPicture(hall: Hall): Promise<void> {
  const pictures = picturesOf(hall);
  const kept = async () => {
    const name = (await readdir(pictures)).find((each) => each.endsWith('.steps-1'));
    return name === undefined ? 0 : (await stat(path.join(pictures, name))).size;
  };
  // Steps are stored every two seconds.
  await order(hall, 'imagine', LONG);
  await imagine(hall, 'still waiting', 2);
  await hall.ada.waitForMessage((message) => textOf(message).includes('Step '), 30_000);
  await waitUntil(async () => (await kept()) > 0, 'steps on the disk', 60_000);
  const ids = idsOf(hall);
  await hall.kill();
  assert.ok(!hall.ada.messages().some(isDone));
  hall.start();
  await waitUntil(() => shownJobs(hall).length === 2, 'both pictures', 120_000);
  await allDone(hall, ids);
  await order(hall, 'imagine', LONG);
  await waitUntil(() => shownJobs(hall).length === 3, 'the undisturbed one', 120_000);
  await allDone(hall, idsOf(hall));
  const files = await readdir(pictures);
  assert.ok(
    files.every((name) => name.endsWith('.png')),
    files.join(),
  );
}

async function isTheSamePicture(hall: Hall, jobs: readonly Job[]): Promise<void> {
  const [undisturbed, resumed, ...more] = jobs.filter(
    (job) => requestIn(job).prompt === LONG.prompt,
  );
  assert.equal(more.length, 0);
  assert.deepEqual([undisturbed!.attempt, resumed!.attempt], [1, 2]);
  assert.ok((resumed!.result!.resumedSteps ?? 0) > 0, 'steps spared');
  const bytes = (job: Job) => readFile(path.join(picturesOf(hall), job.result!.images[0]!.key));
  assert.deepEqual(await bytes(resumed!), await bytes(undisturbed!));
}

/** What edits meet before they get through; a deferral gets through at once, so that every order counts. */
const WEATHER = [502, 'lost-ack', 'reset', 429, 'lost-ack', 500] as const;

async function atArbitraryMoments(hall: Hall, t: TestContext): Promise<void> {
  const before = idsOf(hall).length;
  const kills = rounds(2, 6);
  for (let kill = 0; kill < kills; kill++) {
    // The last of these kills is the second within a sheet.
    if (kill === kills - 1) await untilASheetIsTakenUp(hall);
    for (const answer of kill % 2 === 1 ? WEATHER : []) {
      hall.faults.add({ match: { method: 'PATCH', route: /@original/ }, answer, retryAfter: 1 });
    }
    await Promise.all([10, 6, 3].map((steps) => imagine(hall, `order ${kill} of ${steps}`, steps)));
    // An order counts from its first own words on: until then Discord only shows "thinking…".
    await waitUntil(() => hall.ada.messages().every(({ thinking }) => thinking !== true), 'taken');
    await sleep(Math.random() * 900);
    await hall.kill();
    hall.start();
  }
  const ids = idsOf(hall);
  assert.equal(ids.length, before + kills * 3 + 1);
  assert.match(textOf(await hall.ada.waitForMessage(isWhole, 120_000)), /^4 pictures/m);
  await allDone(hall, ids, 1);
  hall.faults.clear();
  t.diagnostic(`${kills * 3} orders and a sheet over ${kills + 1} kills`);
}

const CELL_STEPS = [12, 13, 14, 15];

/** Orders a sheet, kills the program in the middle of it and starts it again. */
async function untilASheetIsTakenUp(hall: Hall): Promise<void> {
  const { ada } = hall;
  const values = CELL_STEPS.join();
  const sheet = { x: 'steps', values, prompt: 'a sheet', seed: '3', size: '64x64' };
  await order(hall, 'explore', sheet);
  // Edits come every two seconds, so any cell after the first will do.
  await ada.waitForMessage((message) => /Picture [234] of 4/.test(textOf(message)), 30_000);
  await hall.kill();
  assert.ok(!ada.messages().some(isWhole), 'killed before the sheet was whole');
  let edits = 0;
  hall.onExchange = ({ method }) => void (edits += Number(method === 'PATCH'));
  hall.start();
  await waitUntil(() => edits > 0, 'taken up', 30_000);
  hall.onExchange = () => {};
}

async function hasItsCells(all: readonly Job[]): Promise<void> {
  const jobs = all.filter((job) => requestIn(job).prompt === 'a sheet');
  assert.deepEqual(jobs.map((job) => requestIn(job).steps).toSorted(), CELL_STEPS);
  assert.ok(jobs.every(({ status, delivered }) => status === 'done' && delivered));
  // A kill can only cost the cell that was being painted.
  const attempts = jobs.reduce((sum, { attempt }) => sum + attempt, 0);
  assert.ok(attempts <= jobs.length + 2, `${attempts} attempts`);
}
