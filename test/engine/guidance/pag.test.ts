/** Perturbed-attention guidance beside diffusers and ComfyUI, on the embedded model (test/fixtures/golden/pag/make.py). */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { PERTURBATION } from '../../../src/engine/guidance/perturbation.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import type { GraphEdit } from '../../../src/engine/model/graphs/variant.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import type { SamplerName, ScheduleName } from '../../../src/engine/names.ts';
import { graphInputs, readOnnx } from '../../../src/engine/onnx/graph.ts';
import { addPerturbation, PERTURBED_INPUT } from '../../../src/engine/onnx/perturbed-attention.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateRequest, RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';
import { readModelSchedule } from '../../../src/engine/sampling/schedule.ts';
import { requestFromInfotext } from '../../../src/engine/recipe/infotext.ts';
import { fromWorkflow } from '../../../src/engine/recipe/comfy/workflow.ts';
import { decodeRequest, encodeRequest } from '../../../src/engine/request/stored-request.ts';
import { type ArrayRef, fixture, maxDifference } from '../../support/golden/golden.ts';
import { measurer } from '../../support/golden/measure.ts';

const models = new URL('../../../models/', import.meta.url).pathname;
const entry = await openRegistry(models).find('demo');
const clock = { ms: 0 };
const opened: LoadedModel[] = [];

async function load(edits: readonly GraphEdit[]): Promise<LoadedModel> {
  const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} }, edits);
  opened.push(model);
  return model;
}

let perturbing: LoadedModel;
before(async () => {
  perturbing = await load([PERTURBATION]);
});
after(() => Promise.all(opened.map((model) => model.release())));

function order(input: RequestInput): GenerateRequest {
  return parseRequest({ prompt: 'a purple mushroom at sunset', seed: 5, ...input }, entry.info);
}

function run(request: GenerateRequest, model = perturbing): Promise<GenerateResult> {
  const options = { previews: false, sendDenoised: false, keepLatents: true };
  const hooks = { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} };
  return generate(request, model, options, hooks, null);
}

async function latentsOf(input: RequestInput, model = perturbing): Promise<Float32Array> {
  const { latents } = await run(order(input), model);
  assert.ok(latents);
  return latents.data;
}

type Case = {
  name: string;
  profile: 'diffusers' | 'a1111';
  scheduler: Record<string, unknown> | null;
  sampler: SamplerName | null;
  schedule: ScheduleName;
  prompt: string;
  seed: number;
  steps: number;
  scale: number;
  pag: number;
  rescale: number;
  latents: ArrayRef;
};

const { manifest, array } = fixture('pag');
/** There is no fuller set than the copy in this repository. */
const measure = measurer('full');
for (const c of manifest['cases'] as Case[]) {
  test(`equals the reference: ${c.name}`, async () => {
    const request = order({
      profile: c.profile,
      prompt: c.prompt,
      negativePrompt: 'blurry',
      seed: c.seed,
      steps: c.steps,
      guidanceScale: c.scale,
      guidanceRescale: c.rescale,
      pagScale: c.pag,
      sampler: c.sampler,
      schedule: c.schedule,
    });
    const schedule = c.scheduler
      ? { ...perturbing.schedule, ...readModelSchedule(c.scheduler) }
      : perturbing.schedule;
    const { latents } = await run(request, { ...perturbing, schedule });
    assert.ok(latents);
    const error = maxDifference(latents.data, array(c.latents));
    const what = `perturbed attention, ${c.profile}`;
    const values = latents.data.length;
    // PyTorch and ONNX Runtime differ in the last bits of the network, which the steps carry along.
    measure({ what, unit: 'absolute', error, tolerance: 2e-3, values }, c.name);
  });
}

/** Where the references are not looked at. */
const small = { width: 64, height: 64, steps: 4 };

test('a scale of 0 is the picture without it, bit for bit', async () => {
  const plain = await load([]);
  const [without, zero] = await Promise.all([
    latentsOf(small, plain),
    latentsOf({ ...small, pagScale: 0 }, plain),
  ]);
  assert.deepEqual(zero, without);
  assert.equal('pagScale' in order({ pagScale: 0 }), false);
  // The graph that can be perturbed answers the same where no row is.
  assert.ok(maxDifference(await latentsOf(small), without) < 1e-4);
  assert.ok(maxDifference(await latentsOf({ ...small, pagScale: 3 }), without) > 0.1);
});

test('each picture of a batch is guided as if it were alone', async () => {
  const both = await latentsOf({ ...small, pagScale: 3, count: 2 });
  for (const [image, seed] of [5, 6].entries()) {
    const alone = await latentsOf({ ...small, pagScale: 3, seed });
    const own = both.subarray(image * alone.length, (image + 1) * alone.length);
    assert.ok(maxDifference(own, alone) < 1e-4);
  }
});

test('several prompts, prompts of different lengths and skipped negatives', async () => {
  const long = Array.from({ length: 90 }, () => 'red').join(' ');
  for (const input of [
    { prompt: 'a red heart AND a blue background:0.5' },
    { prompt: `a heart ${long}`, negativePrompt: 'blurry' },
    { negativeGuidance: { minSigma: 15, allSteps: true, skipEarly: 0 } },
    { guidanceScale: 1 },
  ] satisfies RequestInput[]) {
    const [off, on] = [
      await latentsOf({ ...small, ...input }),
      await latentsOf({ ...small, ...input, pagScale: 2 }),
    ];
    assert.ok(on.every(Number.isFinite));
    assert.ok(maxDifference(off, on) > 0.01);
  }
  // One prompt written as two halves of itself is itself.
  const whole = await latentsOf({ ...small, prompt: 'a red heart', pagScale: 2 });
  const prompt = 'a red heart:0.5 AND a red heart:0.5';
  assert.ok(maxDifference(await latentsOf({ ...small, prompt, pagScale: 2 }), whole) < 1e-3);
});

test('the recipe says it, and recipes of others are read', async () => {
  const { images } = await run(order({ pagScale: 2.5, steps: 2 }));
  const text = images[0]?.infotext ?? '';
  assert.match(text, /PAG scale: 2\.5/);
  assert.equal(order(requestFromInfotext(text)).pagScale, 2.5);
  const recipe = 'a cat\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 128x128';
  const read = (more: string) => requestFromInfotext(recipe + more).pagScale;
  assert.equal(Number(read(', PAG Active: True, PAG Scale: 3')), 3);
  assert.equal(Number(read(', pagi_enabled: True, pagi_scale: 1.5')), 1.5);
  // What was painted without it stays without it, whatever a model's folder says now.
  assert.equal(read(''), 0);
  assert.equal(read(', PAG Active: False, PAG Scale: 3'), 0);
  const workflow = {
    1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } },
    2: { class_type: 'PerturbedAttentionGuidance', inputs: { model: ['1', 0], scale: 4 } },
    3: { class_type: 'CLIPTextEncode', inputs: { text: 'a cat', clip: ['1', 1] } },
    4: {
      class_type: 'KSampler',
      inputs: {
        model: ['2', 0],
        positive: ['3', 0],
        negative: ['3', 0],
        seed: 1,
        steps: 5,
        cfg: 4,
      },
    },
  };
  assert.equal(fromWorkflow(JSON.stringify(workflow))?.input.pagScale, 4);
});

test('a stored request keeps it; a model folder may have its own', () => {
  const stored = decodeRequest(encodeRequest(order({ pagScale: 3 })));
  assert.equal(stored.pagScale, 3);
  const { defaults } = entry.info;
  const own = { ...entry.info, defaults: { ...defaults, pagScale: 2 } };
  assert.equal(parseRequest({ prompt: 'a cat' }, own).pagScale, 2);
  assert.equal(parseRequest({ prompt: 'a cat', pagScale: 0 }, own).pagScale, undefined);
});

test('what it cannot do is told in a sentence', async () => {
  assert.throws(() => order({ pagScale: 21 }), /pag scale must be a number from 0 to 20/);
  const transformer = { ...entry.info, name: 'big', family: 'sd3' as const };
  assert.throws(() => parseRequest({ prompt: 'a cat', pagScale: 3 }, transformer), /transformer/);
  const decoder = readOnnx(await readFile(entry.layout.vaeDecoder.path));
  assert.throws(() => addPerturbation(decoder), /self-attention of a middle block was not found/);
});

test('the graph gets one input more', async () => {
  const graph = readOnnx(await readFile(entry.layout.denoiser.path));
  addPerturbation(graph);
  const added = graphInputs(graph).find(({ name }) => name === PERTURBED_INPUT);
  assert.equal(added?.dims.length, 3);
});
