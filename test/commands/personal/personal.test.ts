import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Engine } from '../../../src/engine/engine.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import {
  buttonOf,
  customIdsOf,
  isDone,
  isPrivate,
  textOf,
  told,
  waitUntil,
} from '../../support/discord/messages.ts';
import { openEngine } from '../../support/engine.ts';
import { BEN, onStage, openStage } from '../../support/stage.ts';
import { requestIn } from '../../support/jobs.ts';
import type { Stage } from '../../support/stage.ts';

let engine: Engine;
/** Where Ada orders nothing before she asks for what was hers. */
let stage: Stage;
/** Where Ben orders nothing before he is offered what was his. */
let other: Stage;
before(async () => {
  engine = await openEngine();
  stage = await openStage(engine);
  other = await openStage(engine);
});
after(async () => {
  await other.close();
  await stage.close();
  await engine.close();
});

async function painted(
  stage: Stage,
  user: PlaygroundUserClient,
  options: Record<string, string | number | boolean>,
) {
  const before = (await stage.queue.archive.recent({ limit: 100 })).length;
  await user.command('imagine', { steps: 1, ...options });
  await waitUntil(
    async () => {
      const jobs = await stage.queue.archive.recent({ limit: 100 });
      return jobs.length > before && jobs[0]?.delivered === true;
    },
    'delivered',
    30_000,
  );
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(job !== undefined);
  return job;
}

test('/presets: curated by who manages the server, used by everybody, gone when deleted', async () => {
  const ada = await stage.user();
  const ben = await stage.user(BEN);
  await ben.open(ada.channelId);
  await ada.command('presets list');
  assert.match(await told(ada), /no presets yet/);
  await ada.command('presets save', {
    name: 'Ink *wash*',
    prompt: 'ink wash of {prompt}, paper',
    negative: 'colour',
    sampler: 'euler_a',
    cfg: 4,
    size: '96x64',
  });
  assert.match(await told(ada), /Ink \\\*wash\\\*/);
  await ben.command('presets save', { name: 'mine', steps: 9 });
  assert.match(await told(ben), /Manage Server/);
  await ben.command('presets delete', { name: 'Ink *wash*' });
  assert.match(await told(ben), /Manage Server/);

  await ben.command('presets list');
  assert.match(await told(ben), /ink wash of \{prompt\}[^]*Sampler:\*\* euler\\_a/);
  const choices = await ben.autocomplete('imagine', 'preset', 'ink', { prompt: 'x' });
  assert.deepEqual(choices, [{ name: 'Ink *wash*', value: 'Ink *wash*' }]);
  const request = requestIn(await painted(stage, ben, { prompt: 'a crane', preset: 'ink *WASH*' }));
  assert.deepEqual(
    [request.prompt, request.negativePrompt, request.sampler, request.guidanceScale],
    ['ink wash of a crane, paper', 'colour', 'euler_a', 4],
  );
  assert.deepEqual([request.width, request.height], [96, 64]);
  const own = await painted(stage, ben, { prompt: 'x', preset: 'Ink *wash*', cfg: 6 });
  assert.equal(requestIn(own).guidanceScale, 6, 'what is typed goes before the preset');

  await stage.restart();
  await ada.command('presets delete', { name: 'ink *wash*' });
  assert.match(await told(ada), /deleted/);
  await ben.command('imagine', { prompt: 'x', preset: 'Ink *wash*' });
  assert.match(await told(ben), /no presets yet/);
});

test('/presets: names, sizes and models that cannot be are refused in words', async () => {
  const ada = await stage.user();
  const cases: [Record<string, string | number>, RegExp][] = [
    [{ name: 'empty' }, /at least one option/],
    [{ name: '\u200b\u202e', steps: 3 }, /1 to 40 characters/],
    [{ name: 'odd', size: '513x7' }, /width must be a multiple/],
    [{ name: 'odd', size: 'huge' }, /WIDTHxHEIGHT/],
    [{ name: 'who', model: 'nobody' }, /no model “nobody”/],
  ];
  for (const [options, words] of cases) {
    await ada.command('presets save', options);
    assert.match(await told(ada), words, JSON.stringify(options));
  }
  await ada.command('imagine', { prompt: 'x', preset: '@everyone' });
  assert.match(await told(ada), /no presets yet/);
  const there = ada.ready.guilds[0]?.id ?? '';
  for (let i = 0; i < 50; i++) {
    await stage.presets.save(there, { name: `p${i}`, prompt: 'x', choices: {} }, textFor('en'));
  }
  await ada.command('presets save', { name: 'one more', steps: 3 });
  assert.match(await told(ada), /at most 50 presets/);
});

test('/recent: one’s own, page by page', async () => {
  const ada = await stage.user();
  await ada.command('recent');
  assert.match(await told(ada), /not ordered a picture yet/);
  for (let i = 0; i < 10; i++)
    await painted(stage, ada, { prompt: `picture ${i}`, size: '64x64', seed: `7${i}`, steps: 2 });
  await ada.command('recent');
  const list = await ada.waitForMessage((one) => textOf(one).includes('Your last'));
  assert.match(
    textOf(list),
    /picture 9[^]*finished · demo · 64x64 · 2 steps · dpmpp\\_2m karras · cfg \d+ · seed 79[^]*picture 2/,
  );
  assert.doesNotMatch(textOf(list), /picture 1/);
  const older = customIdsOf(list).find((id) => id.endsWith(':p-1')) ?? '';
  await ada.press(list.id, older);
  await ada.waitForMessage((one) => one.id === list.id && textOf(one).includes('picture 0'));
  const page = ada.messages().find(({ id }) => id === list.id);
  assert.ok(page !== undefined && !textOf(page).includes('picture 2'));
  assert.ok(customIdsOf(page).some((id) => id.endsWith(':p-0')));
});

test('/show: recipe, times, lineage and link; by id, file name, or from the list', async () => {
  const stage = other;
  const ada = await stage.user();
  const ben = await stage.user(BEN);
  await ben.open(ada.channelId);
  const first = await painted(stage, ada, { prompt: 'a lamp' });
  const message = await ada.waitForMessage(isDone);
  await ada.press(message.id, buttonOf(message, 'reroll'));
  await waitUntil(async () => (await stage.queue.archive.recent({ limit: 9 })).length === 2, 'two');
  const [second] = await stage.queue.archive.recent({ limit: 1 });
  await waitUntil(
    async () => (await stage.queue.archive.get(second?.id ?? ''))?.delivered === true,
    'second',
    30_000,
  );
  await ben.command('show', { job: `darkroom-${second?.id}-1.png` });
  const record = await ben.waitForMessage((one) => textOf(one).includes(second?.id ?? '?'));
  const words = textOf(record);
  assert.match(words, /Reroll of \[this picture\]/);
  assert.match(words, /Steps: 1[^]*waited .* s · painted in .* s \(.* steps\/s\) on /);
  assert.match(words, /\[to the message\]\(https:\/\/discord\.com\/channels\/\d+\/\d+\/\d+\)/);
  assert.ok(!customIdsOf(record).some((id) => id.includes(':delete:')));
  ben.dismiss(record.id);

  const offered = await ada.autocomplete('show', 'job', 'LAMP');
  assert.deepEqual(
    offered.map(({ value }) => value),
    [second?.id, first.id],
  );
  assert.deepEqual(await ben.autocomplete('show', 'job', ''), []);
  for (const job of ['nothing', 'abcdefabcdef', '../../etc/passwd', '0'.repeat(100)]) {
    await ben.command('show', { job });
    assert.match(await told(ben), /no such picture/);
  }
  // On another server it is nobody's business.
  const cleo = await stage.user('1200000000000000003');
  await cleo.open(cleo.ready.guilds[1]?.channels[0]?.id ?? '');
  await cleo.command('show', { job: first.id });
  assert.match(await told(cleo), /no such picture/);
});

test('/preferences: language, private replies and defaults of one person, on every server', async () => {
  const stage = other;
  const ada = await stage.user();
  const ben = await stage.user(BEN);
  await ben.open(ada.channelId);
  const wanted = { language: 'de', private: true, cfg: 3.5, pag: 1.5, exact: true };
  await ada.command('preferences set', wanted);
  const saved = /Gespeichert[^]*Private Bilder:\*\* ja[^]*CFG:\*\* 3\.5[^]*Allein gemalt:\*\* ja/;
  assert.match(await told(ada), saved);
  await stage.restart();
  await ada.command('queue');
  assert.match(await told(ada), /Niemand wartet/);
  const mine = await painted(stage, ada, { prompt: 'x' });
  const { guidanceScale, pagScale, exact } = requestIn(mine);
  assert.deepEqual([guidanceScale, pagScale, exact], [3.5, 1.5, true]);
  const words = /CFG 3\.5 · PAG 1\.5/;
  const message = await ada.waitForMessage((one) => isDone(one) && words.test(textOf(one)));
  assert.ok(isPrivate(message));
  assert.match(JSON.stringify(message.components), /Neu würfeln/);
  ada.dismiss(message.id);
  const open = await painted(stage, ada, { prompt: 'for all', private: false, cfg: 2 });
  assert.equal(requestIn(open).guidanceScale, 2);
  await ben.waitForMessage((one) => isDone(one) && textOf(one).includes('for all'));
  assert.notEqual(requestIn(await painted(stage, ben, { prompt: 'x' })).guidanceScale, 3.5);

  await ada.command('preferences set', {});
  assert.match(await told(ada), /mindestens eine Option/);
  await ada.command('preferences set', { size: '7x7' });
  assert.match(await told(ada), /width muss ein Vielfaches/);
  await ada.command('preferences reset', { option: 'language' });
  assert.match(await told(ada), /Your preferences[^]*CFG/);
  await ada.command('preferences reset');
  assert.match(await told(ada), /Nothing is preferred/);
  await ada.command('preferences show');
  assert.doesNotMatch(await told(ada), /CFG/);
});

test('/stats: pictures, time and waits of the server and of oneself', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    await painted(stage, ada, { prompt: 'x', count: 3 });
    await painted(stage, ben, { prompt: 'y' });
    await ben.command('stats');
    const words = await told(ben);
    assert.match(
      words,
      /This server:\*\* 4 pictures from 2 orders · [\d.]+ s of painting · mean wait/,
    );
    assert.match(words, /You, everywhere:\*\* 1 picture from 1 order /);
    assert.match(words, /demo · ~\d+x\d+ · .*steps\/s/);
    assert.match(words, /runs on \*\*cpu\*\*/);
  });
});
