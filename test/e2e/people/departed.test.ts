import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FromPage, PlaygroundMessage } from '../../../playground/protocol.ts';
import { startRetention } from '../../../src/queue/retention.ts';
import { answered, isDone, picturesOf, textOf, waitUntil } from '../../support/discord/messages.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { openPageLink } from '../../support/discord/page-link.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { ADA, CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

const ATELIER = '1300000000000001000';
const GENERAL = '1300000000000001101';
const GALLERY = '1300000000000001102';
const SKETCHES = '1300000000000001111';
const DAY_MS = 86_400_000;

async function paints(user: PlaygroundUserClient, channelId: string): Promise<PlaygroundMessage> {
  await user.open(channelId);
  await user.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64' });
  return user.waitForMessage((one) => isDone(one) && one.channel_id === channelId, 30_000);
}

async function newest(stage: Stage) {
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(job !== undefined);
  return job;
}

/** The private answer to /show, put away again. */
async function shown(user: PlaygroundUserClient, job: string): Promise<PlaygroundMessage> {
  await user.command('show', { job });
  return answered(user);
}

/** As whoever owns the server does it on the page. */
async function asAda(stage: Stage, action: FromPage): Promise<void> {
  const link = await openPageLink(stage.playground);
  link.send({ type: 'hello', userId: ADA });
  await link.until(() => link.received.find((one) => one.type === 'ready'), 10_000, 'ready');
  const before = link.received.length;
  link.send(action);
  await link.until(() => link.received.slice(before)[0], 10_000, 'the change');
  await link.close();
}

/** What retention does so many days later. */
async function later(stage: Stage, days: number): Promise<void> {
  const at = () => Date.now() + days * DAY_MS;
  const retention = startRetention({
    archive: stage.queue.archive,
    pictures: stage.pictures,
    keepDays: 0,
    log: memoryLog().log,
    now: at,
    otherClock: async () => at(),
  });
  await retention.first;
  await retention.close();
}

const retracted = (stage: Stage, id: string) => async () =>
  (await stage.queue.archive.get(id))?.retractedAt != null;

for (const [what, place, action] of [
  ['channel', GALLERY, { type: 'delete-channel', channelId: GALLERY }],
  ['thread', SKETCHES, { type: 'delete-channel', channelId: SKETCHES }],
  ['channel above a thread', SKETCHES, { type: 'delete-channel', channelId: GENERAL }],
  [
    'channel above a thread that is closed',
    SKETCHES,
    { type: 'delete-channel', channelId: GENERAL },
  ],
] as const satisfies readonly (readonly [string, string, FromPage])[]) {
  test(`a deleted ${what} takes its pictures along, with a day for whoever ordered them`, async () => {
    await onStage({}, async (stage) => {
      const cleo = await stage.user(CLEO);
      await paints(cleo, place);
      const { id } = await newest(stage);
      if (what.endsWith('closed')) {
        stage.playground.faults.closeThread(place, { archived: true, locked: false });
        // A bot that starts anew is not told of closed threads.
        await stage.restart();
      }
      await asAda(stage, action);
      await waitUntil(retracted(stage, id), 'noted');
      const elsewhere = await stage.user();
      await elsewhere.open('1300000000000001104');
      assert.match(textOf(await shown(elsewhere, id)), /no such picture/);
      await cleo.open('1300000000000001104');
      assert.equal(picturesOf(await shown(cleo, id)).length, 1);
      await later(stage, 0.9);
      assert.equal((await stage.pictures.keys()).length, 1);
      await later(stage, 1.1);
      assert.deepEqual(await stage.pictures.keys(), []);
      assert.doesNotMatch(textOf(await shown(cleo, id)), /went wrong/);
    });
  });
}

test('what is being made for a deleted channel is stopped', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    await cleo.open(GALLERY);
    await cleo.command('imagine', { prompt: 'slow', steps: 100, size: '64x64' });
    await cleo.command('imagine', { prompt: 'next', steps: 1 });
    await cleo.waitForMessage((one) => textOf(one).includes('Step '), 30_000);
    await asAda(stage, { type: 'delete-channel', channelId: GALLERY });
    const over = async () => {
      const jobs = await stage.queue.archive.recent({ limit: 9 });
      return jobs.length === 2 && jobs.every(({ status }) => status === 'cancelled');
    };
    await waitUntil(over, 'stopped', 30_000);
    // The other channels go on.
    await paints(cleo, GENERAL);
  });
});

test('a server that is gone takes its pictures along; one that the bot comes back to has them', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    await paints(cleo, GALLERY);
    const { id } = await newest(stage);
    await asAda(stage, { type: 'bot-member', guildId: ATELIER, member: false });
    await waitUntil(retracted(stage, id), 'noted');
    await asAda(stage, { type: 'bot-member', guildId: ATELIER, member: true });
    await waitUntil(async () => !(await retracted(stage, id)()), 'back');
    const other = await stage.user();
    await other.open(GALLERY);
    assert.equal(picturesOf(await shown(other, id)).length, 1);

    await asAda(stage, { type: 'delete-guild', guildId: ATELIER });
    await waitUntil(retracted(stage, id), 'noted again');
    await later(stage, 1.1);
    assert.deepEqual(await stage.pictures.keys(), []);
  });
});
