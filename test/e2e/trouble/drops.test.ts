import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayDrop } from '../../../playground/gateway/gateway.ts';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import type { Job } from '../../../src/queue/job.ts';
import type { Hall } from '../../support/hall.ts';
import { allDone, idsOf, imagine, inHall, jobsOf, shownJobs, story } from '../../support/hall.ts';
import { buttonOf, textOf, waitUntil } from '../../support/discord/messages.ts';
import { requestIn } from '../../support/jobs.ts';
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

/** The picture that is painted when a connection becomes half-open, and stopped then. */
const STOPPED = 'a boat';

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
          'it drops in every way while a picture is painted, the program is killed, and it drops again; Stop pressed on a connection that only looks open is heard when it is pressed again, once',
          () => dropsInEveryWay(hall),
        );
        assert.equal(await hall.stop(), 0);
        const all = await jobsOf(hall);
        const isStopped = (job: Job) => requestIn(job).prompt === STOPPED;
        const others = all.filter((job) => !isStopped(job));
        const [stopped, ...more] = all.filter(isStopped);
        assert.equal(more.length, 0);
        assert.equal(others.length, 2 * DROPS.length + 1);
        assert.ok(others.every(({ status, delivered }) => status === 'done' && delivered));
        assert.ok(others.every(({ attempt }) => attempt <= 2));
        assert.deepEqual([stopped!.status, stopped!.delivered], ['cancelled', true]);
      },
      { playground, env: slowly(100) },
    );
  },
);

async function dropsInEveryWay(hall: Hall): Promise<void> {
  let stopped = 0;
  for (const [how, then] of DROPS) {
    const isStopped = how === 'half-open';
    if (isStopped) await imagine(hall, STOPPED, 50);
    await imagine(hall, `over ${how}`, 20);
    await imagine(hall, `behind ${how}`, 2);
    const message = await isPainting(hall, isStopped ? STOPPED : `over ${how}`);
    const ids = idsOf(hall);
    hall.faults.dropGateway(how);
    if (isStopped) {
      await stopsOnce(hall, message);
      stopped++;
    } else {
      // While it reconnects, or before it even notices.
      await sleep(Math.random() * 800);
      await hall.kill();
      hall.start();
    }
    await edited(hall, ids.length - stopped);
    hall.faults.dropGateway(then);
    await allDone(hall, ids, stopped);
  }
  // Who asks now is heard: the connection came back by itself.
  await imagine(hall, 'afterwards', 2);
  await allDone(hall, idsOf(hall), stopped);
  assert.equal(shownJobs(hall).length, 2 * DROPS.length + 1);
}

/** Nobody hears of it before the program is killed; pressed again it is heard. */
async function stopsOnce(hall: Hall, message: PlaygroundMessage): Promise<void> {
  const { ada } = hall;
  const stop = buttonOf(message, 'stop');
  const unheard = ada.press(message.id, stop).catch(() => null);
  await hall.kill();
  await unheard;
  hall.start();
  const pressed = async () => (await ada.press(message.id, stop)).type === 'acknowledged';
  await waitUntil(pressed, 'heard', 30_000);
  await ada.waitForMessage((one) => one.id === message.id && /stopped/i.test(textOf(one)), 30_000);
  assert.ok(ada.messages().every((one) => one.thinking !== true));
}
