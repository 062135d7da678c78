import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { enlargePicture, storablePicture } from '../../../src/engine/picture/enlarge.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { encodePng } from '../../../src/engine/picture/image.ts';
import { readInfotext } from '../../../src/engine/picture/recipe-texts.ts';
import { tinyPng } from '../../support/tiny-png.ts';

test('twice the size, the same picture: shrinking it again gives it back', async () => {
  const [width, height] = [48, 32];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return 128 + 80 * Math.sin((pixel % width) / 5) * Math.cos(Math.floor(pixel / width) / 4);
  });
  const png = await encodePng({ data, width, height }, { infotext: 'a wave\nSteps: 2, Seed: 5' });
  const large = await enlargePicture(png);
  const { width: wide, height: high } = await sharp(large).metadata();
  assert.deepEqual([wide, high], [96, 64]);
  assert.equal(readInfotext(large), 'a wave\nSteps: 2, Seed: 5, Upscaled: 2x Lanczos');
  assert.ok(Buffer.from(large).includes('trainedAlgorithmicMedia'));
  const back = await sharp(large).resize(width, height, { kernel: 'lanczos3' }).raw().toBuffer();
  const off = back.reduce((sum, value, at) => sum + Math.abs(value - (data[at] ?? 0)), 0);
  assert.ok(off / back.length < 3, `mean difference ${off / back.length}`);
  assert.deepEqual(await enlargePicture(png), large, 'the same bytes each time');
});

test('a result beyond the limit is refused in words', async () => {
  await assert.rejects(enlargePicture(tinyPng(4200, 16)), UserError);
});

test('a large start picture is fitted before it is stored, a small one is kept as it came', async () => {
  const small = tinyPng(64, 64);
  assert.equal((await storablePicture(small)).bytes, small);
  const { width, height, format } = await sharp(
    (await storablePicture(tinyPng(3000, 1500))).bytes,
  ).metadata();
  assert.deepEqual([width, height, format], [2048, 1024, 'webp']);
});
