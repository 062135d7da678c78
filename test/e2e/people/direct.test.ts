import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import {
  buttonOf,
  customIdsOf,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { BEN, stagesOfFile } from '../../support/stage.ts';

const onStage = stagesOfFile();

async function nextDone(
  user: PlaygroundUserClient,
  known: readonly PlaygroundMessage[],
): Promise<PlaygroundMessage> {
  const ids = new Set(known.map(({ id }) => id));
  return user.waitForMessage((one) => isDone(one) && !ids.has(one.id), 30_000);
}

test('direct messages: every button, the message commands, and what belongs to servers says so', async () => {
  await onStage({}, async (stage) => {
    const ben = await stage.user(BEN);
    await ben.open(ben.ready.direct?.id ?? '');
    const offered = ben.received.flatMap((one) =>
      one.type === 'commands' && one.guildId === '@me' ? one.commands : [],
    );
    const names = new Set(offered.map(({ name }) => name));
    assert.ok(names.has('explore') && !names.has('settings') && !names.has('presets'));

    await ben.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64', seed: '5' });
    const first = await nextDone(ben, []);
    const shown = [first];
    await ben.press(first.id, buttonOf(first, 'reroll'));
    shown.push(await nextDone(ben, shown));
    assert.match(textOf(shown[1]!), new RegExp(`channels/@me/${ben.channelId}/${first.id}`));
    await ben.select(first.id, buttonOf(first, 'use'), ['0-strong']);
    shown.push(await nextDone(ben, shown));
    await ben.press(first.id, buttonOf(first, 'upscale'));
    const large = await ben.waitForMessage((one) => textOf(one).includes('Enlarged'), 20_000);
    shown.push(large);
    const form = await ben.press(first.id, buttonOf(first, 'init'));
    assert.ok(form.type === 'modal');
    const typed = { prompt: 'a boat', negative: '', strength: '0.5', steps: '2', seed: '' };
    await ben.submitModal(form, typed);
    shown.push(await nextDone(ben, shown));
    await ben.command('Reimagine', {}, first.id);
    shown.push(await nextDone(ben, shown));
    await ben.command('Recipe', {}, first.id);
    await ben.waitForMessage((one) => isPrivate(one) && /Seed: 5/.test(textOf(one)));
    await ben.command('queue');
    await ben.waitForMessage((one) => isPrivate(one) && /Queue/.test(textOf(one)));

    await ben.press(large.id, buttonOf(large, 'discard'));
    await waitUntil(() => !ben.messages().some(({ id }) => id === large.id), 'put away');
    await ben.pressSure(first.id, buttonOf(first, 'delete'));
    await waitUntil(() => !ben.messages().some(({ id }) => id === first.id), 'deleted');

    // A later token: direct messages are edited through their channel too.
    const jobs = await stage.queue.archive.recent({ limit: 20 });
    assert.ok(jobs.every(({ guildId }) => guildId === `dm:${BEN}`));
    assert.equal(picturesOf(shown[1]!).length, 1);
  });
});

test('a private picture stays private with all that comes of it', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    await ada.command('imagine', { prompt: 'a secret', steps: 1, size: '64x64', private: true });
    const first = await nextDone(ada, []);
    await ada.press(first.id, buttonOf(first, 'upscale'));
    const large = await ada.waitForMessage((one) => textOf(one).includes('Enlarged'), 20_000);
    assert.ok(isPrivate(large));
    await ada.press(first.id, buttonOf(first, 'recipe'));
    const form = await ada.press(first.id, buttonOf(first, 'remix'));
    assert.ok(form.type === 'modal');
    const typed = { prompt: 'another', negative: '', steps: '1', cfg: '', seed: '' };
    await ada.submitModal(form, typed);
    assert.ok(isPrivate(await nextDone(ada, [first, large])));
    await ada.command('Reimagine', {}, first.id);
    const again = await ada.waitForMessage((one) => /Reimagined from/.test(textOf(one)), 30_000);
    assert.ok(isPrivate(again), 'what is made of a private picture is private');
    await ada.press(large.id, buttonOf(large, 'discard'));
    await waitUntil(() => !ada.messages().some(({ id }) => id === large.id), 'put away');
    await ada.pressSure(first.id, buttonOf(first, 'delete'));
    await waitUntil(() => !ada.messages().some(({ id }) => id === first.id), 'deleted');
    assert.equal(ben.messages().length, 0);
  });
});

test('who prefers private pictures gets private sheets', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    await ada.command('preferences set', { private: true });
    await ada.command('explore', { x: 'steps', prompt: 'a secret', values: '1,2', size: '64x64' });
    const sheet = await ada.waitForMessage(
      (one) => customIdsOf(one).some((id) => id.includes(':cell:')),
      30_000,
    );
    assert.ok(isPrivate(sheet));
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    await ben.command('show', { job: job?.id ?? '' });
    assert.match(textOf(await ben.waitForMessage(isPrivate)), /no such picture/);
    assert.equal(ben.messages().filter((one) => !isPrivate(one)).length, 0);
  });
});
