import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayDrop } from '../../../playground/gateway/gateway.ts';
import type { Hall } from '../../support/hall.ts';
import {
  allDone,
  idsOf,
  imagine,
  inHall,
  jobsOf,
  order,
  shownJobs,
  story,
} from '../../support/hall.ts';
import { customIdsOf, textOf, waitUntil } from '../../support/discord/messages.ts';
import { patience } from '../../support/machine/patience.ts';
import { rounds } from '../../support/machine/rounds.ts';
import { slowly } from '../../support/models/slow-network.ts';

/** Short, so that a connection that only looks open is noticed within the test. */
const playground = { timing: { heartbeat: 1500 } };

/** Each way is met while a picture is painted, or by a program that has just started, or both. */
const DROPS: readonly (readonly [GatewayDrop, GatewayDrop])[] = [
  ['op7', 'op9'],
  ['half-open', 'kill'],
  ['op9-resumable', 'half-open'],
  ['op9', 'op7'],
  ['kill', 'op9-resumable'],
].slice(0, rounds(3, 5)) as [GatewayDrop, GatewayDrop][];

const isPainting = ({ ada }: Hall, prompt: string) =>
  ada.waitForMessage(
    (one) => textOf(one).includes(prompt) && textOf(one).includes('Step '),
    30_000,
  );

/** The next edit that the program makes, or nothing is left to be edited. */
async function edited(hall: Hall, pictures: number): Promise<void> {
  let edits = 0;
  hall.onExchange = ({ method }) => void (edits += Number(method === 'PATCH'));
  const isOver = () => shownJobs(hall).length === pictures;
  await waitUntil(() => edits > 0 || isOver(), 'an edit', 30_000);
}

test(
  'a gateway that drops, and a program that is killed',
  { timeout: patience(290_000) },
  async (t) => {
    await inHall(
      async (hall) => {
        await story(
          t,
          'it drops in every way while a picture is painted, the program is killed, and it drops again',
          () => dropsInEveryWay(hall),
        );
        await story(
          t,
          'Stop pressed on a connection that only looks open: pressed again it is heard, once',
          () => isStoppedOnce(hall),
        );
        assert.equal(await hall.stop(), 0);
        const [stopped, ...others] = await jobsOf(hall);
        assert.equal(others.length, 2 * DROPS.length + 1);
        assert.ok(others.every(({ status, delivered }) => status === 'done' && delivered));
        assert.ok(others.every(({ attempt }) => attempt <= 2));
        assert.deepEqual([stopped!.status, stopped!.delivered], ['cancelled', true]);
      },
      { playground, env: slowly(50) },
    );
  },
);

async function dropsInEveryWay(hall: Hall): Promise<void> {
  for (const [how, then] of DROPS) {
    await order(hall, 'imagine', { prompt: `over ${how}`, steps: 40, size: '64x64' });
    await imagine(hall, `behind ${how}`, 2);
    await isPainting(hall, `over ${how}`);
    const ids = idsOf(hall);
    hall.faults.dropGateway(how);
    // While it reconnects, or before it even notices.
    await sleep(Math.random() * 800);
    await hall.kill();
    hall.start();
    await edited(hall, ids.length);
    hall.faults.dropGateway(then);
    await allDone(hall, ids);
  }
  // Who asks now is heard: the connection came back by itself.
  await imagine(hall, 'afterwards', 2);
  await allDone(hall, idsOf(hall));
  assert.equal(shownJobs(hall).length, 2 * DROPS.length + 1);
}

async function isStoppedOnce(hall: Hall): Promise<void> {
  const { ada } = hall;
  await order(hall, 'imagine', { prompt: 'a boat', steps: 100, size: '64x64' });
  const message = await isPainting(hall, 'a boat');
  hall.faults.dropGateway('half-open');
  const stop = customIdsOf(message).find((one) => one.split(':')[1] === 'stop')!;
  const unheard = ada.press(message.id, stop).catch(() => null);
  await hall.kill();
  await unheard;
  hall.start();
  const pressed = async () => (await ada.press(message.id, stop)).type === 'acknowledged';
  await waitUntil(pressed, 'heard', 30_000);
  await ada.waitForMessage((one) => /stopped/i.test(textOf(one)), 30_000);
  assert.ok(ada.messages().every((one) => one.thinking !== true));
}
