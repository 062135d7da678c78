import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { isSheet } from '../../../src/explore/sheet/order.ts';
import { requestIn } from '../../support/jobs.ts';
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
import { slowly } from '../../support/models/slow-network.ts';
import { stagesOfFile, type Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));
const ATELIER = '1300000000000001000';

const isWhole = (message: PlaygroundMessage): boolean =>
  customIdsOf(message).some((id) => id.split(':')[1] === 'cell');
const sheetJobs = async (stage: Stage) =>
  (await stage.queue.archive.recent({ limit: 50 })).filter(({ context }) => isSheet(context));

const WORD = /rules of this server do not allow this prompt/;

test('prompt, lora and negative axes pass neither the word lists nor the NSFW ceiling', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await stage.settings.changePolicy(ATELIER, { words: ['goblin'] });
    const cat = { prompt: 'a cat', negative: 'blurry', steps: 1, size: '64x64' };
    const refused = async (options: Record<string, string | number>, words: RegExp) => {
      const said = () =>
        ada.messages().filter((one) => isPrivate(one) && words.test(textOf(one))).length;
      const before = said();
      await ada.command('explore', { ...cat, ...options });
      await waitUntil(() => said() > before, JSON.stringify(options), 10_000);
    };
    await refused({ x: 'prompt', values: 'cat,dog,goblin' }, WORD);
    // Neither half is a word of the list.
    await refused({ x: 'prompt', values: 'cat,gob', prompt: 'a catlin' }, WORD);
    await refused({ x: 'prompt', values: 'cat,gob(lin:1)' }, WORD);
    await refused({ x: 'seed', values: '1,2', y: 'prompt', 'y-values': 'cat,nude' }, /nude/i);
    await refused(
      { x: 'steps', values: '1,2', z: 'prompt', 'z-values': 'cat,a nu(de:1) cat' },
      /nude/i,
    );
    await refused({ x: 'negative', values: 'blurry,goblin' }, WORD);
    await refused({ x: 'prompt', values: 'blurry,goblin' }, WORD);
    // Of a scale below 1 the negative prompt is what is painted.
    await refused({ x: 'negative', values: 'blurry,nude', y: 'cfg', 'y-values': '0.5,5' }, /nude/i);
    await refused({ x: 'lora', values: 'goblin: 0.5,1' }, /lora 0\.5 cannot be used/);
    await refused({ x: 'prompt', values: 'cat,{goblin|goblin}' }, WORD);
    assert.equal((await stage.queue.archive.recent({ limit: 5 })).length, 0);
    await ada.command('explore', { ...cat, x: 'prompt', values: 'cat,{dog|dog}' });
    await ada.waitForMessage(isWhole, 30_000);
    const painted = (await sheetJobs(stage)).map((job) => requestIn(job).prompt);
    assert.deepEqual(painted.toSorted(), ['a cat', 'a dog']);
  });
});

test('a third axis is a sheet a value, all in one message; cells of each are opened', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('explore', {
      x: 'prompt',
      values: 'heart,star',
      y: 'cfg',
      'y-values': '2,5',
      z: 'seed',
      'z-values': '3,4',
      prompt: 'a red heart',
      steps: 1,
      size: '64x64',
    });
    const done = await ada.waitForMessage(isWhole, 60_000);
    const pictures = picturesOf(done);
    assert.equal(pictures.length, 2);
    const sizes = [];
    for (const one of pictures) {
      const { format, width, height } = await sharp(await bytesAt(one)).metadata();
      sizes.push([format, width, height].join(' '));
    }
    assert.equal(new Set(sizes).size, 1, String(sizes));
    assert.match(textOf(done), /^8 pictures, /m);
    await ada.select(done.id, buttonOf(done, 'cell'), ['7']);
    const opened = await ada.waitForMessage(
      (one) => isPrivate(one) && customIdsOf(one).some((id) => id.includes(':cell-reroll:')),
      10_000,
    );
    assert.match(textOf(opened), /> a red star\n.*cfg 5 · seed 4/);

    // One row in the list of one's pictures, with its picture; opened there, all of it.
    await ada.command('imagine', { prompt: 'a boat', steps: 1, size: '64x64' });
    await ada.waitForMessage((one) => isDone(one) && /a boat/.test(textOf(one)), 30_000);
    await ada.command('recent', {});
    const list = await ada.waitForMessage(
      (one) => isPrivate(one) && /sheet of prompt x cfg x seed, 8 pictures/.test(textOf(one)),
      10_000,
    );
    assert.equal(textOf(list).match(/sheet of/g)?.length, 1);
    assert.equal(textOf(list).match(/<t:\d+:R>/g)?.length, 2);
    assert.equal(JSON.stringify(list.components).match(/attachment|thumb-/g) === null, false);
    const menu = buttonOf(list, 'recent-show');
    const [last] = (await sheetJobs(stage)).toSorted((a, b) => b.createdAt - a.createdAt);
    await ada.select(list.id, menu, [last!.id]);
    const record = await ada.waitForMessage(
      (one) => isPrivate(one) && one.id !== list.id && picturesOf(one).length === 2,
      10_000,
    );
    assert.ok(isWhole(record));
    await ada.command('stats', {});
    const stats = await ada.waitForMessage((one) => /\b2 (orders|jobs)/.test(textOf(one)), 10_000);
    assert.match(textOf(stats), /9 pictures/);
    // One row for the sheet, with what it came to; the single picture has none.
    assert.equal(textOf(stats).match(/sheet of prompt x cfg x seed, 8 pictures/g)?.length, 1);
    assert.equal(textOf(stats).match(/<t:\d+:R>/g)?.length, 1);
    assert.match(JSON.stringify(stats.components), /"accessory":\{[^{]*"type":11/);
    ada.dismiss(record.id);
    await ada.select(stats.id, buttonOf(stats, 'recent-show'), [last!.id]);
    await ada.waitForMessage(
      (one) => ![list.id, record.id, stats.id].includes(one.id) && picturesOf(one).length === 2,
      10_000,
    );
    assert.deepEqual(
      stage.lines.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
  });
});

test('what is kept back before delivery is decided by every cell, not by the first', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('explore', {
      x: 'prompt',
      values: 'cat,rose,boat',
      prompt: 'a cat',
      steps: 8,
      size: '64x64',
    });
    await ada.waitForMessage((one) => /Picture \d of 3/.test(textOf(one)), 30_000);
    await stage.settings.changePolicy(ATELIER, { words: ['rose'] });
    await waitUntil(
      async () => (await stage.queue.archive.unsettled()).length === 0,
      'settled',
      40_000,
    );
    const shown = ada.messages().filter((one) => !isPrivate(one));
    assert.ok(shown.every((one) => picturesOf(one).length === 0 && !isWhole(one)));
  });
});

test('a sheet of prompts goes on after a restart, each cell once', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('explore', {
      x: 'prompt',
      values: 'cat,boat',
      z: 'hires',
      'z-values': '1,1.5',
      prompt: 'a cat',
      steps: 8,
      size: '64x64',
      seed: '3',
    });
    // Edits are limited: any cell will do.
    await ada.waitForMessage((one) => /Picture \d of 4/.test(textOf(one)), 30_000);
    await stage.restart();
    const done = await ada.waitForMessage(isWhole, 60_000);
    assert.equal(ada.messages().length, 1);
    assert.equal(picturesOf(done).length, 2);
    const painted = (await sheetJobs(stage)).map(
      (job) => `${requestIn(job).prompt} ${requestIn(job).hires?.scale ?? 1}`,
    );
    assert.deepEqual(painted.toSorted(), ['a boat 1', 'a boat 1.5', 'a cat 1', 'a cat 1.5']);
  });
});
