import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import sharp from 'sharp';
import { blurMask, readMask, shrinkToLatents } from '../../../src/engine/start/mask.ts';

type Case = {
  size: [height: number, width: number];
  sigma: number;
  x: number[];
  y: number[];
  latents: number[];
};

const { cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/resample/masks.json', import.meta.url), 'utf8'),
) as { cases: Case[] };

for (const { size, sigma, x, y, latents } of cases) {
  test(`blur ${sigma} of ${size.join('x')} equals OpenCV's, and its latents Pillow's`, () => {
    const [height, width] = size;
    const blurred = blurMask({ data: Uint8Array.from(x), width, height }, sigma);
    assert.deepEqual([...blurred.data], y);
    const to = { width: width / 8, height: height / 8 };
    assert.deepEqual([...shrinkToLatents(blurred, to)], latents);
  });
}

test('without blur the mask stays as it is', () => {
  const mask = { data: Uint8Array.of(0, 255, 7, 9), width: 2, height: 2 };
  assert.deepEqual(blurMask(mask, 0), mask);
});

test('a mask drawn on nothing is white where something was drawn, whatever its colour', async () => {
  const pixels = Uint8Array.of(255, 0, 0, 255, 0, 0, 0, 0, 255, 255, 255, 100, 0, 0, 0, 200);
  const png = await sharp(pixels, { raw: { width: 4, height: 1, channels: 4 } })
    .png()
    .toBuffer();
  const picture = { data: new Uint8Array(12), width: 4, height: 1 };
  assert.deepEqual([...(await readMask(png, 0, picture)).data], [255, 0, 0, 255]);
});
