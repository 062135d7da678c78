/** A picture edited by a sentence, with a tiny FLUX.2 beside the embedded model. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { formOf } from '../../support/discord/forms.ts';
import { goldenModel } from '../../support/golden/golden-dit.ts';
import { customIdsOf, isDone, isPrivate, textOf } from '../../support/discord/messages.ts';
import { withPicture } from '../../support/models/edit-model.ts';
import {
  originalNames,
  referenceModel,
  writeWeights,
} from '../../support/models/reference-checkpoint.ts';
import { MODELS, openEngine } from '../../support/engine.ts';
import { onStage as onStageOf, stagesOfFile } from '../../support/stage.ts';

const PATIENCE = 60_000;
const onStage = stagesOfFile();

test('Edit shows a model the picture and up to three more, and says what it came from', async (t) => {
  const klein = await goldenModel(t, 'klein/diffusers');
  if (klein === null) return;
  const root = await mkdtemp(path.join(tmpdir(), 'reword-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await cp(path.join(MODELS, 'demo'), path.join(root, 'demo'), { recursive: true });
  await symlink(klein, path.join(root, 'klein'));
  const engine = await openEngine(root);
  t.after(() => engine.close());
  await onStageOf(engine, {}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'a lamp', model: 'demo', steps: 1, size: '64x64' });
    const first = await ada.waitForMessage(isDone, PATIENCE);
    const edit = await ada.command('Edit', {}, first.id);
    assert.ok(edit.type === 'modal');
    assert.match(JSON.stringify(edit.modal), /What shall be different/);
    const other = await sharp({
      create: { width: 80, height: 64, channels: 3, background: '#a33' },
    })
      .png()
      .toBuffer();
    const { id } = await ada.upload('other.png', 'image/png', other);
    const words = { prompt: 'the lamp is red', seed: '4', more: [id] };
    await ada.submitModal(edit, words);
    const made = await ada.waitForMessage((one) => one.id !== first.id && isDone(one), PATIENCE);
    assert.match(textOf(made), /> the lamp is red[^]*klein[^]*Edited from/);
    assert.ok(!isPrivate(made), 'what comes of a picture for all is for all');
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    const request = job?.request as { references?: readonly Uint8Array[]; width?: number };
    assert.equal(request.references?.length, 2);
    assert.equal(request.width, 64);

    const remix = await ada.press(made.id, customIdsOf(made).find((id) => /remix/.test(id)) ?? '');
    assert.ok(remix.type === 'modal', 'klein was distilled to paint without guidance');
    assert.doesNotMatch(JSON.stringify(remix.modal), /"custom_id":"cfg"/);
    assert.doesNotMatch(textOf(made), /cfg/);
    const posted = await Promise.all(
      ['#2a6', '#62a'].map(async (background) => {
        const size = { width: 96, height: 64, channels: 3, background } as const;
        const { id } = await ada.upload(
          'p.png',
          'image/png',
          await sharp({ create: size }).png().toBuffer(),
        );
        return id;
      }),
    );
    ada.say('look', posted);
    const look = await ada.waitForMessage((one) => one.attachments.length === 2, PATIENCE);
    const found = await formOf(ada, 'Edit', look.id);
    assert.match(JSON.stringify(found.modal), /What shall be different[^]*"max_values":2/);
    const third = await ada.upload('other.png', 'image/png', other);
    const said = { prompt: 'the first in the second', seed: '5', more: [third.id] };
    await ada.submitModal(found, said);
    const theirs = await ada.waitForMessage(
      (one) => /> the first in the second/.test(textOf(one)) && isDone(one),
      PATIENCE,
    );
    assert.match(textOf(theirs), /klein[^]*Edited from/);
    const [edited] = await stage.queue.archive.recent({ limit: 1 });
    const shown = edited?.request as { references?: readonly Uint8Array[]; width?: number };
    assert.equal(shown.references?.length, 3);
    assert.equal(shown.width, 96);
    ada.say('no picture here', []);
    const bare = await ada.waitForMessage((one) => textOf(one).includes('no picture here'));
    await ada.command('Edit', {}, bare.id);
    await ada.waitForMessage((one) => isPrivate(one) && /no picture/i.test(textOf(one)), PATIENCE);

    await ada.command('imagine', {
      prompt: 'a star',
      model: 'demo',
      steps: 1,
      size: '64x64',
      count: 2,
    });
    const batch = await ada.waitForMessage(
      (one) => ![first.id, made.id, theirs.id].includes(one.id) && isDone(one),
      PATIENCE,
    );
    await ada.command('Edit', {}, batch.id);
    const asked = await ada.waitForMessage((one) => /Which of the pictures/.test(textOf(one)));
    const form = await ada.press(asked.id, customIdsOf(asked)[1] ?? '');
    assert.ok(form.type === 'modal' && /What shall be different/.test(JSON.stringify(form.modal)));
  });
});

test('an InstructPix2Pix is shown one picture, and the image that /imagine begins with is the one it edits', async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), 'reword-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await cp(path.join(MODELS, 'demo'), path.join(root, 'demo'), { recursive: true });
  const reference = await referenceModel();
  const editor = { ...reference, unet: await withPicture(reference.unet) };
  await writeWeights(path.join(root, 'pix.safetensors'), originalNames(editor));
  const engine = await openEngine(root);
  t.after(() => engine.close());
  await onStageOf(engine, {}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64' });
    const first = await ada.waitForMessage(isDone, PATIENCE);
    assert.match(textOf(first), /demo/, 'who names no model gets one that needs no picture');
    const edit = await ada.command('Edit', {}, first.id);
    assert.ok(edit.type === 'modal');
    assert.doesNotMatch(JSON.stringify(edit.modal), /More pictures/);
    await ada.submitModal(edit, { prompt: 'the lamp is red --steps 2 --image-cfg 1.2', seed: '4' });
    const made = await ada.waitForMessage((one) => one.id !== first.id && isDone(one), PATIENCE);
    assert.match(textOf(made), /> the lamp is red[^]*pix[^]*Edited from/);
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    const asked = job?.request as { imageGuidanceScale?: number };
    assert.equal(asked.imageGuidanceScale, 1.2);

    const picture = await sharp({
      create: { width: 64, height: 64, channels: 3, background: '#a33' },
    })
      .png()
      .toBuffer();
    const { id } = await ada.upload('other.png', 'image/png', picture);
    const words = { prompt: 'make it blue', model: 'pix', steps: 2, size: '64x64' };
    await ada.command('imagine', { ...words, image: id });
    await ada.waitForMessage(
      (one) => one.id !== first.id && one.id !== made.id && isDone(one),
      PATIENCE,
    );
    const [second] = await stage.queue.archive.recent({ limit: 1 });
    const shown = second?.request as { init?: unknown } | undefined;
    assert.equal(shown?.init, null);
    await ada.command('imagine', words);
    await ada.waitForMessage((one) => /show it the one to edit/.test(textOf(one)), PATIENCE);
  });
});

test('where no model edits pictures, the menu says so', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64' });
    const first = await ada.waitForMessage(isDone, PATIENCE);
    const menu = customIdsOf(first).find((id) => /:use:|^use/.test(id)) ?? '';
    await ada.select(first.id, menu, ['0-edit']);
    await ada.waitForMessage((one) => /No model here edits pictures/.test(textOf(one)), PATIENCE);
  });
});
