import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import {
  buttonOf,
  bytesAt,
  customIdsOf,
  fresh,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
} from '../../support/discord/messages.ts';
import { story } from '../../support/hall.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile();
const PATIENCE = 60_000;

async function painted(ada: PlaygroundUserClient, options: Record<string, string | number>) {
  const made = fresh(ada);
  await ada.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64', ...options });
  return made(isDone, PATIENCE);
}

test('what the menus of pictures offer', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await story(t, 'Edit, Use as start and Upscale from the menu of a picture of ours', () =>
      isWorkedOn(ada),
    );
    await story(t, 'Explore this: a form with what to vary, and a sheet around the picture', () =>
      isExplored(stage, ada),
    );
    await story(
      t,
      'pictures that people posted: enlarged without a mark, started from, edited',
      () => takesWhatPeoplePosted(ada),
    );
    await story(
      t,
      'a refused Remix comes back as it was typed, and what it makes is for everybody',
      () => isTypedAgain(ada),
    );
    await story(t, '/describe reads recipes, says so, and guesses nothing', () => isDescribed(ada));
  });
});

async function isWorkedOn(ada: PlaygroundUserClient): Promise<void> {
  const first = await painted(ada, { count: 2, seed: '3' });
  const edit = await ada.command('Edit', {}, first.id);
  assert.ok(edit.type === 'modal' && /"value":"a lamp"/.test(JSON.stringify(edit.modal)));

  await ada.command('Use as start', {}, first.id);
  const asked = await ada.waitForMessage((one) => /Which of the pictures/.test(textOf(one)));
  const second = customIdsOf(asked)[1] ?? '';
  const form = await ada.press(asked.id, second);
  assert.ok(form.type === 'modal' && /repaints it/.test(JSON.stringify(form.modal)));
  const over = fresh(ada);
  const said = { prompt: 'a lamp', negative: '', strength: '0.5', steps: '2', seed: '' };
  await ada.submitModal(form, said);
  const made = await over(isDone, PATIENCE);
  assert.match(textOf(made), /Painted over/);
  assert.ok(!isPrivate(made), 'what comes of a picture for all is for all');

  const larger = fresh(ada);
  await ada.command('Upscale', {}, made.id);
  const large = await larger((one) => /Enlarged/.test(textOf(one)), PATIENCE);
  assert.equal((await sharp(await bytesAt(picturesOf(large)[0] ?? '')).metadata()).width, 128);
}

async function isExplored(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const first = await painted(ada, { seed: '3' });
  const form = await ada.command('Explore this', {}, first.id);
  assert.ok(form.type === 'modal');
  const sheet = fresh(ada);
  await ada.submitModal(form, { x: ['cfg'], values: '2,6', prompt: 'a lamp' });
  const done = await sheet((one) => customIdsOf(one).some((id) => id.includes(':cell:')), PATIENCE);
  assert.match(textOf(done), /a lamp/);
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(typeof job?.request === 'object' && job.request.seed === 3n);
}

async function takesWhatPeoplePosted(ada: PlaygroundUserClient): Promise<void> {
  const plain = await sharp({
    create: { width: 80, height: 48, channels: 3, background: '#2a6' },
  })
    .png()
    .toBuffer();
  const { id } = await ada.upload('green.png', 'image/png', plain);
  const said = fresh(ada);
  ada.say('look', [id]);
  const posted = await said((one) => one.attachments.length === 1);
  const larger = fresh(ada);
  await ada.command('Upscale', {}, posted.id);
  const large = await larger((one) => /Enlarged/.test(textOf(one)), PATIENCE);
  const bytes = await bytesAt(picturesOf(large)[0] ?? '');
  assert.equal((await sharp(bytes).metadata()).width, 160);
  assert.ok(!bytes.includes('trainedAlgorithmicMedia'), 'nobody knows that a model made it');
  for (const name of ['Edit', 'Use as start']) {
    const form = await ada.command(name, {}, posted.id);
    assert.ok(form.type === 'modal' && /80x48|size/.test(JSON.stringify(form.modal)), name);
  }
  await ada.command('Explore this', {}, posted.id);
  await ada.waitForMessage((one) => isPrivate(one) && /carry no recipe/.test(textOf(one)));
}

async function isTypedAgain(ada: PlaygroundUserClient): Promise<void> {
  const first = await painted(ada, {});
  const form = await ada.press(first.id, buttonOf(first, 'remix'));
  assert.ok(form.type === 'modal');
  const typed = { prompt: 'a tower', negative: 'fog', steps: 'many', cfg: '4', seed: '' };
  const refused = fresh(ada);
  await ada.submitModal(form, typed);
  const refusal = await refused((one) => isPrivate(one) && /steps/.test(textOf(one)));
  const again = await ada.press(refusal.id, buttonOf(refusal, 'form-again'));
  assert.ok(again.type === 'modal');
  for (const value of ['a tower', 'fog', 'many']) {
    assert.ok(JSON.stringify(again.modal).includes(`"value":"${value}"`), value);
  }
  const made = fresh(ada);
  await ada.submitModal(again, { ...typed, steps: '1' });
  const done = await made((one) => isDone(one) && /a tower/.test(textOf(one)), PATIENCE);
  assert.ok(!isPrivate(done));
}

async function isDescribed(ada: PlaygroundUserClient): Promise<void> {
  const first = await painted(ada, { seed: '77' });
  const png = await bytesAt(picturesOf(first)[0] ?? '');
  const own = await ada.upload('mine.png', 'image/png', png);
  await ada.command('describe', { image: own.id });
  const told = await ada.waitForMessage((one) => isPrivate(one) && /Seed: 77/.test(textOf(one)));
  assert.match(textOf(told), /I read recipes only/);
  const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#2a6' } })
    .png()
    .toBuffer();
  const other = await ada.upload('plain.png', 'image/png', plain);
  await ada.command('describe', { image: other.id });
  await ada.waitForMessage((one) => isPrivate(one) && /carries no recipe/.test(textOf(one)));
}
