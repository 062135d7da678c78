import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTexts } from '../../../../src/engine/picture/recipe-texts.ts';
import { insertChunks, textChunk } from '../../../../src/engine/picture/file/png-text.ts';
import { fromWorkflow } from '../../../../src/engine/recipe/comfy/workflow.ts';
import { tinyPng } from '../../../support/tiny-png.ts';

/** The graph of ComfyUI's first screen. */
const SIMPLE = {
  '3': {
    class_type: 'KSampler',
    inputs: {
      seed: 156680208700286,
      steps: 20,
      cfg: 8,
      sampler_name: 'dpmpp_2m_sde_gpu',
      scheduler: 'karras',
      denoise: 1,
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
    },
  },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'sd\\dream-1.0.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 768, batch_size: 1 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a bottle', clip: ['10', 0] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: 'text, watermark', clip: ['10', 0] } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': { class_type: 'SaveImage', inputs: { filename_prefix: 'ComfyUI', images: ['8', 0] } },
  '10': { class_type: 'CLIPSetLastLayer', inputs: { stop_at_clip_layer: -2, clip: ['4', 1] } },
};

/** What parseRequest is handed; none is a mistake of the test. */
function inputOf(json: string) {
  const recipe = fromWorkflow(json);
  assert.ok(recipe, 'no recipe');
  return recipe.input;
}

const promptOf = (bytes: Uint8Array) =>
  readTexts(bytes).find(({ keyword }) => keyword === 'prompt')?.text;

test('a common graph: texts, numbers, size, checkpoint and clip skip', () => {
  assert.deepEqual(inputOf(JSON.stringify(SIMPLE)), {
    profile: 'comfy',
    rng: 'cpu',
    prompt: 'a bottle',
    negativePrompt: 'text, watermark',
    seed: '156680208700286',
    steps: 20,
    guidanceScale: 8,
    sampler: 'dpmpp_2m_sde',
    schedule: 'karras',
    pagScale: 0,
    width: 512,
    height: 768,
    model: 'dream-1.0',
    clipSkip: 2,
  });
});

test('the sampler behind the saved picture counts, not the first one in the file', () => {
  const graph = {
    '1': {
      class_type: 'KSampler',
      inputs: { ...SIMPLE['3'].inputs, seed: 1, positive: ['7', 0] },
    },
    ...SIMPLE,
  };
  assert.equal(inputOf(JSON.stringify(graph)).prompt, 'a bottle');
});

test('SamplerCustomAdvanced with its parts, text from a value node, a 64-bit seed', () => {
  const json = `{
    "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0],
      "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 18446744073709551615}},
    "3": {"class_type": "CFGGuider", "inputs": {"cfg": 4.5, "model": ["7", 0], "positive": ["8", 0], "negative": ["9", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler_ancestral"}},
    "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "beta", "steps": 12, "denoise": NaN}},
    "6": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64}},
    "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "some.gguf"}},
    "8": {"class_type": "CLIPTextEncode", "inputs": {"text": ["10", 0]}},
    "9": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
    "10": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "from afar"}}
  }`;
  const found = inputOf(json);
  assert.deepEqual(
    [found.prompt, found.seed, found.steps, found.guidanceScale, found.sampler, found.schedule],
    ['from afar', '18446744073709551615', 12, 4.5, 'euler_a', 'beta'],
  );
});

test('cycles, unknown samplers and nonsense end', () => {
  const cycle = { ...SIMPLE, '6': { class_type: 'Combine', inputs: { a: ['6', 0], b: ['3', 0] } } };
  assert.equal(inputOf(JSON.stringify(cycle)).steps, 20);
  const strange = structuredClone(SIMPLE);
  strange['3'].inputs.sampler_name = 'constructor';
  strange['3'].inputs.scheduler = 'linear_quadratic';
  const found = inputOf(JSON.stringify(strange));
  assert.equal(found.sampler, undefined);
  assert.equal(found.schedule, undefined);
  for (const text of [
    '',
    '[]',
    'null',
    '{}',
    '{"1":null}',
    '{"1":{"class_type":"X","inputs":{}}}',
  ]) {
    assert.equal(fromWorkflow(text), null, text);
  }
});

test("Flux's guidance is none of the sampler's cfg", () => {
  const flux = structuredClone(SIMPLE) as Record<string, { class_type: string; inputs: object }>;
  const sampler = flux['3'] as { class_type: string; inputs: Record<string, unknown> };
  const guidance = {
    class_type: 'FluxGuidance',
    inputs: { conditioning: sampler.inputs['positive'], guidance: 2.5 },
  };
  sampler.inputs['positive'] = ['90', 0];
  const found = inputOf(JSON.stringify({ ...flux, '90': guidance }));
  assert.equal(found.distilledGuidance, 2.5);
  assert.equal(found.prompt, inputOf(JSON.stringify(SIMPLE)).prompt);
});

test('it is read from the PNG', () => {
  const png = insertChunks(tinyPng(8, 8), [textChunk('prompt', JSON.stringify(SIMPLE))]);
  assert.equal(inputOf(promptOf(png) ?? '').seed, '156680208700286');
  assert.equal(promptOf(tinyPng(8, 8)), undefined);
});
