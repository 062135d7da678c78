import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { tinyPng } from '../../support/tiny-png.ts';
import { isSheet } from '../../../src/explore/sheet/order.ts';
import {
  buttonOf,
  bytesAt,
  customIdsOf,
  fresh,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { story } from '../../support/hall.ts';
import { requestIn } from '../../support/jobs.ts';
import { MODELS, openEngine } from '../../support/engine.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { BEN, onStage as onStageOf, stagesOfFile, type Stage } from '../../support/stage.ts';
import { slowly } from '../../support/models/slow-network.ts';

/** A sheet of few, small steps is met half-way all the same. */
const SLOW = slowly(20);
const onStage = stagesOfFile(SLOW);

const ATELIER = '1300000000000001000';

const hasAction = (message: PlaygroundMessage, action: string): boolean =>
  customIdsOf(message).some((id) => id.split(':')[1] === action);
const isWhole = (message: PlaygroundMessage): boolean => hasAction(message, 'cell');
const sheetJobs = async (stage: Stage) =>
  (await stage.queue.archive.recent({ limit: 50 })).filter(({ context }) => isSheet(context));
const settled = (stage: Stage): Promise<void> =>
  waitUntil(async () => (await stage.queue.archive.unsettled()).length === 0, 'settled', 20_000);

test('a steps sheet grows cell by cell and ends with its curve in words', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const outcome = await ada.command('explore', {
      x: 'steps',
      values: '1,10,20',
      prompt: 'a red heart',
      seed: '7',
      sampler: 'euler',
    });
    assert.deepEqual(outcome, { type: 'acknowledged' });
    const done = await ada.waitForMessage(isWhole, 60_000);
    assert.equal(ada.messages().length, 1);
    const [sheet = '', curve = ''] = picturesOf(done);
    assert.match(sheet, /sheet\.webp/);
    assert.match(curve, /curve\.png/);
    assert.equal((await sharp(await bytesAt(sheet)).metadata()).format, 'webp');
    // One panel that a phone can show; all six are a press away.
    assert.equal((await sharp(await bytesAt(curve)).metadata()).width, 720);
    await ada.press(done.id, buttonOf(done, 'sheet-curves'));
    const isFull = (one: PlaygroundMessage) => isPrivate(one) && picturesOf(one).length === 1;
    const all = await ada.waitForMessage(isFull, 10_000);
    assert.equal((await sharp(await bytesAt(picturesOf(all)[0] ?? '')).metadata()).width, 1200);
    assert.match(textOf(done), /^3 pictures, .* of painting\n> a red heart\n-# demo · 128x128/m);
    assert.match(
      textOf(done),
      /euler\\?: (after \d+ steps nothing you would see changes|the picture still)/,
    );

    const states = ada.received.flatMap((one) => (one.type === 'message' ? [one.message] : []));
    const grown = states.filter((state) => picturesOf(state)[0]?.includes('sheet.webp'));
    assert.ok(grown.length >= 2, 'the sheet was shown before it was whole');
    assert.ok(states.some((state) => /\*\*Picture \d of 3\*\*/.test(textOf(state))));
    // What it takes is said before the first picture is there.
    assert.ok(states.some((state) => /3 pictures, \d+ steps/.test(textOf(state))));
    assert.doesNotMatch(textOf(done), /3 pictures, \d+ steps/);
    await settled(stage);
    const jobs = await sheetJobs(stage);
    assert.equal(jobs.length, 3);
    // What only the curve needed is gone.
    const last = jobs.toSorted((a, b) => b.startedAt! - a.startedAt!)[0]!;
    await waitUntil(async () => (await stage.pictures.get(`${last.id}.latents`)) === null, 'gone');
    assert.deepEqual(
      stage.lines.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
  });
});

test('a cell is opened, rerolled and taken as the default; only managers may do the last', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ada.command('explore', {
      x: 'cfg',
      values: '2,5',
      y: 'seed',
      'y-values': '7,8',
      prompt: 'a blue fish',
      steps: 1,
    });
    const sheet = await ada.waitForMessage(isWhole, 60_000);
    assert.equal(picturesOf(sheet).length, 1);
    await ada.select(sheet.id, buttonOf(sheet, 'cell'), ['3']);
    const opened = await ada.waitForMessage(
      (one) => isPrivate(one) && hasAction(one, 'cell-reroll'),
      10_000,
    );
    assert.match(textOf(opened), /cfg 5 · seed 8/);
    const picture = await sharp(await bytesAt(picturesOf(opened)[0] ?? '')).metadata();
    assert.deepEqual([picture.format, picture.width], ['png', 128]);

    // The value stands on the buttons.
    assert.match(JSON.stringify(opened.components), /"My default: cfg 5"/);
    assert.match(JSON.stringify(opened.components), /"The server's default: cfg 5"/);
    await ada.press(opened.id, buttonOf(opened, 'cell-default'));
    const saved = await ada.waitForMessage(
      (one) => textOf(one).includes("server's default: **cfg 5**"),
      10_000,
    );
    const guildId = (await sheetJobs(stage))[0]!.guildId;
    assert.deepEqual(await stage.settings.defaults(guildId), { cfg: 5 });

    await ada.press(opened.id, buttonOf(opened, 'cell-reroll'));
    const again = await ada.waitForMessage(isDone, 30_000);
    assert.match(textOf(again), /cfg 5/);

    // Undone, for as long as nobody has changed it again.
    const undo = buttonOf(saved, 'cell-undo');
    await ada.press(saved.id, undo);
    await ada.waitForMessage((one) => /Undone: nothing is set/.test(textOf(one)), 10_000);
    assert.deepEqual(await stage.settings.defaults(guildId), {});
    await stage.settings.change(guildId, { cfg: 9 });
    await ada.press(opened.id, buttonOf(opened, 'cell-default'));
    const second = await ada.waitForMessage(
      (one) => one.id !== saved.id && textOf(one).includes("server's default: **cfg 5**"),
      10_000,
    );
    await stage.settings.change(guildId, { cfg: 3 });
    await ada.press(second.id, buttonOf(second, 'cell-undo'));
    await ada.waitForMessage((one) => /changed again since/.test(textOf(one)), 10_000);
    await stage.settings.change(guildId, { cfg: 5 });
    await ada.press(second.id, buttonOf(second, 'cell-undo'));
    await ada.waitForMessage((one) => /default is \*\*cfg 9\*\* again/.test(textOf(one)), 10_000);
    assert.deepEqual(await stage.settings.defaults(guildId), { cfg: 9 });

    // One's own is everybody's; the server's only its managers are offered.
    await ben.select(sheet.id, buttonOf(sheet, 'cell'), ['0']);
    const bens = await ben.waitForMessage(
      (one) => isPrivate(one) && hasAction(one, 'cell-mine'),
      10_000,
    );
    assert.ok(!hasAction(bens, 'cell-default'));
    await ben.press(bens.id, buttonOf(bens, 'cell-mine'));
    const own = await ben.waitForMessage(
      (one) => textOf(one).includes('your default: **cfg 2**'),
      10_000,
    );
    await ben.command('imagine', { prompt: 'a boat', steps: 1, size: '64x64' });
    const bensOwn = await ben.waitForMessage(
      (one) => isDone(one) && textOf(one).includes('a boat'),
      30_000,
    );
    assert.match(textOf(bensOwn), /cfg 2/);
    await ben.press(own.id, buttonOf(own, 'cell-undo'));
    await ben.waitForMessage((one) => /Undone: nothing is set/.test(textOf(one)), 10_000);
    const forged = buttonOf(bens, 'cell-mine').replace('cell-mine', 'cell-default');
    await ben.press(bens.id, forged).catch(() => null);
    assert.deepEqual(await stage.settings.defaults(guildId), { cfg: 9 });
  });
});

test('other people’s pictures are painted between the cells', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ada.command('explore', {
      x: 'steps',
      values: '10..13',
      prompt: 'a tree',
      size: '64x64',
    });
    await ada.waitForMessage((one) => /Picture 1 of 4/.test(textOf(one)), 20_000);
    await ben.command('imagine', { prompt: 'a cat', steps: 1, size: '64x64' });
    await ben.waitForMessage(isDone, 30_000);
    const whole = ada.messages().some(isWhole);
    assert.ok(!whole, 'Ben did not wait for the whole sheet');
    await ada.waitForMessage(isWhole, 60_000);
    const jobs = await stage.queue.archive.recent({ limit: 20 });
    const order = jobs
      .toSorted((a, b) => a.startedAt! - b.startedAt!)
      .map((job) => requestIn(job).prompt);
    assert.ok(order.indexOf('a cat') <= 2, order.join());
  });
});

test('a restart in the middle: the sheet goes on in the same message, nothing is painted twice', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('explore', {
      x: 'steps',
      values: '6,10,12,14',
      prompt: 'a boat',
      seed: '3',
      size: '64x64',
    });
    await ada.waitForMessage((one) => /Picture [23] of 4/.test(textOf(one)), 30_000);
    const [before] = ada.messages();
    await stage.restart();
    const done = await ada.waitForMessage(isWhole, 60_000);
    assert.equal(done.id, before?.id);
    assert.equal(picturesOf(done).length, 2);
    await settled(stage);
    const jobs = await sheetJobs(stage);
    assert.deepEqual(
      jobs.map((job) => requestIn(job).steps).toSorted((a, b) => a - b),
      [6, 10, 12, 14],
    );
    assert.ok(jobs.every(({ status, delivered }) => status === 'done' && delivered));
  });
});

test('ended between two cells: the next start goes on from the finished one', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('explore', {
      x: 'steps',
      values: '10,12,14',
      prompt: 'a boat',
      seed: '3',
      size: '64x64',
    });
    await ada.waitForMessage((one) => /Picture 1 of 3/.test(textOf(one)), 30_000);
    // Without the bot the runner still paints, and nobody sends the next cell.
    await stage.bot.close();
    const finished = async () =>
      (await sheetJobs(stage)).every(({ status }) => status === 'done') &&
      (await stage.queue.archive.unsettled()).length === 1;
    await waitUntil(finished, 'a finished cell without a successor', 30_000);
    const painted = (await sheetJobs(stage)).length;
    assert.ok(painted < 3);
    await stage.restart();
    const done = await ada.waitForMessage(isWhole, 60_000);
    assert.equal(ada.messages().length, 1);
    assert.match(textOf(done), /^3 pictures/m);
    await settled(stage);
    const jobs = await sheetJobs(stage);
    assert.deepEqual(jobs.map((job) => requestIn(job).steps).toSorted(), [10, 12, 14]);
    assert.ok(
      jobs.every(({ attempt }) => attempt === 1),
      'no cell was painted twice',
    );
  });
});

test('its model is taken away while nobody runs: the message says so and is settled', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'darkroom-models-'));
  await cp(path.join(MODELS, 'demo'), path.join(root, 'demo'), { recursive: true });
  const own = await openEngine(root, SLOW);
  try {
    await onStageOf(own, {}, async (stage) => {
      const ada = await stage.user();
      await ada.command('explore', {
        x: 'steps',
        values: '5,30,40',
        prompt: 'a boat',
        size: '64x64',
      });
      await ada.waitForMessage((one) => /Picture 2 of 3/.test(textOf(one)), 30_000);
      await stage.restart(async () => {
        await rm(path.join(root, 'demo'), { recursive: true });
        // A list that was being read while the folder went names it once more.
        await waitUntil(async () => (await own.models()).length === 0, 'the model is gone', 20_000);
      });
      const told = await ada.waitForMessage((one) => /did not work/.test(textOf(one)), 40_000);
      assert.match(textOf(told), /There is no model .demo/);
      assert.equal(ada.messages().length, 1);
      await settled(stage);
    });
  } finally {
    await own.close();
    await rm(root, { recursive: true, force: true });
  }
});

test('sheets one after the other', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await story(t, 'what cannot be: a sentence for the person alone, and nothing is queued', () =>
      isRefused(stage, ada),
    );
    await story(
      t,
      'cells that the model refuses say why; what cannot be painted at all says nothing else',
      () => hasCellsThatAreRefused(ada),
    );
    await story(
      t,
      'strength: a start picture in, from untouched to repainted; without one, words',
      () => variesStrength(stage, ada),
    );
    await story(t, 'an evolution: strip and animation of one run', () => isAnEvolution(stage, ada));
    await story(t, 'an evolution ends with the step that its sampler really ended with', () =>
      endsWithTheLastStep(stage, ada),
    );
  });
});

async function isRefused(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const bad: readonly [Record<string, string | number>, RegExp][] = [
    [{ x: 'steps', values: ' , ' }, /steps has no values/],
    [{ x: 'steps', values: '5,5' }, /given twice/],
    [
      { x: 'steps', values: '1..9', y: 'cfg', 'y-values': '1..9' },
      /81 cells; at most 25 .* largest that fits/,
    ],
    [{ x: 'size', values: '128x128,130x128' }, /130x128 cannot be used/],
    [{ x: 'size' }, /Name the values of size/],
    [{ x: 'cfg', 'y-values': '1,2' }, /y-values needs y/],
    [{ x: 'cfg', y: 'cfg' }, /Both axes are cfg/],
  ];
  for (const [options, words] of bad) {
    await ada.command('explore', { prompt: 'x', ...options });
    await ada.waitForMessage((one) => isPrivate(one) && words.test(textOf(one)), 10_000);
  }
  await ada.command('evolution', { prompt: 'x', steps: 5, at: '9' });
  await ada.waitForMessage((one) => /no step 9/.test(textOf(one)), 10_000);
  assert.equal((await stage.queue.archive.recent({ limit: 5 })).length, 0);
}

async function hasCellsThatAreRefused(ada: PlaygroundUserClient): Promise<void> {
  const order = { x: 'steps', prompt: 'a cat', seed: '7', sampler: 'ddim', size: '64x64' };
  await ada.command('explore', { ...order, values: '1,2,3' });
  const done = await ada.waitForMessage(isWhole, 30_000);
  assert.match(textOf(done), /^2 pictures, /m);
  assert.match(textOf(done), /^-# steps 1: The sampler ddim needs at least 2 steps/m);
  const none = { ...order, values: '1', y: 'sampler', 'y-values': 'ddim,plms,unipc' };
  await ada.command('explore', none);
  const failed = await ada.waitForMessage((one) => /did not work/.test(textOf(one)), 30_000);
  assert.deepEqual(picturesOf(failed), []);
  assert.match(textOf(failed), /^-# steps 1 · sampler plms: /m);
  assert.equal(textOf(failed).match(/^-# steps 1 · sampler/gm)?.length, 3);
  assert.ok(!hasAction(failed, 'cell'));
}

async function variesStrength(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const order = { x: 'strength', values: '0,0.5,1', prompt: 'a red heart', steps: 4, seed: '7' };
  const ordered = async () =>
    (await sheetJobs(stage)).filter((job) => requestIn(job).prompt === order.prompt);
  await ada.command('explore', order);
  await ada.waitForMessage((one) => isPrivate(one) && /needs a start picture/.test(textOf(one)));
  assert.equal((await ordered()).length, 0);

  const image = await ada.upload('start.png', 'image/png', tinyPng(128, 128));
  const sheet = fresh(ada);
  await ada.command('explore', { ...order, image: image.id });
  await sheet(isWhole, 60_000);
  await settled(stage);
  const jobs = (await ordered()).toSorted(
    (a, b) => requestIn(a).init!.strength - requestIn(b).init!.strength,
  );
  assert.deepEqual(
    jobs.map((job) => requestIn(job).init?.strength),
    [0, 0.5, 1],
  );
  // The start picture is one even grey: the more is repainted, the less of it is left.
  const spread = async (key: string): Promise<number> => {
    const { channels } = await sharp((await stage.pictures.get(key))!).stats();
    return Math.max(...channels.map(({ stdev }) => stdev));
  };
  const [kept = 0, half = 0, repainted = 0] = await Promise.all(
    jobs.map(({ result }) => spread(result!.images[0]!.key)),
  );
  assert.ok(kept < half && half < repainted, `${kept} ${half} ${repainted}`);
}

async function isAnEvolution(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const [earlier, evolution] = [(await sheetJobs(stage)).length, fresh(ada)];
  await ada.command('evolution', {
    prompt: 'a house',
    steps: 9,
    at: '1,4,8',
    seed: '5',
    size: '64x64',
  });
  const done = await evolution((one) => picturesOf(one).length === 2, 40_000);
  const [strip = '', film = ''] = picturesOf(done);
  assert.match(strip, /sheet\.webp/);
  assert.equal((await sharp(await bytesAt(film)).metadata()).pages, 4);
  await settled(stage);
  const [job, ...others] = await sheetJobs(stage);
  assert.equal(others.length, earlier);
  await waitUntil(
    async () => (await stage.pictures.get(`${job!.id}-step-8.png`)) === null,
    'what only the animation needed is gone',
  );
  assert.notEqual(await stage.pictures.get(`${job!.id}-0.png`), null);
}

async function endsWithTheLastStep(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  // The first takes more steps than it was asked for, the second one fewer.
  for (const [sampler, pages] of [
    ['dpm_adaptive', 4],
    ['plms', 3],
  ] as const) {
    await ada.command('evolution', {
      prompt: sampler,
      steps: 10,
      at: '1,5',
      seed: '7',
      sampler,
      size: '64x64',
    });
    const isOver = (one: PlaygroundMessage) =>
      textOf(one).includes(`> ${sampler.replace('_', '\\_')}`) && picturesOf(one).length === 2;
    const done = await ada.waitForMessage(isOver, 40_000);
    const [, film = ''] = picturesOf(done);
    assert.equal((await sharp(await bytesAt(film)).metadata()).pages, pages);
    await settled(stage);
    const [job] = await sheetJobs(stage);
    const { stepSeconds = [], snapshots = [] } = job!.result!;
    assert.equal(sampler === 'plms', stepSeconds.length < 10);
    assert.equal(snapshots.length, sampler === 'plms' ? 2 : 3);
  }
}

test('sheets that end before they are whole', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await story(t, 'Stop leaves the cells there are, Delete none; only the owner may', () =>
      isStopped(stage, ada),
    );
    await story(
      t,
      'the server’s rules hold for sheets: its words, and the day’s seconds between two cells',
      () => holdsTheRules(stage, ada),
    );
  });
});

async function isStopped(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const cleo = await stage.user('1200000000000000003');
  await ada.command('explore', {
    x: 'steps',
    values: '5,100,101,102',
    prompt: 'an owl',
    size: '64x64',
  });
  const running = await ada.waitForMessage((one) => /Picture 2 of 4/.test(textOf(one)), 30_000);
  await cleo.press(running.id, buttonOf(running, 'sheet-stop'));
  await ada.press(running.id, buttonOf(running, 'sheet-stop'));
  const stopped = await ada.waitForMessage(
    (one) => /Stopped\*\* after 1 of 4/.test(textOf(one)),
    20_000,
  );
  assert.ok(picturesOf(stopped)[0]?.includes('sheet.webp'));
  await settled(stage);
  assert.equal((await sheetJobs(stage)).length, 2);

  const keys = (await sheetJobs(stage)).flatMap(({ result }) => result?.images ?? []);
  assert.equal(keys.length, 1);
  await cleo.press(stopped.id, buttonOf(stopped, 'sheet-delete'));
  await cleo.waitForMessage((one) => /can delete it/.test(textOf(one)), 10_000);
  assert.notEqual(await stage.pictures.get(keys[0]!.key), null);
  const asked = await ada.press(stopped.id, buttonOf(stopped, 'sheet-delete'));
  assert.equal(asked.type, 'modal');
  assert.ok(
    ada.messages().some(({ id }) => id === stopped.id),
    'nothing is gone yet',
  );
  await ada.pressSure(stopped.id, buttonOf(stopped, 'sheet-delete'));
  await waitUntil(() => !ada.messages().some(({ id }) => id === stopped.id), 'taken away');
  await waitUntil(async () => (await stage.pictures.get(keys[0]!.key)) === null, 'gone');
}

async function holdsTheRules(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const [earlier, refusal] = [(await sheetJobs(stage)).length, fresh(ada)];
  await stage.settings.changePolicy(ATELIER, { words: ['goblin'] });
  await ada.command('explore', { x: 'steps', values: '1,2', prompt: 'a goblin' });
  await refusal(isPrivate, 10_000);
  assert.equal((await sheetJobs(stage)).length, earlier);

  const small = { size: '64x64' };
  const used = async () => (await stage.queue.line.usage(ATELIER, ada.userId)).seconds;
  let before = 0;
  // The first picture loads the model: only the second one's seconds say what the next will take.
  for (const prompt of ['a tree', 'a boat']) {
    before = await used();
    await ada.command('imagine', { prompt, steps: 10, ...small });
    await ada.waitForMessage((one) => isDone(one) && textOf(one).includes(prompt), 20_000);
    await waitUntil(async () => (await used()) > before, 'charged');
  }
  // Enough for the first two on a machine that gets three times busier, and a third of the next on one that gets idle.
  const seconds = (await used()) + 6 * ((await used()) - before);
  await stage.settings.changePolicy(ATELIER, { words: [], everybody: { seconds } });
  const sheet = { x: 'steps', values: '10,11,190,191', prompt: 'a boat', ...small };
  await ada.command('explore', sheet);
  const done = await ada.waitForMessage(isWhole, 40_000);
  assert.match(textOf(done), /^(one picture|2 pictures), /m);
  // What was not begun says why.
  assert.match(textOf(done), /^-# steps .*steps 191: .* left today/m);
  await settled(stage);
  assert.ok((await sheetJobs(stage)).length <= earlier + 2);
}
