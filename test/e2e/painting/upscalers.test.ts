import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { openUpscalers } from '../../../src/engine/upscalers.ts';
import { buttonOf, bytesAt, isDone, picturesOf, textOf } from '../../support/discord/messages.ts';
import { stagesOfFile } from '../../support/stage.ts';
import { writeUpscaler } from '../../support/models/upscaler.ts';

const onStage = stagesOfFile();

test('a network in models/upscalers takes the place of Lanczos, and is named', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-upscalers-'));
  await writeUpscaler(path.join(folder, '2x-Mean.onnx'));
  const upscalers = openUpscalers(folder);
  try {
    await onStage({ bot: { upscalers } }, async (stage) => {
      const ada = await stage.user();
      await ada.command('imagine', { prompt: 'a lamp', steps: 1, size: '96x64' });
      const first = await ada.waitForMessage(isDone, 60_000);
      await ada.press(first.id, buttonOf(first, 'upscale'));
      const large = await ada.waitForMessage((one) => /Upscaled/.test(textOf(one)), 60_000);
      assert.match(textOf(large), /Upscaled\*\* to 2 times its size .* by 2x-Mean/);
      const { width, height } = await sharp(await bytesAt(picturesOf(large)[0] ?? '')).metadata();
      assert.deepEqual([width, height], [192, 128]);
    });
  } finally {
    await upscalers.close();
    await rm(folder, { recursive: true });
  }
});
