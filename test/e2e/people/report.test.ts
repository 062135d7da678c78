import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { isSheet } from '../../../src/explore/sheet/order.ts';
import { requestIn } from '../../support/jobs.ts';
import {
  buttonOf,
  customIdsOf,
  isPrivate,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { BEN, stagesOfFile, type Stage } from '../../support/stage.ts';
import { tinyPng } from '../../support/tiny-png.ts';

const onStage = stagesOfFile();
const ATELIER = '1300000000000001000';

const hasAction = (message: PlaygroundMessage, action: string): boolean =>
  customIdsOf(message).some((id) => id.split(':')[1] === action);
const sheetJobs = async (stage: Stage) =>
  (await stage.queue.archive.recent({ limit: 50 })).filter(({ context }) => isSheet(context));
const ORDER = {
  x: 'cfg',
  values: '2,5',
  y: 'steps',
  'y-values': '1,2',
  size: '64x64',
  prompt: 'a red heart',
  seeds: 2,
  seed: '7',
  report: true,
};
const PROMPTS = Buffer.from('# notes\r\na boat\n</script><b>a "tree"</b>\n');

test('a report for managers: its cost first, then one page, also after a restart', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.command('explore', ORDER);
    await ben.waitForMessage((one) => /may manage this server/.test(textOf(one)), 10_000);
    const prompts = await ada.upload('prompts.txt', 'text/plain', PROMPTS);
    await ada.command('explore', { ...ORDER, prompts: prompts.id });
    const offer = await ada.waitForMessage((one) => hasAction(one, 'report-paint'), 20_000);
    assert.ok(isPrivate(offer));
    assert.match(textOf(offer), /\*\*24 pictures\*\*, 9 steps/);
    assert.equal((await sheetJobs(stage)).length, 0);

    // The offer outlives the program.
    await stage.restart();
    await ada.press(offer.id, buttonOf(offer, 'report-paint'));
    await ada.waitForMessage((one) => /Picture \d/.test(textOf(one)), 30_000);
    await stage.restart();
    const isWhole = (one: PlaygroundMessage) =>
      !isPrivate(one) && JSON.stringify(one.components).includes('report.html');
    const done = await ada.waitForMessage(isWhole, 60_000);
    assert.match(textOf(done), /^24 pictures, .* of painting\n> a red heart\n> a boat\n/m);
    const jobs = await sheetJobs(stage);
    const painted = jobs.reduce((sum, { result }) => sum + (result?.images.length ?? 0), 0);
    assert.equal(painted, 24);
    assert.deepEqual([...new Set(jobs.map((job) => requestIn(job).prompt))].toSorted(), [
      '</script><b>a "tree"</b>',
      'a boat',
      'a red heart',
    ]);
    await waitUntil(
      async () => (await stage.queue.archive.unsettled()).length === 0,
      'settled',
      20_000,
    );
    const last = jobs.find(
      ({ result, context }) => result?.drawn !== undefined && context['at'] === jobs.length - 1,
    );
    const page = String(Buffer.from((await stage.pictures.get(`${last!.id}.report.html`))!));
    assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
    assert.equal(page.match(/<script/g)?.length, 2);
    assert.equal(page.match(/"picture":"/g)?.length, 24);
    assert.match(page, /settles|still changes/);

    await ada.command('recent', {});
    const list = await ada.waitForMessage(
      (one) => /report of cfg x steps/.test(textOf(one)),
      10_000,
    );
    assert.equal(textOf(list).match(/<t:\d+:R>/g)?.length, 1);
    // What was painted once is not painted again by the same button.
    await ada.press(offer.id, buttonOf(offer, 'report-paint'));
    await ada.waitForMessage((one) => /ask for the report again/.test(textOf(one)), 10_000);
  });
});

test('no prompt of a report passes the word lists, and what is too large says so', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await stage.settings.changePolicy(ATELIER, { words: ['goblin'] });
    const refused = async (file: Buffer, more: object, words: RegExp): Promise<void> => {
      const said = () =>
        ada.messages().filter((one) => isPrivate(one) && words.test(textOf(one))).length;
      const before = said();
      const prompts = await ada.upload('prompts.txt', 'text/plain', file);
      await ada.command('explore', { ...ORDER, ...more, prompts: prompts.id });
      await waitUntil(() => said() > before, String(words), 10_000);
    };
    await refused(Buffer.from('a boat\na gob(lin:1)'), {}, /do not allow this prompt/);
    await refused(Buffer.from('a boat\na nude cat'), {}, /age-restricted/);
    await refused(Buffer.from([0xff, 0xfe, 0x00, 0xd8]), {}, /no text in UTF-8/);
    await refused(Buffer.from('x'.repeat(9000)), {}, /at most 8000 letters/);
    await refused(
      Buffer.from(Array.from({ length: 40 }, (_, at) => `boat ${at}`).join('\n')),
      {},
      /prompts are too many/,
    );
    await refused(
      Buffer.from('a boat'),
      { values: '1..30', 'y-values': '1..9' },
      /largest that fits/,
    );
    await refused(Buffer.from('a boat'), { z: 'pag', 'z-values': '0,1' }, /third axis of a report/);
    assert.equal((await stage.queue.archive.recent({ limit: 5 })).length, 0);
  });
});

test('an offer with a start picture: refused by a rule of meanwhile it can be confirmed later, once', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const picture = await ada.upload('start.png', 'image/png', tinyPng(64, 64));
    const order = { ...ORDER, seeds: 1, y: 'strength', 'y-values': '0.5,0.9', image: picture.id };
    await ada.command('explore', { ...order, steps: 2 });
    const offer = await ada.waitForMessage((one) => hasAction(one, 'report-paint'), 20_000);
    await stage.restart();
    await stage.settings.changePolicy(ATELIER, { words: ['heart'] });
    const paint = () => ada.press(offer.id, buttonOf(offer, 'report-paint'));
    await paint();
    await ada.waitForMessage((one) => /do not allow this prompt/.test(textOf(one)), 20_000);
    await stage.settings.changePolicy(ATELIER, { words: [] });
    // Two presses are one report.
    await Promise.all([paint(), paint()]);
    await ada.waitForMessage((one) => /ask for the report again/.test(textOf(one)), 20_000);
    const isOver = async () => (await stage.queue.archive.unsettled()).length === 0;
    await waitUntil(async () => (await sheetJobs(stage)).length > 0, 'begun', 20_000);
    await waitUntil(isOver, 'settled', 60_000);
    const jobs = await sheetJobs(stage);
    const painted = jobs.reduce((sum, { result }) => sum + (result?.images.length ?? 0), 0);
    assert.equal(painted, 4);
    assert.ok(jobs.every((job) => requestIn(job).init !== null));
  });
});
