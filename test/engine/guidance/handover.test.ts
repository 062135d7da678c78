import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { startEngine } from '../../../src/engine/engine.ts';
import { checkRefiner } from '../../../src/engine/guidance/handover.ts';
import type { ModelLayout } from '../../../src/engine/model/layout.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { requestFromInfotext, writeInfotext } from '../../../src/engine/recipe/infotext.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { decodeRequest, encodeRequest } from '../../../src/engine/request/stored-request.ts';
import type { ModelInfo, RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';

/** Two folders of the embedded model. */
const modelsDir = await mkdtemp(join(tmpdir(), 'handover-'));
const demo = fileURLToPath(new URL('../../../models/demo', import.meta.url));
for (const name of ['base', 'second']) await cp(demo, join(modelsDir, name), { recursive: true });
const engine = await startEngine(
  { modelsDir, device: 'cpu', isolation: 'thread', modelCacheBytes: 1, stepDeadlineMs: 60_000 },
  pino({ level: 'silent' }),
);
after(async () => {
  await engine.close();
  await rm(modelsDir, { recursive: true });
});
const model = (await engine.models()).find(({ name }) => name === 'base') as ModelInfo;

function paint(input: RequestInput): Promise<GenerateResult> {
  const usual = { prompt: 'a red star', steps: 6, seed: 7n, sampler: 'euler', guidanceScale: 3 };
  const request = parseRequest({ ...usual, width: 64, height: 64, ...input }, model);
  return engine.generate(request, { keepLatents: true });
}

test('the same network as its own refiner changes nothing, and both stay loaded beyond the budget', async () => {
  for (const profile of ['a1111', 'comfy']) {
    const plain = await paint({ profile });
    const handed = await paint({ profile, refiner: { model: 'second', switchAt: 0.5 } });
    assert.deepEqual(handed.latents, plain.latents, profile);
    assert.equal(handed.timings.steps_ms.length, 6);
  }
});

test('the history of a multistep sampler goes on in profile a1111 and begins anew in comfy', async () => {
  for (const [profile, goesOn] of [
    ['a1111', true],
    ['comfy', false],
  ] as const) {
    const asked = { profile, sampler: 'dpmpp_2m' };
    const plain = await paint(asked);
    const handed = await paint({ ...asked, refiner: { model: 'second', switchAt: 0.5 } });
    assert.equal(Buffer.compare(bytes(plain), bytes(handed)) === 0, goesOn, profile);
  }
});

function bytes({ latents }: GenerateResult): Buffer {
  assert.ok(latents);
  return Buffer.from(latents.data.buffer);
}

test('a refiner that is not there is named, and so is what cannot be asked', async () => {
  await assert.rejects(paint({ refiner: { model: 'third' } }), /third.*base, second/s);
  assert.throws(() => parseRequest({ refiner: { switchAt: 0.5 } }, model), /must name a model/);
  assert.throws(
    () => parseRequest({ refiner: { model: 'second', switchAt: 0 } }, model),
    /refiner switch at must be a number from 0.01 to 1/,
  );
  assert.throws(
    () => parseRequest({ profile: 'comfy', hires: {}, refiner: { model: 'second' } }, model),
    /only in profile a1111/,
  );
  assert.throws(
    () => parseRequest({ profile: 'comfy', negativeGuidance: { minSigma: 2 } }, model),
    /need profile a1111/,
  );
  await assert.rejects(paint({ xl: { prompt2: 'a blue star' } }), /base is no SDXL model/);
});

test('negative guidance is left out below its level, in every second step or in all, and early', async () => {
  const plain = bytes(await paint({}));
  const seen = [plain];
  for (const negativeGuidance of [
    { minSigma: 2 },
    { minSigma: 2, allSteps: true },
    { skipEarly: 0.3 },
  ]) {
    const other = bytes(await paint({ negativeGuidance }));
    assert.ok(seen.every((known) => Buffer.compare(known, other) !== 0));
    seen.push(other);
  }
  const none = bytes(await paint({ negativeGuidance: { skipEarly: 1 } }));
  assert.deepEqual(none, bytes(await paint({ guidanceScale: 1 })));
});

test('recipe and storage keep every word', async () => {
  const input = {
    prompt: 'a red star',
    profile: 'a1111',
    seed: 7n,
    refiner: { model: 'second', switchAt: 0.7 },
    negativeGuidance: { minSigma: 2.5, allSteps: true, skipEarly: 0.1 },
  };
  const request = parseRequest(input, model);
  assert.deepEqual(decodeRequest(encodeRequest(request)), request);
  const { images } = await engine.generate({ ...request, width: 64, height: 64, steps: 2 });
  const infotext = images[0]?.infotext ?? '';
  assert.match(infotext, /NGMS: 2.5, NGMS all steps: True, Skip Early CFG: 0.1, Refiner: second/);
  const again = parseRequest(requestFromInfotext(infotext), model);
  assert.deepEqual(again.refiner, request.refiner);
  assert.deepEqual(again.negativeGuidance, request.negativeGuidance);
});

test("A1111's refiner is read without the digits behind its name", () => {
  const text = 'a cat\nSteps: 9, Seed: 1, Refiner: xl_refiner [7440042bbd], Refiner switch at: 0.8';
  const { refiner } = requestFromInfotext(text);
  assert.deepEqual(refiner, { model: 'xl_refiner', switchAt: '0.8' });
});

test('a refiner named by its folder is written without the way there', () => {
  const refiner = { model: '/home/somebody/models/xl_refiner/', switchAt: 0.8 };
  const infotext = writeInfotext(parseRequest({ prompt: 'a', refiner }, model), model, 0);
  assert.match(infotext, /, Refiner: xl_refiner, /);
  assert.doesNotMatch(infotext, /somebody/);
});

test('the words of SDXL go through a recipe', () => {
  const xl = {
    prompt2: 'oil, on canvas',
    originalSize: { width: 128, height: 96 },
    crop: { left: 8, top: 16 },
    negativeTargetSize: { width: 64, height: 32 },
    encodesEmptyNegative: true,
  };
  const request = parseRequest({ xl, profile: 'diffusers', refiner: { switchAt: 0.6 } }, model);
  assert.deepEqual(request.xl, xl);
  const again = parseRequest(requestFromInfotext(writeInfotext(request, model, 0)), model);
  assert.deepEqual(again.xl, xl);
  assert.deepEqual(again.refiner, { model: null, switchAt: 0.6 });
});

test('a refiner whose latents or answers are others cannot take over, and both are named', async () => {
  const entry = await openRegistry(modelsDir).find('base');
  const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;
  const loaded = await loadModel(entry, options);
  try {
    checkRefiner(loaded, loaded);
    const { layout } = entry;
    const withLayout = (change: Partial<ModelLayout>): LoadedModel => ({
      ...loaded,
      entry: { ...entry, layout: { ...layout, name: 'other', ...change } },
    });
    for (const misfit of [
      withLayout({ latentChannels: 16 }),
      withLayout({ vaeFactor: 4 }),
      withLayout({ inpainting: true }),
      {
        ...withLayout({}),
        schedule: { ...loaded.schedule, parameterization: 'sample' } as const,
      },
    ]) {
      assert.throws(() => checkRefiner(loaded, misfit), /other cannot take over from base:/);
      await assert.rejects(
        generate(
          parseRequest({ prompt: 'x', refiner: { model: 'second', switchAt: 0.5 } }, model),
          loaded,
          { previews: false, sendDenoised: false, keepLatents: false },
          {
            signal: new AbortController().signal,
            clock: options.clock,
            loadMs: 0,
            onProgress: () => assert.fail('nothing is painted'),
          },
          misfit,
        ),
        /other cannot take over/,
      );
    }
  } finally {
    await loaded.release();
  }
});

test('what only transformers hear goes through a recipe', () => {
  const words = {
    xl: { prompt2: 'oil, on canvas', prompt3: 'a star', negativePrompt3: 'dust' },
    distilledGuidance: 2.5,
    flowShift: 6,
    textLength: 128,
    cfgNormalization: 1,
    cfgTruncation: 0.6,
  };
  const request = parseRequest(words, model);
  const again = parseRequest(requestFromInfotext(writeInfotext(request, model, 0)), model);
  for (const key of Object.keys(words) as (keyof typeof words)[]) {
    assert.deepEqual(again[key], words[key], key);
  }
});
