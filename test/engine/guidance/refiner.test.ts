import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { encodePrompts } from '../../../src/engine/text/conditioning.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';

/** The toy graphs with the autoencoder, scheduler and tokenizer of models/demo, as an SDXL refiner's folder. */
const folder = await mkdtemp(join(tmpdir(), 'refiner-'));
const fixture = fileURLToPath(new URL('../../fixtures/refiner', import.meta.url));
const demo = fileURLToPath(new URL('../../../models/demo', import.meta.url));
for (const part of ['unet', 'text_encoder_2']) {
  await cp(join(fixture, part), join(folder, part), { recursive: true });
}
for (const part of ['vae_decoder', 'vae_encoder', 'scheduler', 'tokenizer']) {
  const to = part === 'tokenizer' ? 'tokenizer_2' : part;
  await cp(join(demo, part), join(folder, to), { recursive: true });
}

const clock = { ms: 0 };
const entry = await openRegistry(tmpdir()).find(folder);
const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
after(async () => {
  await model.release();
  await rm(folder, { recursive: true });
});

const gradient = await sharp({
  create: { width: 128, height: 128, channels: 3, background: '#c04020' },
})
  .png()
  .toBuffer();

function paint(input: RequestInput): Promise<GenerateResult> {
  const init = { image: gradient, strength: 0.3 };
  const usual = { prompt: 'a red star', steps: 10, seed: 7n, sampler: 'euler', guidanceScale: 3 };
  return generate(
    parseRequest({ ...usual, init, ...input }, entry.info),
    model,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} },
  );
}

test('a folder with the second text encoder alone is an SDXL refiner', () => {
  assert.equal(entry.info.family, 'sdxl-refiner');
});

test('prompt and negative prompt carry the sizes and their own aesthetic score', async () => {
  const request = parseRequest(
    { prompt: 'a', negativePrompt: 'b', width: 128, height: 96 },
    entry.info,
  );
  const { positive, negative } = await encodePrompts(request, model);
  assert.deepEqual(positive.parts[0]?.schedule[0]?.text.timeIds, [96, 128, 0, 0, 6]);
  assert.deepEqual(negative.parts[0]?.schedule[0]?.text.timeIds, [96, 128, 0, 0, 2.5]);
});

test('an empty negative prompt is zeros in profile a1111 and, without the folder’s word, its text in diffusers', async () => {
  for (const [profile, isZero] of [
    ['a1111', true],
    ['diffusers', false],
  ] as const) {
    const request = parseRequest({ prompt: 'a', profile, guidanceScale: 5 }, entry.info);
    const { negative } = await encodePrompts(request, model);
    const values = negative.parts[0]?.schedule[0]?.text.context ?? [];
    assert.equal(
      values.every((value) => value === 0),
      isZero,
      profile,
    );
  }
});

test('it paints over a start picture, and hears prompt, negative prompt and size', async () => {
  const plain = await paint({});
  assert.deepEqual([plain.images[0]?.width, plain.images[0]?.height], [128, 128]);
  for (const other of [
    { prompt: 'a blue sky' },
    { negativePrompt: 'fog' },
    { profile: 'diffusers' },
  ]) {
    assert.notDeepEqual((await paint(other)).latents, plain.latents, JSON.stringify(other));
  }
});
