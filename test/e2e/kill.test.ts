import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '../../playground/playground.ts';
import type { PlaygroundMessage } from '../../playground/protocol.ts';
import type { Job } from '../../src/queue/job.ts';
import { allDone, idsOf, imagine, inHall, jobsOf, order, shownJobs } from '../support/hall.ts';
import { requestIn } from '../support/jobs.ts';
import { customIdsOf, isDone, textOf, waitUntil } from '../support/messages.ts';
import { patience } from '../support/patience.ts';
import { rounds } from '../support/rounds.ts';
import { slowly } from '../support/slow-network.ts';

/** What is met half-way is not over before that on any machine. */
const SLOW = { env: slowly(50) };

const isWhole = (message: PlaygroundMessage) =>
  customIdsOf(message).some((id) => id.split(':')[1] === 'cell');

const isFinalEdit = ({ method, route, request }: Exchange) =>
  method === 'PATCH' &&
  /@original/.test(route ?? '') &&
  /"\d+:recipe:/.test(JSON.stringify(request));

test('kill -9 while one paints and one waits: both end in their own messages; a stop ends with 0', async () => {
  await inHall(async (hall) => {
    await order(hall, 'imagine', { prompt: 'half done', steps: 50, size: '64x64' });
    await imagine(hall, 'still waiting', 2);
    await hall.ada.waitForMessage((message) => textOf(message).includes('Step '), 30_000);
    const ids = idsOf(hall);
    await hall.kill();
    assert.ok(!hall.ada.messages().some(isDone));
    hall.start();
    await allDone(hall, ids);
    assert.equal(await hall.stop(), 0);
  }, SLOW);
});

test(
  'kill -9 in the middle of a long picture: it goes on from its last stored step, to the same bytes',
  { timeout: patience(290_000) },
  async () => {
    await inHall(async (hall) => {
      const long = { prompt: 'a boat', sampler: 'heun', seed: '5', steps: 40, size: '64x64' };
      const pictures = path.join(hall.data, 'pictures');
      const kept = async () => {
        const name = (await readdir(pictures)).find((each) => each.endsWith('.steps-1'));
        return name === undefined ? 0 : (await stat(path.join(pictures, name))).size;
      };
      // Steps are stored every two seconds.
      await order(hall, 'imagine', long);
      await waitUntil(async () => (await kept()) > 0, 'steps on the disk', 60_000);
      await hall.kill();
      assert.equal(shownJobs(hall).length, 0);
      hall.start();
      await waitUntil(() => shownJobs(hall).length === 1, 'the picture', 120_000);
      await order(hall, 'imagine', long);
      await waitUntil(() => shownJobs(hall).length === 2, 'the undisturbed one', 120_000);
      await allDone(hall, idsOf(hall));
      assert.equal(await hall.stop(), 0);

      const [undisturbed, resumed] = await jobsOf(hall);
      assert.deepEqual([undisturbed!.attempt, resumed!.attempt], [1, 2]);
      assert.ok((resumed!.result!.resumedSteps ?? 0) > 0, 'steps spared');
      const bytes = (job: Job) => readFile(path.join(pictures, job.result!.images[0]!.key));
      assert.deepEqual(await bytes(resumed!), await bytes(undisturbed!));
      assert.ok((await readdir(pictures)).every((name) => name.endsWith('.png')));
    }, SLOW);
  },
);

/** What edits meet before they get through; a deferral gets through at once, so that every order counts. */
const WEATHER = [502, 'lost-ack', 'reset', 429, 'lost-ack', 500] as const;

const isDeferral = ({ method, route, request }: Exchange) =>
  method === 'POST' &&
  /callback/.test(route ?? '') &&
  (request as { type?: unknown } | null)?.type === 5;

test('kill -9 between the acknowledgement and the order: the message says so and nothing waits for ever', async () => {
  await inHall(async (hall) => {
    await imagine(hall, 'one that is made', 2);
    await waitUntil(() => shownJobs(hall).length === 1, 'the first picture', 30_000);
    hall.onExchange = (exchange) => {
      if (!isDeferral(exchange)) return;
      hall.program.kill('SIGKILL');
    };
    await hall.ada.command('imagine', { prompt: 'never noted', steps: 2 });
    await waitUntil(() => hall.program.signalCode !== null, 'dead');
    const thinking = () => hall.ada.messages().filter((message) => message.thinking === true);
    assert.equal(thinking().length, 1);
    const { id } = thinking()[0]!;
    hall.onExchange = () => {};
    hall.start();
    await waitUntil(() => thinking().length === 0, 'told', 30_000);
    const told = hall.ada.messages().find((message) => message.id === id);
    assert.match(textOf(told!), /restarted before I could note this down/);
    await imagine(hall, 'the next one', 2);
    await waitUntil(() => shownJobs(hall).length === 2, 'the next picture', 30_000);
    assert.equal(hall.ada.messages().length, 3);
    await hall.stop();
    hall.start();
    await imagine(hall, 'a third', 2);
    await waitUntil(() => shownJobs(hall).length === 3, 'the third picture', 30_000);
    const after = hall.ada.messages().find((message) => message.id === id);
    assert.equal(textOf(after!), textOf(told!), 'told once');
  });
});

test('kill -9 in the middle of an Upscale: an order like any other, its copy arrives once', async () => {
  await inHall(async (hall) => {
    await imagine(hall, 'a lamp', 2);
    await waitUntil(() => shownJobs(hall).length === 1, 'the picture', 30_000);
    const [first] = hall.ada.messages();
    const large = () => hall.ada.messages().filter((one) => /Enlarged|Upscaled/.test(textOf(one)));
    // As soon as it is promised, and as soon as it is shown, before that can be noted.
    for (const [turn, moment] of [isDeferral, isEnlargedEdit].entries()) {
      hall.onExchange = (exchange) => void (moment(exchange) && hall.program.kill('SIGKILL'));
      const id = customIdsOf(first!).find((one) => one.split(':')[1] === 'upscale') ?? '';
      await hall.ada.press(first!.id, id);
      await waitUntil(() => hall.program.signalCode !== null, 'dead');
      hall.onExchange = () => {};
      const before = hall.ada.messages().length;
      hall.start();
      const thinks = () => hall.ada.messages().some(({ thinking }) => thinking === true);
      await waitUntil(() => !thinks(), 'all answers are there', 30_000);
      await order(hall, 'help', {});
      // What was not yet an order is told; an order survives.
      const lost = () => hall.ada.messages().filter((one) => /restarted before/.test(textOf(one)));
      await waitUntil(
        () => large().length + lost().length === turn + 1,
        'the copy, or words',
        30_000,
      );
      if (turn === 1) assert.ok(large().length >= 1);
      assert.equal(hall.ada.messages().length, before + 1, 'and the help');
    }
    await hall.stop();
  });
});

const isEnlargedEdit = ({ method, request }: Exchange) =>
  method === 'PATCH' && /Enlarged|\*Upscaled/.test(JSON.stringify(request));

test('kill -9 around the upload: before it arrives, and before its answer is recorded', async () => {
  await inHall(async (hall) => {
    let finals = 0;
    // The answer is on its way: the picture is there, and the program dies before it can note that.
    hall.onExchange = (exchange) => {
      if (!isFinalEdit(exchange)) return;
      finals++;
      if (finals === 1) hall.program.kill('SIGKILL');
    };
    await imagine(hall, 'shown, not recorded', 4);
    await waitUntil(() => finals === 1, 'the upload', 30_000);
    await waitUntil(() => hall.program.signalCode !== null, 'dead');
    hall.start();
    await waitUntil(() => finals === 2, 'delivered again, as an edit', 30_000);
    await imagine(hall, 'the next one', 4);
    await allDone(hall, idsOf(hall));
    await hall.stop();
    const before = finals;
    hall.start();
    await imagine(hall, 'a third', 4);
    await allDone(hall, idsOf(hall));
    assert.equal(finals, before + 1, 'what was recorded is not delivered again');
  });
});

test(
  'kill -9 at arbitrary moments, in good and bad weather: no order is lost, none is shown twice',
  { timeout: patience(150_000) },
  async (t) => {
    await inHall(async (hall) => {
      const kills = rounds(2, 6);
      for (let kill = 0; kill < kills; kill++) {
        for (const answer of kill % 2 === 1 ? WEATHER : []) {
          hall.faults.add({
            match: { method: 'PATCH', route: /@original/ },
            answer,
            retryAfter: 1,
          });
        }
        await Promise.all(
          [10, 6, 3].map((steps) => imagine(hall, `order ${kill} of ${steps}`, steps)),
        );
        // An order counts from its first own words on: until then Discord only shows "thinking…".
        await waitUntil(
          () => hall.ada.messages().every(({ thinking }) => thinking !== true),
          'taken',
        );
        await sleep(Math.random() * 900);
        await hall.kill();
        hall.start();
      }
      const ids = idsOf(hall);
      assert.equal(ids.length, kills * 3);
      await allDone(hall, ids);
      t.diagnostic(`${ids.length} orders over ${kills} kills`);
    });
  },
);

test('kill -9 twice within a sheet: it grows on in its one message, each cell once', async () => {
  await inHall(async (hall) => {
    const { ada } = hall;
    const sheet = {
      x: 'steps',
      values: '30,31,32,33',
      prompt: 'a boat',
      seed: '3',
      size: '64x64',
    };
    await order(hall, 'explore', sheet);
    // Edits come every two seconds, so any cell after the first will do.
    await ada.waitForMessage((message) => /Picture [234] of 4/.test(textOf(message)), 30_000);
    await hall.kill();
    assert.ok(!ada.messages().some(isWhole), 'killed before the sheet was whole');
    let edits = 0;
    hall.onExchange = ({ method }) => void (edits += Number(method === 'PATCH'));
    hall.start();
    await waitUntil(() => edits > 0, 'taken up', 30_000);
    await hall.kill();
    hall.start();
    const done = await ada.waitForMessage(isWhole, 60_000);
    assert.equal(ada.messages().length, 1);
    assert.match(textOf(done), /^4 pictures/m);
    assert.equal(await hall.stop(), 0);

    const jobs = await jobsOf(hall);
    assert.deepEqual(jobs.map((job) => requestIn(job).steps).toSorted(), [30, 31, 32, 33]);
    assert.ok(jobs.every(({ status, delivered }) => status === 'done' && delivered));
    // A kill can only cost the cell that was being painted.
    const attempts = jobs.reduce((sum, { attempt }) => sum + attempt, 0);
    assert.ok(attempts <= jobs.length + 2, `${attempts} attempts`);
  }, SLOW);
});
