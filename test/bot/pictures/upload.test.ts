import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import sharp from 'sharp';
import { fitForUpload } from '../../../src/bot/pictures/upload.ts';

/** Noise does not compress: a 256x256 PNG of it has about 190 kB. */
const noisy = () =>
  sharp(randomBytes(256 * 256 * 3), { raw: { width: 256, height: 256, channels: 3 } })
    .png()
    .toBuffer();

test('what fits is sent as it is', async () => {
  const png = await noisy();
  const [picture] = await fitForUpload([png], 10 * 1024 * 1024);
  assert.deepEqual(picture, { data: png, format: 'png', reduced: false });
});

test('what does not fit becomes the best copy that does', async () => {
  const png = await noisy();
  for (const limit of [150_000, 40_000, 4000]) {
    const [picture] = await fitForUpload([png], limit);
    assert.ok(picture?.reduced);
    assert.ok(picture.data.byteLength <= limit, `${picture.data.byteLength} > ${limit}`);
    assert.equal((await sharp(picture.data).metadata()).format, 'webp');
  }
});
