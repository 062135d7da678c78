/// <reference lib="esnext.float16" />
/** Pictures edited by a sentence (InstructPix2Pix) beside those of diffusers and of A1111's rules. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateRequest, RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';
import { readModelSchedule } from '../../../src/engine/sampling/schedule.ts';
import { decodeRequest, encodeRequest } from '../../../src/engine/request/stored-request.ts';
import { costOf } from '../../../src/engine/request/cost.ts';
import { recipeOfFile } from '../../../src/engine/recipe.ts';
import { checkpointMaker, keptForm } from '../../support/golden/checkpoint-cases.ts';
import {
  type EditCase,
  editCases,
  editedPicture,
  withPicture,
} from '../../support/models/edit-model.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { comparePictures } from '../../support/golden/golden-cases.ts';
import {
  originalNames,
  referenceModel,
  widened,
  writeFolder,
  writeWeights,
} from '../../support/models/reference-checkpoint.ts';

/** As of the reference checkpoints: eight times what their float32 differs from float64, of latents up to 100. */
const TOLERANCE = 5e-3;

const clock = { ms: 0 };
const root = await mkdtemp(join(tmpdir(), 'edited-pictures-'));
const open: LoadedModel[] = [];
after(async () => {
  for (const model of open) await model.release();
  await rm(root, { recursive: true });
});

const registry = openRegistry(root);
const reference = await referenceModel();
const editor = { ...reference, unet: await withPicture(reference.unet) };
const file = await writeWeights(join(root, 'pix.safetensors'), originalNames(editor));

async function load(path: string): Promise<LoadedModel> {
  const model = await loadModel(await registry.find(path), {
    device: 'cpu',
    clock,
    warn: () => {},
  });
  open.push(model);
  return model;
}

const plain = await load(file);
const cases = await editCases('sd1');
const [published] = cases as [EditCase];

async function paint(input: RequestInput, model = plain): Promise<GenerateResult> {
  return run(parseRequest(input, model.entry.info), model);
}

function run(request: GenerateRequest, model = plain): Promise<GenerateResult> {
  return generate(
    request,
    model,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} },
  );
}

function inputOf({ args, profile, picture, width, height, seed }: EditCase): RequestInput {
  return {
    prompt: args.prompt,
    negativePrompt: args.negative_prompt ?? '',
    steps: args.num_inference_steps,
    guidanceScale: args.guidance_scale,
    imageGuidanceScale: args.image_guidance_scale,
    guidanceRescale: args.guidance_rescale ?? 0,
    profile,
    width,
    height,
    seed,
    ...(profile === 'a1111' && { sampler: 'euler', schedule: 'uniform' }),
    ...(args.strength == null
      ? { references: [picture] }
      : { init: { image: picture, strength: args.strength } }),
  };
}

function scheduled(model: LoadedModel, { scheduler }: EditCase): LoadedModel {
  if (scheduler === null) return model;
  return { ...model, schedule: { ...model.schedule, ...readModelSchedule(scheduler) } };
}

async function check(c: EditCase, model: LoadedModel): Promise<GenerateResult> {
  const result = await paint(inputOf(c), scheduled(model, c));
  const { scale, shift } = model.entry.layout.latentScale;
  const decoded = result.latents!.data.map((value) => value / scale + shift);
  const error = maxDifference(decoded, c.latents);
  assert.ok(error <= TOLERANCE, `latents differ by ${error}, allowed ${TOLERANCE}`);
  return result;
}

for (const c of cases) {
  test(`a file of SD 1: ${c.name}`, async () => {
    const result = await check(c, plain);
    if (c !== published) return;
    const { levels } = await comparePictures(result.images[0]!.png, await editedPicture());
    assert.ok(levels <= 1, `${levels} levels`);
  });
}

test('a model that edits is told as one, with the scheduler that was published with it', () => {
  const { info, layout } = plain.entry;
  assert.equal(info.edits, true);
  assert.equal(info.references, 1);
  assert.equal(info.inpainting, false);
  assert.equal(layout.schedulerConfig['_class_name'], 'EulerAncestralDiscreteScheduler');
});

/** Where no numbers are given. */
const brief = { ...inputOf(published), steps: 2 };

test('every form of the same numbers edits alike', async () => {
  const wanted = await paint(brief, scheduled(plain, published));
  const forms = [
    await writeFolder(join(root, 'folder'), editor),
    await writeWeights(join(root, 'wide.safetensors'), widened(originalNames(editor))),
  ];
  for (const form of forms) {
    const result = await paint(brief, scheduled(await load(form), published));
    assert.deepEqual(result.latents!.data, wanted.latents!.data, basename(form));
  }
});

test('a start picture is the picture to edit, and a strength paints over it as A1111 does', async () => {
  const { references, ...input } = brief;
  const [image] = references as [Uint8Array];
  const wanted = await paint({ ...input, references });
  for (const init of [{ image }, { image, strength: 1 }]) {
    const result = await paint({ ...input, init });
    assert.equal(result.request.init, null);
    assert.deepEqual(result.latents!.data, wanted.latents!.data);
  }
  const over = await paint({ ...input, profile: 'a1111', init: { image, strength: 1 } });
  assert.equal(over.request.init?.strength, 1);
});

test('a batch, several sizes of prompt and a second pass', async () => {
  const asked = { ...brief, profile: 'a1111', sampler: 'euler' };
  const both = await paint({ ...asked, count: 2 });
  const second = await paint({ ...asked, seed: 43 });
  const half = both.latents!.data.length / 2;
  assert.ok(maxDifference(both.latents!.data.slice(half), second.latents!.data) < 1e-4);
  // more chunks than the negative prompt has: rows of two lengths are asked apart
  const long = { ...asked, prompt: Array.from({ length: 90 }, () => 'blue').join(' ') };
  assert.ok((await paint(long)).latents!.data.every(Number.isFinite));
  const larger = await paint({ ...asked, hires: { scale: 2, upscaler: 'latent', strength: 0.7 } });
  assert.equal(larger.images[0]?.width, 128);
});

test('what goes through the networks is what was counted', async () => {
  const { info } = plain.entry;
  for (const more of [
    {},
    { imageGuidanceScale: 1 },
    { guidanceScale: 1 },
    { guidanceScale: 1, imageGuidanceScale: 1 },
    { profile: 'diffusers', imageGuidanceScale: 0.5 },
    { prompt: 'blue AND red', pagScale: 2 },
    { sampler: 'ddim_cfgpp' },
    { negativeGuidance: { minSigma: 15, allSteps: true, skipEarly: 0 } },
    { hires: { scale: 1.5, upscaler: 'latent', strength: 0.7 } },
  ]) {
    const input = { ...inputOf(published), profile: 'a1111', steps: 2, ...more };
    const { request, timings } = await paint(input);
    const { rows, vaePixels } = costOf(request, info);
    const { asked } = timings;
    assert.deepEqual([asked?.rows, asked?.vaePixels], [rows, vaePixels], JSON.stringify(more));
  }
});

test('the recipe tells the image scale, and a stored request keeps it', async () => {
  const { imageGuidanceScale: _, ...input } = brief;
  const { images, request } = await paint(input);
  assert.match(images[0]!.infotext, /Image CFG scale: 1\.5,/);
  assert.equal(decodeRequest(encodeRequest(request)).imageGuidanceScale, 1.5);
  const recipe = await recipeOfFile(images[0]!.png);
  assert.equal(Number(recipe?.input.imageGuidanceScale), 1.5);
});

test('without a picture, and with two, it is refused; a model that does not edit leaves the scale aside', async () => {
  const asked = { ...brief, references: undefined };
  await assert.rejects(paint(asked), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.said[0]?.code, 'needs-picture-to-edit');
    return true;
  });
  const { picture } = published;
  const references = [picture, picture];
  await assert.rejects(paint({ ...asked, references }), UserError);
  // as it may be stored
  const one = parseRequest(inputOf(published), plain.entry.info);
  await assert.rejects(run({ ...one, references }), UserError);
  const other = await load(
    await writeWeights(join(root, 'plain.safetensors'), originalNames(reference)),
  );
  const { notes } = await paint(asked, other);
  assert.deepEqual(
    notes?.map(({ code }) => code),
    ['image-guidance-unheard'],
  );
});

/** Through an engine: test/e2e/painting/reword.test.ts. */
test('an edit goes on where it was cut short', async () => {
  const request = parseRequest({ ...brief, steps: 4 }, plain.entry.info);
  const journaled = async (past: Uint8Array | null, everyMs: number) => {
    const kept: Uint8Array[] = [];
    const result = await generate(
      request,
      plain,
      { previews: false, sendDenoised: false, keepLatents: false, journal: { past, everyMs } },
      {
        signal: new AbortController().signal,
        clock,
        loadMs: 0,
        onProgress: () => {},
        onJournal: (records) => void kept.push(records),
      },
    );
    return { result, kept };
  };
  const whole = await journaled(null, 0);
  const again = await journaled(Buffer.concat(whole.kept.slice(0, 3)), 1000);
  assert.ok((again.result.timings.resumed_steps ?? 0) > 0);
  assert.deepEqual(again.result.images[0]!.png, whole.result.images[0]!.png);
});

const maker = await checkpointMaker();

test('SDXL edits as its pipeline does', { skip: maker === null }, async (t) => {
  const folder = join(root, 'sdxl');
  await cp(await keptForm(maker!, 'sdxl', 'diffusers-fp16'), folder, { recursive: true });
  const config = join(folder, 'unet/config.json');
  const told = JSON.parse(await readFile(config, 'utf8')) as Record<string, unknown>;
  await writeFile(config, JSON.stringify({ ...told, in_channels: 8 }));
  await widenFirstLayer(join(folder, 'unet/diffusion_pytorch_model.fp16.safetensors'));
  const index = join(folder, 'model_index.json');
  const parts = JSON.parse(await readFile(index, 'utf8')) as Record<string, unknown>;
  const plainAndCosxl = new Map<boolean, Promise<LoadedModel>>();
  for (const c of await editCases('sdxl')) {
    await t.test(c.name, async () => {
      const isCosxl = c.name === 'cosxl';
      await writeFile(index, JSON.stringify({ ...parts, is_cosxl_edit: isCosxl }));
      const model = plainAndCosxl.get(isCosxl) ?? load(folder);
      plainAndCosxl.set(isCosxl, model);
      await check(c, await model);
    });
  }
});

/** In place: float16, as the folder's variant has them. */
async function widenFirstLayer(path: string): Promise<void> {
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Header;
  const weights = new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            shape,
            data_offsets: [from, to],
          },
        ]) => {
          const own = new Uint8Array(bytes.subarray(8 + length + from, 8 + length + to));
          return [name, { shape, data: new Float16Array(own.buffer) }] as const;
        },
      ),
  );
  await writeWeights(path, await withPicture(new Map(weights)));
}
