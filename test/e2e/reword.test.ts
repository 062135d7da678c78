/** A picture edited by a sentence, with a tiny FLUX.2 beside the embedded model. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { goldenModel } from '../support/golden-dit.ts';
import { customIdsOf, isDone, isPrivate, textOf } from '../support/messages.ts';
import { MODELS, onStage as onStageOf, openEngine, stagesOfFile } from '../support/stage.ts';

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

    await ada.command('imagine', {
      prompt: 'a star',
      model: 'demo',
      steps: 1,
      size: '64x64',
      count: 2,
    });
    const batch = await ada.waitForMessage(
      (one) => one.id !== first.id && one.id !== made.id && isDone(one),
      PATIENCE,
    );
    await ada.command('Edit', {}, batch.id);
    const asked = await ada.waitForMessage((one) => /Which of the pictures/.test(textOf(one)));
    const form = await ada.press(asked.id, customIdsOf(asked)[1] ?? '');
    assert.ok(form.type === 'modal' && /What shall be different/.test(JSON.stringify(form.modal)));
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
