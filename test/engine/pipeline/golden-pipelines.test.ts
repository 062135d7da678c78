/** Whole pipelines beside the reference implementations; of ONNX folders, the compact set has one. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import type { GenerateRequest } from '../../../src/engine/request.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';
import { readModelSchedule } from '../../../src/engine/sampling/schedule.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import {
  a1111Pictures,
  comfyPictures,
  comparePictures,
  DIFFUSERS_FAMILIES,
  diffusersPictures,
  goldenModels,
  handoverPictures,
  hiresPictures,
  inpaintPictures,
  type PictureCase,
} from '../../support/golden/golden-cases.ts';

const clock = { ms: 0 };

const opened = new Map<string, Promise<LoadedModel>>();
after(async () => {
  for (const model of opened.values()) await (await model).release();
});

/** Each model is opened once for all suites. */
function load(name: string): Promise<LoadedModel> {
  const known = opened.get(name);
  if (known !== undefined) return known;
  const model = openRegistry(goldenModels)
    .find(name)
    .then((entry) => loadModel(entry, { device: 'cpu', clock, warn: () => {} }));
  opened.set(name, model);
  return model;
}

async function run(
  request: GenerateRequest,
  model: LoadedModel,
  refiner: LoadedModel | null = null,
): Promise<GenerateResult> {
  const options = { previews: false, sendDenoised: false, keepLatents: true };
  const hooks = { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} };
  return generate(request, model, options, hooks, refiner);
}

/** The PNG may differ by one level where rounding falls the other way. */
async function assertSamePicture(result: GenerateResult, reference: Uint8Array): Promise<void> {
  const [image] = result.images;
  assert.ok(image);
  const { levels } = await comparePictures(image.png, reference);
  assert.ok(levels <= 1, `the picture differs by ${levels} levels`);
}

function assertSameLatents(latents: Float32Array, { latents: wanted, tolerance }: PictureCase) {
  assert.ok(wanted);
  const error = maxDifference(latents, wanted);
  assert.ok(error <= tolerance, `latents differ by ${error}, allowed ${tolerance}`);
}

for (const family of DIFFUSERS_FAMILIES) {
  test(`${family} equals its diffusers pipeline`, async (t) => {
    const suite = await diffusersPictures(family);
    if (suite === null) return t.skip('no reference numbers here');
    const model = await load(family);
    const { scale, shift } = model.entry.layout.latentScale;
    for (const c of suite.cases) {
      await t.test(c.name, async () => {
        assert.ok(c.scheduler);
        const result = await run(c.request, {
          ...model,
          schedule: { ...model.schedule, ...readModelSchedule(c.scheduler) },
        });
        assert.ok(result.latents);
        const decoderInput = result.latents.data.map((value) => value / scale + shift);
        assertSameLatents(decoderInput, c);
        if (family !== 'sd15-fp16' && c.png) await assertSamePicture(result, c.png);
      });
    }
  });
}

for (const [profile, pictures] of [
  ['a1111', a1111Pictures],
  ['comfy', comfyPictures],
  ['a1111 with hires fix', hiresPictures],
] as const) {
  test(`profile ${profile} equals its program`, async (t) => {
    const suite = await pictures();
    if (suite === null) return t.skip('no reference numbers here');
    const model = await load(suite.model);
    for (const c of suite.cases) {
      await t.test(c.name, async () => {
        const result = await run(c.request, model);
        assert.ok(result.latents);
        assertSameLatents(result.latents.data, c);
        if (c.png) await assertSamePicture(result, c.png);
      });
    }
  });
}

for (const profile of ['diffusers', 'a1111'] as const) {
  test(`one model takes over from another as in ${profile}`, async (t) => {
    const suite = await handoverPictures(profile);
    if (suite === null) return t.skip('no reference models here');
    const [model, refiner] = await Promise.all([
      load(suite.model),
      load(String(suite.cases[0]?.request.refiner?.model)),
    ]);
    for (const c of suite.cases) {
      await t.test(c.name, async () => {
        const asked = (own: LoadedModel): LoadedModel =>
          c.scheduler === null
            ? own
            : { ...own, schedule: { ...own.schedule, ...readModelSchedule(c.scheduler) } };
        const result = await run(c.request, asked(model), asked(refiner));
        assert.ok(result.latents);
        const { scale } = profile === 'diffusers' ? model.entry.layout.latentScale : { scale: 1 };
        assertSameLatents(
          result.latents.data.map((value) => value / scale),
          c,
        );
      });
    }
  });
}

test('inpainted pictures equal those of A1111', async (t) => {
  const suite = await inpaintPictures();
  if (suite === null) return t.skip('no reference model here');
  const model = await load(suite.model);
  for (const c of suite.cases) {
    await t.test(c.name, async () => {
      assert.ok(c.png);
      await assertSamePicture(await run(c.request, model), c.png);
    });
  }
});
