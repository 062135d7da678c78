import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { UserError } from '../../../src/engine/errors.ts';
import { decodeImage } from '../../../src/engine/picture/image.ts';
import { maskedRegion } from '../../../src/engine/start/inpaint-region.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { InitImage, RequestInput } from '../../../src/engine/request.ts';
import type { GeneratedImage } from '../../../src/engine/result.ts';

const modelsDir = fileURLToPath(new URL('../../../models', import.meta.url));
const clock = { ms: 0 };
const entry = await openRegistry(modelsDir).find('demo');
const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
after(() => model.release());

async function paint(input: RequestInput): Promise<GeneratedImage> {
  const usual = { prompt: 'a blue fish', steps: 8, seed: 5n, sampler: 'euler', guidanceScale: 5 };
  const { images } = await generate(
    parseRequest({ ...usual, ...input }, entry.info),
    model,
    { previews: false, sendDenoised: false, keepLatents: false },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} },
  );
  assert.ok(images[0]);
  return images[0];
}

const start = (await paint({ prompt: 'a red mushroom on a meadow', seed: 3n })).png;
const init = (more: Partial<InitImage>): InitImage => ({
  image: start,
  strength: 0.75,
  mask: null,
  maskBlur: 0,
  onlyMasked: false,
  ...more,
});

/** White inside the box, black outside. */
async function boxMask(
  size: number,
  box: { left: number; top: number; side: number },
): Promise<Uint8Array> {
  const white = { width: box.side, height: box.side, channels: 3, background: '#fff' } as const;
  return sharp({ create: { width: size, height: size, channels: 3, background: '#000' } })
    .composite([{ input: { create: white }, left: box.left, top: box.top }])
    .png()
    .toBuffer();
}

/** Mean difference of two pictures per channel value, over the pixels that `seen` picks. */
async function difference(
  a: Uint8Array,
  b: Uint8Array,
  seen: (x: number, y: number) => boolean = () => true,
): Promise<number> {
  const [one, two] = [await decodeImage(a), await decodeImage(b)];
  assert.deepEqual([one.width, one.height], [two.width, two.height]);
  let [sum, count] = [0, 0];
  for (const [i, value] of one.data.entries()) {
    const pixel = Math.floor(i / 3);
    if (!seen(pixel % one.width, Math.floor(pixel / one.width))) continue;
    sum += Math.abs(value - (two.data[i] as number));
    count += 1;
  }
  return sum / count;
}

test('the more strength, the farther from the start picture', async () => {
  const distances: number[] = [];
  for (const strength of [0.1, 0.5, 0.9]) {
    distances.push(await difference(start, (await paint({ init: init({ strength }) })).png));
  }
  const [little = 0, some = 0, much = 0] = distances;
  assert.ok(little < some && some < much, distances.join());
  assert.ok(little < 20, `strength 0.1 moved the picture by ${little}`);
});

test('black parts of the mask keep their pixels, white ones are painted anew', async () => {
  const mask = await boxMask(128, { left: 32, top: 32, side: 64 });
  const { png } = await paint({ init: init({ mask, strength: 0.9 }) });
  const inside = (x: number, y: number): boolean => x >= 32 && x < 96 && y >= 32 && y < 96;
  assert.equal(await difference(start, png, (x, y) => !inside(x, y)), 0);
  assert.ok((await difference(start, png, inside)) > 10);
});

test('only masked: the region is painted at full size and set back into the picture', async () => {
  const large = await sharp(start).resize(320, 320).png().toBuffer();
  const mask = await boxMask(320, { left: 200, top: 40, side: 60 });
  const made = await paint({ init: init({ image: large, mask, onlyMasked: true, strength: 0.9 }) });
  assert.deepEqual([made.width, made.height], [320, 320]);
  const inside = (x: number, y: number): boolean => x >= 200 && x < 260 && y >= 40 && y < 100;
  assert.equal(await difference(large, made.png, (x, y) => !inside(x, y)), 0);
  assert.ok((await difference(large, made.png, inside)) > 5);
});

test('a start picture of another size is fitted', async () => {
  const wide = await sharp(start).resize(300, 200, { fit: 'fill' }).png().toBuffer();
  const made = await paint({ init: init({ image: wide, strength: 0.3 }), width: 128, height: 96 });
  assert.deepEqual([made.width, made.height], [128, 96]);
});

test('a mask of another size is refused with both sizes', async () => {
  const mask = await boxMask(64, { left: 0, top: 0, side: 32 });
  await assert.rejects(paint({ init: init({ mask }) }), (error) => {
    assert.ok(error instanceof UserError);
    return /mask has 64x64 pixels, the start picture 128x128/.test(error.message);
  });
});

test('the masked region is padded, keeps the aspect ratio and stays inside', () => {
  const mask = { width: 400, height: 300, data: new Uint8Array(400 * 300) };
  assert.equal(maskedRegion(mask, { width: 64, height: 64 }), null);
  for (let y = 100; y < 120; y++) mask.data.fill(255, y * 400 + 350, y * 400 + 390);
  const square = maskedRegion(mask, { width: 64, height: 64 });
  // 40 + 2 x 32 wide, cut at the right edge to 82; 84 high; widened to 84 x 84 inside the picture.
  assert.deepEqual(square, { left: 316, top: 68, width: 84, height: 84 });
});
