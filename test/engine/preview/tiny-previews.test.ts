/** Tiny autoencoders in every form, against diffusers' own numbers, and what previews by them may cost. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { inspect } from '../../../src/engine/inspect.ts';
import type { ModelLayout } from '../../../src/engine/model/layout.ts';
import { createPreviewer } from '../../../src/engine/preview/previewer.ts';
import { type TinyPreviews, tinyPreviewsOf } from '../../../src/engine/preview/tiny-previews.ts';
import type { Preview } from '../../../src/engine/result.ts';
import type { LatentShape } from '../../../src/engine/sampling/sampling.ts';

const FIXTURES = path.join(import.meta.dirname, '../../fixtures/tiny-vae');
const CASES: Readonly<Record<string, readonly [LatentShape, LatentShape]>> = JSON.parse(
  await readFile(path.join(FIXTURES, 'cases.json'), 'utf8'),
);

/** The case's latents, and the pictures that diffusers made of them, [B,3,H,W]. */
async function numbersOf(name: string): Promise<[Float32Array, Float32Array]> {
  const { buffer, byteOffset, length } = await readFile(path.join(FIXTURES, `${name}.bin`));
  const all = new Float32Array(buffer.slice(byteOffset, byteOffset + length));
  const [shape] = CASES[name]!;
  const count = shape.reduce((product, side) => product * side, 1);
  return [all.slice(0, count), all.slice(count)];
}

/** A models folder with these files at these places. */
async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tiny-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [at, from] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, at)), { recursive: true });
    await copyFile(path.join(FIXTURES, from), path.join(folder, at));
  }
  return folder;
}

type Space = Pick<ModelLayout, 'family' | 'latentChannels' | 'vaeFactor'>;

const SPACES = {
  taesd: { family: 'sd1', latentChannels: 4, vaeFactor: 8 },
  taef1: { family: 'z-image', latentChannels: 16, vaeFactor: 8 },
  taef2: { family: 'flux2', latentChannels: 128, vaeFactor: 16 },
} as const satisfies Record<string, Space>;

async function openIn(
  t: TestContext,
  folder: string,
  space: Space,
  warnings: string[] = [],
): Promise<TinyPreviews | null> {
  const tiny = tinyPreviewsOf({ ...space, beside: [folder] } as unknown as ModelLayout, {
    provider: 'cpu',
    deviceIndex: null,
    warn: (_fields, message) => warnings.push(message),
  });
  t.after(() => tiny.release());
  return tiny.open();
}

/** Largest difference in bytes from the reference's pictures, which stand beside each other. */
async function differenceFrom(name: keyof typeof SPACES, tiny: TinyPreviews): Promise<number> {
  const [latents, reference] = await numbersOf(name);
  const [shape, [batch, , height, width]] = CASES[name]!;
  const { data, ...size } = await tiny.paint(latents, shape);
  assert.deepEqual(size, { width: batch * width, height });
  let worst = 0;
  for (let at = 0; at < data.length; at++) {
    const [channel, x, y] = [
      at % 3,
      Math.floor(at / 3) % size.width,
      Math.floor(at / 3 / size.width),
    ];
    const image = Math.floor(x / width);
    const value = reference[((image * 3 + channel) * height + y) * width + (x % width)] as number;
    worst = Math.max(worst, Math.abs(data[at]! - Math.min(255, Math.max(0, 255 * value))));
  }
  return worst;
}

test('every form of a tiny autoencoder gives the pictures of its makers', async (t) => {
  for (const [name, files] of [
    ['taesd', { 'vae_approx/taesd_decoder.safetensors': 'taesd_decoder.safetensors' }],
    ['taesd', { 'vae/taesd.safetensors': 'taesd_comfy.safetensors' }],
    ['taef1', { 'vae_approx/taef1_decoder.safetensors': 'taef1_decoder.safetensors' }],
    ['taef1', { 'vae/taef1/diffusion_pytorch_model.safetensors': 'taef1_diffusers.safetensors' }],
    ['taef2', { 'vae_approx/taef2_decoder.safetensors': 'taef2_decoder.safetensors' }],
  ] as const) {
    const tiny = await openIn(t, await folderWith(t, files), SPACES[name]);
    assert.ok(tiny, name);
    // half a level is the rounding to bytes; float32 in another order is a thousandth of one
    assert.ok((await differenceFrom(name, tiny)) < 0.51, Object.keys(files).join());
  }
});

test('channels say whose latents it reads, names tell those of one shape apart', async (t) => {
  const folder = await folderWith(t, {
    'vae_approx/taesd_decoder.safetensors': 'taesd_decoder.safetensors',
    'vae_approx/taef1_decoder.safetensors': 'taef1_decoder.safetensors',
  });
  const found = async (family: Space['family'], latentChannels: number) =>
    (await openIn(t, folder, { family, latentChannels, vaeFactor: 8 })) !== null;
  assert.deepEqual(
    [await found('sd1', 4), await found('sd2', 4), await found('sdxl', 4), await found('sd3', 16)],
    [true, true, false, false],
  );
  assert.deepEqual(
    [await found('flux', 16), await found('chroma', 16), await found('qwen-image', 16)],
    [true, true, false],
  );
  const xl = { 'vae_approx/taesdxl_decoder.safetensors': 'taesd_decoder.safetensors' };
  const other = await folderWith(t, xl);
  assert.equal(await openIn(t, other, SPACES.taesd), null);
  assert.ok(await openIn(t, other, { ...SPACES.taesd, family: 'sdxl' }));
});

test('one that is damaged is warned of once, and one that comes later is seen', async (t) => {
  const folder = await folderWith(t, {});
  const warnings: string[] = [];
  const tiny = tinyPreviewsOf({ ...SPACES.taesd, beside: [folder] } as unknown as ModelLayout, {
    provider: 'cpu',
    deviceIndex: null,
    warn: (_fields, message) => warnings.push(message),
  });
  t.after(() => tiny.release());
  assert.equal(await tiny.open(), null);
  const whole = await readFile(path.join(FIXTURES, 'taesd_decoder.safetensors'), 'latin1');
  const at = path.join(folder, 'vae_approx/taesd_decoder.safetensors');
  await mkdir(path.dirname(at), { recursive: true });
  // a layer of another name is missing where the row needs it
  await writeFile(at, whole.replace('4.conv.4.weight', '4.conv.4.bjas12'), 'latin1');
  assert.equal(await tiny.open(), null);
  await writeFile(at, whole.replace('"3.conv.2.weight"', '"3.skip.weight"  '), 'latin1');
  assert.equal(await tiny.open(), null);
  assert.equal(await tiny.open(), null);
  assert.equal(warnings.length, 1);
  await writeFile(at, whole, 'latin1');
  assert.ok(await tiny.open());
});

test('it is called what it is, and where it belongs', async () => {
  const what = async (file: string) => {
    const found = await inspect(path.join(FIXTURES, file), FIXTURES);
    return 'refused' in found ? found.refused : null;
  };
  const told = await what('taef1_decoder.safetensors');
  assert.equal(told?.code, 'file-is-tiny-vae');
  assert.match(
    told?.why ?? '',
    /tiny autoencoder \(TAESD\) for latents of 16 channels.*models\/vae_approx/,
  );
  assert.equal((await what('taef1_diffusers.safetensors'))?.code, 'file-is-tiny-vae');
  assert.equal((await what('taesd_comfy.safetensors'))?.code, 'file-is-tiny-vae');
});

/** What a previewer shows of a step whose tiny picture is red and whose rough one is black. */
async function shownAfter(seconds: number, expected: number, step = 5): Promise<string> {
  const red: TinyPreviews = {
    expected: () => expected,
    paint: () =>
      Promise.resolve({
        data: Uint8Array.from({ length: 3 * 16 * 16 }, (_, i) => (i % 3 === 0 ? 255 : 0)),
        width: 16,
        height: 16,
      }),
    release: () => Promise.resolve(),
  };
  const factors = { rows: [[0, 0, 0]], bias: [-1, -1, -1] } as const;
  const start = performance.now() - 1000 * seconds;
  const previewer = createPreviewer(factors, [1, 1, 2, 2], 'sharp', start, () =>
    Promise.resolve(red),
  );
  const preview = await new Promise<Preview | null>((resolve) =>
    previewer.offer(step, 20, new Float32Array(4), resolve),
  );
  const { channels } = await sharp(preview!.jpeg).stats();
  return channels[0]!.mean > 128 ? 'tiny' : 'rough';
}

test('previews by it take a tenth of the time and half a step at most, and are rough where that does not do', async () => {
  assert.equal(await shownAfter(100, 9000), 'tiny');
  assert.equal(await shownAfter(100, 11_000), 'rough');
  assert.equal(await shownAfter(3, 1000), 'rough');
  // 10 steps of ten seconds
  assert.equal(await shownAfter(100, 6000, 10), 'rough');
  assert.equal(await shownAfter(100, 4000, 10), 'tiny');
});
