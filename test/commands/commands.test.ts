import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesAt, isPrivate, picturesOf, textOf, waitUntil } from '../support/discord/messages.ts';
import { openDemo } from '../support/engine.ts';
import { BEN, stageOfFile } from '../support/stage.ts';

/** For all tests, which leave nothing waiting. */
const stage = stageOfFile();

const answered = (message: Parameters<typeof isPrivate>[0]) =>
  isPrivate(message) && message.thinking !== true;

test('/queue: places and waits; prompts for their owner only', async () => {
  const ada = await stage().user();
  const ben = await stage().user(BEN);
  await ben.open(ada.channelId);
  await ada.command('queue');
  assert.match(textOf(await ada.waitForMessage(answered)), /Nothing is waiting/);
  await ada.command('imagine', { prompt: 'first of ada', steps: 150, size: '256x256' });
  await waitUntil(
    async () => (await stage().queue.archive.unsettled())[0]?.status === 'running',
    'running',
  );
  await ada.command('imagine', { prompt: 'second of ada' });
  await ben.command('imagine', { prompt: 'secret of ben' });
  await waitUntil(async () => (await stage().queue.archive.unsettled()).length === 3, 'all stored');
  await ben.command('queue');
  const seen = textOf(await ben.waitForMessage(answered));
  assert.match(seen, /▶ a picture for <@1200000000000000001>/);
  assert.match(seen, /`#1`.*\n`#2`/);
  assert.match(seen, /\*\*yours:\*\* secret of ben/);
  assert.doesNotMatch(seen, /of ada/);

  const cleoElsewhere = await stage().user('1200000000000000003');
  await cleoElsewhere.open(cleoElsewhere.ready.guilds[1]?.channels[0]?.id ?? '');
  await cleoElsewhere.command('queue');
  const far = textOf(await cleoElsewhere.waitForMessage(answered));
  assert.match(far, /a picture for another server/);
  assert.doesNotMatch(far, /<@|of ada|of ben/);
  for (const job of await stage().queue.archive.unsettled()) {
    await stage().queue.line.cancel(job.id, { userId: job.userId, moderator: false });
  }
});

test('/models: what there is and where it runs', async () => {
  const ada = await stage().user();
  await ada.command('models');
  const shown = textOf(await ada.waitForMessage(answered));
  assert.match(
    shown,
    /\*\*demo\*\* · Stable Diffusion 1 · made for 128x128, sides in multiples of 16/,
  );
  const { engine, demo } = await openDemo();
  await engine.close();
  assert.ok(shown.includes(`${demo.defaults.steps} steps · dpmpp\\_2m karras · cfg `), shown);
});

test('/help names every command and button', async () => {
  const ada = await stage().user();
  await ada.command('help');
  const shown = textOf(await ada.waitForMessage(answered));
  for (const name of [
    '/imagine',
    '/queue',
    '/models',
    '/settings',
    'Reroll',
    'Vary',
    'Remix',
    'Stop',
    'Delete',
    'Enlarge',
    'Use as start',
    'Reimagine',
    '/recent',
    '/show',
    '/presets',
    '/preferences',
    '/stats',
  ]) {
    assert.ok(shown.includes(name), name);
  }
  assert.ok(shown.length < 2500);
  assert.ok(shown.indexOf('/explore') < shown.indexOf('/imagine'), 'first what no other bot has');
});

test('/help has a page for each kind of person, and shows pictures', async () => {
  const ada = await stage().user();
  await ada.command('help');
  const first = await ada.waitForMessage((one) => picturesOf(one).length === 2);
  for (const link of picturesOf(first)) assert.ok((await bytesAt(link)).length > 10_000);
  const page = async (name: string, fits: RegExp) => {
    await ada.press(first.id, `1:help:000000000000:${name}`);
    return ada.waitForMessage((one) => one.id === first.id && fits.test(textOf(one)));
  };
  assert.match(textOf(await page('manager', /who manage this server/)), /\/settings show/);
  assert.equal(picturesOf(await page('owner', /owner of this bot/)).length, 1);
  assert.equal(picturesOf(await page('member', /every knob/)).length, 2);
});

test('autocomplete: models by name, sizes that fit the model, free sizes kept', async () => {
  const ada = await stage().user();
  assert.deepEqual(await ada.autocomplete('imagine', 'model', 'DE', { prompt: 'x' }), [
    { name: 'demo', value: 'demo' },
  ]);
  assert.deepEqual(await ada.autocomplete('imagine', 'model', 'zzz', { prompt: 'x' }), []);
  const sizes = await ada.autocomplete('imagine', 'size', '', { prompt: 'x' });
  assert.deepEqual(sizes[0], { name: '128x128 · square', value: '128x128' });
  assert.ok(sizes.length >= 5);
  const typed = await ada.autocomplete('imagine', 'size', '64x320', { prompt: 'x' });
  assert.deepEqual(typed[0], { name: '64x320', value: '64x320' });
  const portraits = await ada.autocomplete('imagine', 'size', 'portrait', { model: 'nope' });
  assert.ok(portraits.length >= 2 && portraits.every(({ name }) => name.includes('portrait')));
});
