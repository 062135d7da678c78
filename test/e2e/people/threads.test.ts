import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '../../../src/bot/policy/policy.ts';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { permission } from '../../../playground/world/permission-bits.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import {
  buttonOf,
  isDone,
  picturesOf,
  textOf,
  told,
  waitUntil,
} from '../../support/discord/messages.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { BEN, CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

const ATELIER = '1300000000000001000';
const GENERAL = '1300000000000001101';
const NEWS = '1300000000000001104';
const LOUNGE = '1300000000000001105';
const SKETCHES = '1300000000000001111';
const STUDIO = '1300000000000001112';
const MIDNIGHT = '1300000000000001113';
const POST = '1300000000000001114';

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

/** Starts a slow picture and waits until it is being painted. */
async function startSlow(stage: Stage, user: PlaygroundUserClient, channelId: string) {
  await user.open(channelId);
  await user.command('imagine', { prompt: 'slow', steps: 40, size: '64x64' });
  const isRunning = async () =>
    (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'running';
  await waitUntil(isRunning, 'running', 20_000);
  return newest(stage);
}

test('threads, forum posts, announcement and voice channels: the whole way, and its buttons', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    for (const place of [SKETCHES, STUDIO, POST, NEWS, LOUNGE]) {
      const done = await paints(ada, place);
      await ada.press(done.id, buttonOf(done, 'reroll'));
      const again = await ada.waitForMessage(
        (one) => isDone(one) && one.channel_id === place && one.id !== done.id,
        30_000,
      );
      assert.match(textOf(again), new RegExp(`channels/${ATELIER}/${place}/${done.id}`));
    }
  });
});

test('a private thread is closed to who was not invited', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    const seen = cleo.ready.guilds[0]?.channels.map(({ id }) => id) ?? [];
    assert.ok(seen.includes(SKETCHES) && !seen.includes(STUDIO));
    await assert.rejects(cleo.open(STUDIO), /no such channel/);
  });
});

test('what the bot may do in a thread is what counts there', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const { faults } = stage.playground;
    faults.denyBot(GENERAL, permission.sendMessagesInThreads);
    await ada.open(SKETCHES);
    await ada.command('imagine', { prompt: 'x' });
    assert.match(await told(ada), /give me: Send Messages in Threads/);
    assert.equal((await stage.queue.archive.recent({ limit: 5 })).length, 0);
    faults.denyBot(GENERAL, permission.sendMessages);
    await paints(ada, SKETCHES);
    await ada.open(GENERAL);
    await ada.command('imagine', { prompt: 'x' });
    assert.match(await told(ada), /give me: Send Messages\./);
  });
});

test('a thread is as old as its channel, and allowed where its channel is', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await stage.settings.changePolicy(ATELIER, { spoiler: 'age-restricted', nsfwWords: ['lewd'] });
    const nude = { prompt: 'a lewd lamp', steps: 1, size: '64x64' };
    await ada.open(SKETCHES);
    await ada.command('imagine', nude);
    assert.match(await told(ada), /only for channels that are marked as age-restricted/);
    await ada.open(MIDNIGHT);
    await ada.command('imagine', nude);
    const done = await ada.waitForMessage(isDone, 30_000);
    assert.match(JSON.stringify(done.components), /"spoiler":true/);

    await stage.settings.changePolicy(ATELIER, { ...DEFAULT_POLICY, channels: [GENERAL] });
    await paints(ada, SKETCHES);
    await ada.open(POST);
    await ada.command('imagine', { prompt: 'x' });
    assert.match(await told(ada), /not made in this channel/);
  });
});

test('a thread that is closed meanwhile is opened for the picture', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const job = await startSlow(stage, ada, SKETCHES);
    stage.playground.faults.closeThread(SKETCHES, { archived: true, locked: false });
    const done = await ada.waitForMessage(isDone, 60_000);
    assert.equal(picturesOf(done).length, 1);
    await waitUntil(
      async () => (await stage.queue.archive.get(job.id))?.delivered === true,
      'delivered',
    );
    assert.equal(stage.calls('PATCH', /^\/channels\/\{channel_id\}$/).length, 1);
    assert.equal(stage.calls('POST', /^\/channels\/[^/]+\/messages$/).length, 0);
  });
});

test('a thread that is locked meanwhile: the picture waits in /recent, and nothing is tried for ever', async () => {
  await onStage({}, async (stage) => {
    const ben = await stage.user(BEN);
    const job = await startSlow(stage, ben, SKETCHES);
    stage.playground.faults.closeThread(SKETCHES, { archived: true, locked: true });
    await waitUntil(
      async () => (await stage.queue.archive.get(job.id))?.delivered === true,
      'settled',
      60_000,
    );
    assert.equal((await stage.queue.archive.get(job.id))?.status, 'done');
    assert.ok(stage.calls('PATCH', /^\/channels\/\{channel_id\}$/).length <= 1);
    assert.equal((await ben.command('imagine', { prompt: 'x' })).type, 'failed');
    await ben.open(GENERAL);
    await ben.command('recent');
    const list = await ben.waitForMessage((one) => textOf(one).includes('Your last pictures'));
    const [newest] = await stage.queue.archive.recent({ limit: 1 });
    await ben.select(list.id, buttonOf(list, 'recent-show'), [newest?.id ?? '']);
    const record = await ben.waitForMessage((one) => textOf(one).includes(job.id), 20_000);
    assert.equal(picturesOf(record).length, 1);
  });
});

test('later than its token: a thread is edited through the channel, a private one the bot is not in is not', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await startSlow(stage, ada, SKETCHES);
    stage.playground.faults.endTokens();
    await ada.waitForMessage((one) => isDone(one) && one.channel_id === SKETCHES, 60_000);
    assert.ok(stage.calls('PATCH', /^\/channels\/[^/]+\/messages\/[^/]+$/).length > 0);
    const hidden = await startSlow(stage, ada, STUDIO);
    stage.playground.faults.endTokens();
    await waitUntil(
      async () => (await stage.queue.archive.get(hidden.id))?.delivered === true,
      'settled',
      60_000,
    );
    await ada.open(GENERAL);
    await ada.command('recent');
    await ada.waitForMessage((one) => /Your last pictures[^]*slow/.test(textOf(one)));
  });
});
