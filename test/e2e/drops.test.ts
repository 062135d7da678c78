import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayDrop } from '../../src/playground/gateway.ts';
import type { Hall } from './hall.ts';
import { allDone, idsOf, imagine, inHall, jobsOf, order, shownJobs } from './hall.ts';
import { customIdsOf, textOf, waitUntil } from './stage.ts';

/** Short, so that a connection that only looks open is noticed within the test. */
const playground = { timing: { heartbeat: 1500 } };

const DROPS: readonly GatewayDrop[] = ['op7', 'op9', 'op9-resumable', 'kill', 'half-open'];

const isPainting = ({ ada }: Hall, prompt: string) =>
  ada.waitForMessage(
    (one) => textOf(one).includes(prompt) && textOf(one).includes('Step '),
    30_000,
  );

for (const how of DROPS) {
  test(
    `the gateway drops (${how}) in the middle of a picture, the program is killed, and the gateway drops again`,
    { timeout: 120_000 },
    async () => {
      await inHall(
        async (hall) => {
          await order(hall, 'imagine', { prompt: 'long', steps: 150, size: '256x256' });
          await imagine(hall, 'behind it', 2);
          await isPainting(hall, 'long');
          const ids = idsOf(hall);
          hall.faults.dropGateway(how);
          // While it reconnects, or before it even notices.
          await sleep(Math.random() * 800);
          await hall.kill();
          hall.start();
          await isPainting(hall, 'long');
          hall.faults.dropGateway(how);
          await allDone(hall, ids);
          // Who asks now is heard: the connection came back by itself.
          await imagine(hall, 'afterwards', 2);
          await allDone(hall, idsOf(hall));
          assert.equal(shownJobs(hall).length, 3);
          assert.equal(await hall.stop(), 0);
          const jobs = await jobsOf(hall);
          assert.ok(jobs.every(({ status, delivered }) => status === 'done' && delivered));
          assert.deepEqual(
            jobs.map(({ attempt }) => attempt),
            [1, 1, 2],
          );
        },
        { playground },
      );
    },
  );
}

test(
  'what is pressed while the connection is gone is heard after it, though the program was killed in between',
  { timeout: 120_000 },
  async () => {
    await inHall(
      async (hall) => {
        const { ada } = hall;
        await order(hall, 'imagine', { prompt: 'long', steps: 150, size: '256x256' });
        const { id } = await isPainting(hall, 'long');
        hall.faults.dropGateway('half-open');
        const stop = customIdsOf(ada.messages()[0]!).find((one) => one.split(':')[1] === 'stop')!;
        // Discord says that nobody answered: the person presses again once somebody is there.
        assert.equal((await ada.press(id, stop)).type, 'failed');
        await hall.kill();
        hall.start();
        await waitUntil(
          async () => (await ada.press(id, stop)).type === 'acknowledged',
          'heard',
          30_000,
        );
        await ada.waitForMessage((one) => /stopped/i.test(textOf(one)), 30_000);
        assert.equal(ada.messages().filter((one) => one.thinking === true).length, 0);
        assert.equal(await hall.stop(), 0);
        assert.deepEqual(
          (await jobsOf(hall)).map(({ status, delivered }) => [status, delivered]),
          [['cancelled', true]],
        );
      },
      { playground },
    );
  },
);
