import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import {
  buttonOf,
  fresh,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  told,
  waitUntil,
} from '../../support/discord/messages.ts';
import { openPageLink } from '../../support/discord/page-link.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { ADA, BEN, CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

const ATELIER = '1300000000000001000';
const FORUM = '1300000000000001106';
const SKETCHES = '1300000000000001111';
/** Started by Cleo, who manages nothing. */
const POST = '1300000000000001114';
const MANAGER = '1300000000000001001';
const LEFT = '1200000000000009999';

const orders = async (stage: Stage) => (await stage.queue.archive.recent({ limit: 99 })).length;

async function paints(
  stage: Stage,
  user: PlaygroundUserClient,
  channelId: string,
): Promise<PlaygroundMessage> {
  await user.open(channelId);
  const next = fresh(user);
  await user.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64' });
  const done = await next(isDone, 30_000);
  await waitUntil(async () => (await stage.queue.archive.unsettled()).length === 0, 'settled');
  return done;
}

/** Orders something slow and waits until it is being painted. */
async function slow(user: PlaygroundUserClient, channelId: string): Promise<PlaygroundMessage> {
  await user.open(channelId);
  await user.command('imagine', { prompt: 'slow', steps: 30, size: '64x64' });
  return user.waitForMessage((one) => textOf(one).includes('Step '), 30_000);
}

async function refused(user: PlaygroundUserClient, channelId: string): Promise<string> {
  await user.open(channelId);
  await user.command('imagine', { prompt: 'a lamp', steps: 1 });
  return told(user);
}

test('a post belongs to its starter once managers say so: orders, buttons, Stop and Delete', async () => {
  await onStage({}, async (stage) => {
    const [ada, ben, cleo] = [await stage.user(), await stage.user(BEN), await stage.user(CLEO)];
    const [atelier] = ada.ready.guilds;
    assert.equal(atelier?.channels.find(({ id }) => id === POST)?.starter, 'Cleo');
    await ada.command('settings show');
    const panel = await ada.waitForMessage((one) => isPrivate(one) && !one.thinking);
    const control = (name: string) => `1:settings:000000000000:${name}`;
    await ada.select(panel.id, control('page'), ['access']);
    await ada.waitForMessage((one) => /Forum posts:\*\* everybody/.test(textOf(one)));
    const bens = await paints(stage, ben, POST);
    await ada.press(panel.id, control('posts-on'));
    await ada.waitForMessage((one) => /Forum posts:\*\* belong to their starter/.test(textOf(one)));

    const before = await orders(stage);
    const mine = new RegExp(`This post belongs to <@${CLEO}>`);
    assert.match(await refused(ben, POST), mine);
    for (const button of ['reroll', 'vary', 'upscale', 'remix', 'redo']) {
      const outcome = await ben.press(bens.id, buttonOf(bens, button));
      assert.equal(outcome.type, 'acknowledged', button);
      assert.match(await told(ben), mine, button);
    }
    await ben.command('explore', { x: 'cfg', values: '1,7', prompt: 'a lamp', steps: 1 });
    assert.match(await told(ben), mine);
    assert.equal(await orders(stage), before);
    // What paints nothing is open to everybody.
    await ben.press(bens.id, buttonOf(bens, 'recipe'));
    assert.match(await told(ben), /Steps: 1/);
    await paints(stage, ben, SKETCHES);

    const cleos = await paints(stage, cleo, POST);
    const running = await slow(ada, POST);
    await ben.open(POST);
    await ben.press(running.id, buttonOf(running, 'stop'));
    assert.match(await told(ben), /Only the person who asked/);
    await cleo.press(running.id, buttonOf(running, 'stop'));
    await ada.waitForMessage((one) => one.id === running.id && /topped/.test(textOf(one)), 30_000);
    await ben.press(cleos.id, buttonOf(cleos, 'delete'));
    assert.match(await told(ben), /Only the person who asked/);
    await cleo.pressSure(bens.id, buttonOf(bens, 'delete'));
    await waitUntil(() => !cleo.messages().some(({ id }) => id === bens.id), 'deleted');

    // Elsewhere the starter is a member like any other.
    const adas = await paints(stage, ada, SKETCHES);
    await cleo.open(SKETCHES);
    await cleo.press(adas.id, buttonOf(adas, 'delete'));
    assert.match(await told(cleo), /Only the person who asked/);

    await ada.press(panel.id, control('posts-off'));
    await ada.waitForMessage((one) => /Forum posts:\*\* everybody/.test(textOf(one)));
    await paints(stage, ben, POST);
  });
});

test('asked once more before a picture is shown: the switch, and whether one still manages', async () => {
  await onStage({}, async (stage) => {
    const [ben, cleo] = [await stage.user(BEN), await stage.user(CLEO)];
    const message = await slow(ben, POST);
    await stage.settings.changePolicy(ATELIER, { starterPosts: true });
    const isKept = (one: PlaygroundMessage) => /kept back.*belongs to/.test(textOf(one));
    const kept = await ben.waitForMessage((one) => one.id === message.id && isKept(one), 60_000);
    assert.equal(picturesOf(kept).length, 0);
    assert.equal((await stage.queue.line.usage(ATELIER, BEN)).seconds, 0);

    await roles(stage, BEN, [MANAGER]);
    const shown = await slow(ben, POST);
    await ben.waitForMessage((one) => one.id === shown.id && isDone(one), 60_000);
    const lost = await slow(ben, POST);
    await roles(stage, BEN, []);
    await ben.waitForMessage((one) => one.id === lost.id && isKept(one), 60_000);

    // One's own post needs no role, and is nobody's once it is gone.
    const own = await slow(cleo, POST);
    await cleo.waitForMessage((one) => one.id === own.id && isDone(one), 60_000);
    await slow(cleo, POST);
    await asAda(stage, { type: 'delete-channel', channelId: POST });
    await waitUntil(
      async () => (await stage.queue.archive.unsettled()).length === 0,
      'settled',
      30_000,
    );
    assert.deepEqual(
      stage.lines.filter(({ level }) => level === 'error'),
      [],
    );
  });
});

test('a media channel, a starter who has left, a post that was closed, and a Discord that does not answer', async () => {
  await onStage({}, async (stage) => {
    await stage.settings.changePolicy(ATELIER, { starterPosts: true });
    const { faults } = stage.playground;
    const orphan = faults.startPost(FORUM, { name: 'Whose?', ownerId: LEFT });
    const media = faults.startPost(faults.openMedia(ATELIER, 'showcase'), {
      name: 'Mine',
      ownerId: CLEO,
    });
    const closed = faults.startPost(FORUM, { name: 'Closed', ownerId: CLEO });
    faults.closeThread(closed, { archived: true, locked: false });
    // discord.js knows only what was open when it came, and of the others what an interaction tells.
    await stage.restart();
    const [ada, ben, cleo] = [await stage.user(), await stage.user(BEN), await stage.user(CLEO)];
    assert.match(await refused(cleo, orphan), new RegExp(`belongs to <@${LEFT}>`));
    await paints(stage, ada, orphan);
    assert.match(await refused(ben, media), new RegExp(`belongs to <@${CLEO}>`));
    await paints(stage, cleo, media);

    faults.add({
      match: { method: 'GET', route: /^\/channels\/\{channel_id\}$/ },
      answer: 500,
      times: 99,
    });
    assert.match(await refused(ben, closed), /does not say just now whose post/);
    faults.clear();
    assert.match(await refused(ben, closed), new RegExp(`belongs to <@${CLEO}>`));
    await paints(stage, cleo, closed);
    assert.ok(stage.calls('GET', /^\/channels\/\{channel_id\}$/).length > 0);
  });
});

/** As a manager does it on the page. */
async function asAda(stage: Stage, action: Record<string, unknown>): Promise<void> {
  const link = await openPageLink(stage.playground);
  link.send({ type: 'hello', userId: ADA });
  await link.until(() => link.received.find((one) => one.type === 'ready'), 10_000, 'ready');
  const before = link.received.length;
  link.send(action as Parameters<typeof link.send>[0]);
  await link.until(() => link.received.slice(before)[0], 10_000, 'the change');
  await link.close();
}

const roles = (stage: Stage, userId: string, roleIds: string[]) =>
  asAda(stage, { type: 'roles', guildId: ATELIER, userId, roleIds });
