import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodeImage, encodePng } from '../../../src/engine/picture/image.ts';
import { readInfotext } from '../../../src/engine/picture/recipe-texts.ts';
import { webpCopy } from '../../../src/engine/picture/webp-copy.ts';

const pixels = (width: number, height: number) => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7) & 255),
  width,
  height,
});

test('a copy says what the picture says: recipe in any script, and the mark of its origin', async () => {
  for (const prompt of ['a cat', 'ein Café 🐱', 'x'.repeat(4001)]) {
    const infotext = `${prompt}\nSteps: 2, Sampler: Euler a, Seed: 5`;
    const png = await encodePng(pixels(48, 32), { infotext });
    const copies = [{ quality: 80 }, { quality: 50, width: 24 }, { quality: 'lossless' as const }];
    for (const options of copies) {
      const copy = await webpCopy(png, options);
      assert.equal(readInfotext(copy), infotext);
      // What another reader finds: the picture, both texts, no damage.
      const { width, format, xmp, exif } = await sharp(copy, { failOn: 'warning' }).metadata();
      assert.deepEqual([width, format], [options.width ?? 48, 'webp']);
      assert.match(String(xmp), /trainedAlgorithmicMedia/);
      assert.ok(exif?.includes('UNICODE'));
    }
    const lossless = await decodeImage(await webpCopy(png, { quality: 'lossless' }));
    assert.deepEqual(Buffer.from(lossless.data), Buffer.from(pixels(48, 32).data));
  }
});

test('a picture without a recipe is copied without one', async () => {
  const png = await sharp(pixels(8, 8).data, { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toBuffer();
  assert.equal(readInfotext(await webpCopy(png, { quality: 80 })), null);
});
