import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../../src/engine/errors.ts';
import { outpaint } from '../../../src/engine/picture/outpaint.ts';

const none = { left: 0, top: 0, right: 0, bottom: 0 };
const options = { sizeFactor: 16, maskBlur: 2 };

/** Red on the left half, blue on the right. */
async function halves(width: number, height: number): Promise<Uint8Array> {
  const blue = { width: width / 2, height, channels: 3, background: '#00f' } as const;
  return sharp({ create: { width, height, channels: 3, background: '#f00' } })
    .composite([{ input: { create: blue }, left: width / 2, top: 0 }])
    .png()
    .toBuffer();
}

async function rows(png: Uint8Array, channels: 1 | 3): Promise<(x: number, y: number) => number[]> {
  const image = sharp(png).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const size = info.channels;
  return (x, y) => [...data.subarray((y * info.width + x) * size, (y * info.width + x + 1) * size)];
}

test('the old picture lies untouched at its place, the edge goes on outside', async () => {
  const made = await outpaint(await halves(64, 32), { ...none, left: 16, bottom: 32 }, options);
  assert.deepEqual([made.width, made.height], [80, 64]);
  const at = await rows(made.image, 3);
  assert.deepEqual(at(16, 0), [255, 0, 0]);
  assert.deepEqual(at(47, 31), [255, 0, 0]);
  assert.deepEqual(at(48, 31), [0, 0, 255]);
  const [red = 0, , blue = 0] = at(2, 60);
  assert.ok(red > 200 && blue < 60, 'left below is red');
});

test('the mask is white outside and reaches a little inside, on grown sides only', async () => {
  const made = await outpaint(await halves(64, 32), { ...none, left: 16, bottom: 32 }, options);
  const at = await rows(made.mask, 1);
  const white = (x: number, y: number): boolean => at(x, y)[0] === 255;
  assert.deepEqual(
    [white(0, 0), white(19, 0), white(20, 0), white(79, 0)],
    [true, true, false, false],
  );
  assert.deepEqual([white(79, 27), white(79, 28), white(79, 63)], [false, true, true]);
});

test('what is lacking to the model’s multiple is added on a side that grows', async () => {
  const picture = await halves(50, 32);
  const right = await outpaint(picture, { ...none, right: 10 }, options);
  assert.deepEqual([right.width, right.height], [64, 32]);
  const left = await outpaint(picture, { ...none, left: 10 }, options);
  const at = await rows(left.image, 3);
  assert.deepEqual(at(14, 0), [255, 0, 0]);
  assert.deepEqual(at(63, 0), [0, 0, 255]);
});

test('a canvas that is too large is refused with both sizes', async () => {
  await assert.rejects(
    outpaint(await halves(64, 32), { ...none, right: 3000 }, options),
    (error) => {
      assert.ok(error instanceof UserError);
      return /64x32 makes 3072x32 pixels; at most 2048/.test(error.message);
    },
  );
});
