import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Engine } from '../../../src/engine/engine.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import {
  buttonOf,
  bytesAt,
  customIdsOf,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { MODELS, openEngine } from '../../support/engine.ts';
import { onStage } from '../../support/stage.ts';

/** models/demo with a checker that flags its red grounds: test/fixtures/safety/make.py. */
const fixture = fileURLToPath(new URL('../../fixtures/safety', import.meta.url));
const RED = { prompt: 'a yellow star on a red background', steps: 6, seed: '7' };
const STAR = { prompt: 'a yellow star', steps: 6 };

let root: string;
let engine: Engine;
/** the first of four seeds of which some, but not all, and not the last only, get a red ground that nobody asked for */
let mixed: number;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'darkroom-safety-'));
  await cp(path.join(MODELS, 'demo'), path.join(root, 'demo'), { recursive: true });
  await cp(fixture, path.join(root, 'demo'), { recursive: true });
  engine = await openEngine(root);
  mixed = await findMixed();
});
after(async () => {
  await engine.close();
  await rm(root, { recursive: true, force: true });
});

const actionsOf = (one: PlaygroundMessage): string[] =>
  customIdsOf(one).map((id) => id.split(':')[1] ?? '');
const optionsOf = ({ components }: PlaygroundMessage): unknown[] =>
  [...JSON.stringify(components).matchAll(/"value":"(\d+)"/g)].map((match) => match[1]);
const infotextAt = async (url: string): Promise<string | undefined> =>
  (await sharp(await bytesAt(url)).metadata()).comments?.find(
    ({ keyword }) => keyword === 'parameters',
  )?.text;

/** Of the weights that models/demo has had last; tried first, for every other costs four pictures. */
const FOUND_LAST = 52;

/** Whatever the weights of models/demo are. */
async function findMixed(): Promise<number> {
  const [model] = await engine.models();
  for (let tried = 0; tried < 200; tried += 4) {
    const seed = (FOUND_LAST + tried) % 200;
    const batch = { ...STAR, seed: BigInt(seed), count: 4 };
    const { withheld = [] } = await engine.generate(parseRequest(batch, model!), {
      withhold: true,
    });
    const kept = withheld.map(({ index }) => index);
    // One that is kept back before one that is not: only then do places and stored pictures differ.
    if (kept.length > 0 && kept.length < 4 && kept[0]! < 4 - kept.length) return seed;
  }
  throw new Error('of 200 seeds no four were partly flagged, an early one among them');
}

test('a flagged picture is withheld with one sentence, costs nothing of the day, and keeps its recipe', async () => {
  await onStage(engine, {}, async ({ user, queue, pictures }) => {
    const ada = await user();
    await ada.command('imagine', RED);
    const done = await ada.waitForMessage(isDone, 30_000);
    assert.match(textOf(done), /safety checker of this model would rather not show this here/);
    assert.deepEqual(picturesOf(done), []);
    const actions = customIdsOf(done).map((id) => id.split(':')[1]);
    assert.deepEqual(actions, ['reroll', 'remix', 'recipe', 'delete']);

    await waitUntil(async () => (await queue.archive.unsettled()).length === 0, 'delivered');
    const [job] = await queue.archive.recent({ limit: 1 });
    assert.deepEqual([job!.status, job!.result!.images, job!.result!.withheld], ['done', [], [0]]);
    assert.equal(await pictures.get(`${job!.id}-0.png`), null);
    const { seconds, reserved } = await queue.line.usage(job!.guildId, job!.userId);
    assert.deepEqual([seconds, reserved], [0, 0]);

    await ada.press(done.id, buttonOf(done, 'recipe'));
    const recipe = await ada.waitForMessage((one) => isPrivate(one) && /Seed: 7/.test(textOf(one)));
    assert.match(textOf(recipe), /a yellow star on a red background/);
    await ada.command('show', { job: job!.id });
    await ada.waitForMessage((one) => isPrivate(one) && /rather not show this/.test(textOf(one)));
    await ada.press(done.id, buttonOf(done, 'reroll'));
    await waitUntil(() => ada.messages().filter(isDone).length === 2, 'a reroll', 30_000);
  });
});

test('where the channel allows NSFW nobody looks; of a batch only the flagged ones are missing', async () => {
  await onStage(engine, {}, async ({ user, queue }) => {
    const ada = await user();
    await ada.command('imagine', {
      ...STAR,
      seed: String(mixed),
      count: 4,
    });
    const partial = await ada.waitForMessage(isDone, 30_000);
    const [job] = await queue.archive.recent({ limit: 1 });
    const { images, withheld } = job!.result!;
    assert.ok(withheld!.length > 0 && images.length + withheld!.length === 4);
    assert.equal(picturesOf(partial).length, images.length);
    assert.match(textOf(partial), /more pictures? w(as|ere) kept back/);

    const adult = ada.ready.guilds[0]?.channels.find(({ ageRestricted }) => ageRestricted);
    await ada.open(adult!.id);
    await ada.command('imagine', RED);
    const isRed = (one: PlaygroundMessage) => /red background/.test(textOf(one));
    const shown = await ada.waitForMessage((one) => isDone(one) && isRed(one), 30_000);
    assert.equal(picturesOf(shown).length, 1);
  });
});

test('the audit channel hears of it, of a picture and of a sheet', async () => {
  await onStage(engine, {}, async ({ user, settings }) => {
    const ada = await user();
    const log = ada.ready.guilds[0]?.channels[1]?.id ?? '';
    await settings.changePolicy('1300000000000001000', { auditChannel: log });
    const reader = await user();
    await reader.open(log);
    await ada.command('imagine', RED);
    const told = await reader.waitForMessage((one) => /Kept back/.test(one.content), 30_000);
    assert.match(
      told.content,
      /by the safety checker: a picture for <@\d+> · <#\d+>.*red background/,
    );
    const sheet = { x: 'steps', values: '5,6', prompt: RED.prompt, seed: '7' };
    await ada.command('explore', sheet);
    const more = () => reader.messages().filter((one) => /Kept back/.test(one.content));
    await waitUntil(() => more().length > 1, 'told of the sheet', 30_000);
  });
});

test('a sheet marks what is kept back; every other cell opens its own picture', async () => {
  await onStage(engine, {}, async ({ user, queue, pictures }) => {
    const ada = await user();
    const values = `${mixed}..${mixed + 3}`;
    const sheet = { x: 'seed', values, ...STAR };
    await ada.command('explore', sheet);
    const isWhole = (one: PlaygroundMessage) => actionsOf(one).includes('cell');
    const done = await ada.waitForMessage(isWhole, 60_000);
    await waitUntil(async () => (await queue.archive.unsettled()).length === 0, 'delivered');
    // Four seeds are one batch, of which the store has fewer pictures than there are places.
    const [job, ...others] = await queue.archive.recent({ limit: 9 });
    assert.deepEqual(others, []);
    const { images, withheld = [] } = job!.result!;
    assert.ok(withheld.length > 0 && images.length > 0 && images.length + withheld.length === 4);
    assert.match(textOf(done), /^-# seed \d+.*: Kept back by the safety checker/m);

    const menu = buttonOf(done, 'cell');
    const shown = [0, 1, 2, 3].filter((index) => !withheld.includes(index));
    assert.deepEqual(optionsOf(done), shown.map(String));
    for (const index of shown) {
      const before = ada.messages().length;
      await ada.select(done.id, menu, [String(index)]);
      const isThere = () => ada.messages().length > before && textOf(ada.messages().at(-1)!) !== '';
      await waitUntil(isThere, `cell ${index}`, 10_000);
      const opened = ada.messages().at(-1)!;
      const seed = String(mixed + index);
      assert.ok(isPrivate(opened));
      assert.match(textOf(opened), new RegExp(`seed ${seed}\\b`));
      const stored = images.find((image) => image.seed === seed);
      const [url = ''] = picturesOf(opened);
      assert.deepEqual(await bytesAt(url), Buffer.from((await pictures.get(stored!.key))!));
      assert.match(String(await infotextAt(url)), new RegExp(`Seed: ${seed}\\b`));
    }
  });
});

test('an evolution whose picture is kept back shows none of the steps on the way', async () => {
  await onStage(engine, {}, async ({ user, queue }) => {
    const ada = await user();
    await ada.command('evolution', { ...RED, at: '1,2,5,6' });
    const isOver = (one: PlaygroundMessage) => actionsOf(one).join() === 'sheet-delete';
    const done = await ada.waitForMessage(isOver, 30_000);
    await waitUntil(async () => (await queue.archive.unsettled()).length === 0, 'delivered');
    assert.match(textOf(done), /That did not work.*\n.*\n.*\n-# Kept back by the safety checker/);
    assert.ok(picturesOf(done).every((url) => !url.includes('evolution.webp')));
  });
});

test('/models says who is watched', async () => {
  await onStage(engine, {}, async ({ user }) => {
    const ada = await user();
    await ada.command('models');
    await ada.waitForMessage((one) => /safety checker: on, unless/.test(textOf(one)));
  });
});
