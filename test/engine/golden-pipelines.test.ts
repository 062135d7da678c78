/** Whole pipelines beside the reference implementations; runs where the reference numbers lie beside the checkout. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { decodeImage } from '../../src/engine/image.ts';
import { loadModel, type LoadedModel } from '../../src/engine/model/loader.ts';
import { openRegistry } from '../../src/engine/model/registry.ts';
import type { SamplerName, ScheduleName } from '../../src/engine/names.ts';
import { generate } from '../../src/engine/pipeline.ts';
import type { GenerateRequest, GenerateResult, InitImage } from '../../src/engine/request.ts';
import { readModelSchedule } from '../../src/engine/schedule.ts';
import { fullGolden, type ArrayRef } from './golden.ts';

const modelsDir = fileURLToPath(new URL('../../../shared/golden/models', import.meta.url));
const pipelines = new URL('../../../shared/golden/pipelines/', import.meta.url);
const clock = { ms: 0 };

type Args = Record<string, unknown>;
type Case = {
  name?: string;
  args: Args;
  seeds?: readonly number[];
  scheduler: string;
  scheduler_effective_config: Record<string, unknown>;
  image?: string;
  mask_image?: string;
  vae_decode_input?: ArrayRef;
  ort_vae_decode_input?: ArrayRef;
  final_latents: ArrayRef;
  png: readonly string[];
  ort_png?: readonly string[];
  ort_vs_torch?: { vae_in_max_abs?: number; final_latents_max_abs?: number };
};

const plain: Omit<GenerateRequest, 'model' | 'prompt' | 'width' | 'height' | 'steps' | 'seed'> = {
  negativePrompt: '',
  count: 1,
  guidanceScale: 7.5,
  sampler: null,
  schedule: 'automatic',
  variation: null,
  seedResize: null,
  etaNoiseSeedDelta: 0,
  eta: null,
  guidanceRescale: 0,
  clipSkip: 1,
  emphasis: 'none',
  rng: 'cpu',
  profile: 'diffusers',
  init: null,
};

/** What a request has no word for. */
const BEYOND = new Set([
  'prompt_2',
  'original_size',
  'negative_original_size',
  'denoising_end',
  'original_inference_steps',
  'num_images_per_prompt',
]);

async function initOf(family: string, c: Case, strength: number): Promise<InitImage | null> {
  const read = (file: string): Promise<Uint8Array> =>
    readFile(new URL(`${family}/${file}`, pipelines));
  if (c.image === undefined) return null;
  const mask = c.mask_image === undefined ? null : await read(c.mask_image);
  return { image: await read(c.image), strength, mask, maskBlur: 0, onlyMasked: false };
}

async function run(request: GenerateRequest, model: LoadedModel): Promise<GenerateResult> {
  const options = { previews: false, sendDenoised: false, keepLatents: true };
  const hooks = { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} };
  return generate(request, model, options, hooks);
}

/** The PNG may differ by one level where rounding falls the other way. */
async function assertSamePicture(
  result: GenerateResult,
  family: string,
  png: string,
): Promise<void> {
  const [image] = result.images;
  assert.ok(image);
  const ours = await decodeImage(image.png);
  const theirs = await decodeImage(await readFile(new URL(`${family}/${png}`, pipelines)));
  assert.deepEqual([ours.width, ours.height], [theirs.width, theirs.height]);
  const levels = ours.data.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (theirs.data[i] as number))),
    0,
  );
  assert.ok(levels <= 1, `${png} differs by ${levels} levels`);
}

function latentsOf({ latents }: GenerateResult): Float32Array {
  assert.ok(latents);
  return latents.data;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

for (const family of [
  'sd15',
  'sd15-fp16',
  'sd15-inpaint',
  'sd21-v',
  'sdxl',
  'lcm',
  'sd-turbo',
  'sd3',
]) {
  test(`${family} equals its diffusers pipeline`, async (t) => {
    const golden = fullGolden(`pipelines/${family}`);
    if (golden === null) return t.skip('no reference numbers here');
    const model = await loadModel(await openRegistry(modelsDir).find(family), {
      device: 'cpu',
      clock,
      warn: () => {},
    });
    t.after(() => model.release());
    const { scale, shift } = model.entry.layout.latentScale;
    for (const c of golden.manifest['cases'] as Case[]) {
      const { args } = c;
      if (Object.keys(args).some((key) => BEYOND.has(key)) || Array.isArray(args['prompt']))
        continue;
      await t.test(c.name ?? '', async () => {
        const schedule = readModelSchedule({
          ...c.scheduler_effective_config,
          _class_name: c.scheduler,
        });
        const reference = c.ort_vae_decode_input ?? c.vae_decode_input;
        assert.ok(reference);
        const [, , height = 0, width = 0] = reference.$[1];
        const request: GenerateRequest = {
          ...plain,
          model: family,
          prompt: String(args['prompt']),
          negativePrompt: String(args['negative_prompt'] ?? ''),
          width: 8 * width,
          height: 8 * height,
          steps: Number(args['num_inference_steps']),
          guidanceScale: Number(args['guidance_scale'] ?? 7.5),
          guidanceRescale: Number(args['guidance_rescale'] ?? 0),
          clipSkip: Number(args['clip_skip'] ?? 0) + 1,
          eta: args['eta'] === undefined ? null : Number(args['eta']),
          seed: BigInt(c.seeds?.[0] ?? 0),
          init: await initOf(family, c, Number(args['strength'] ?? 1)),
        };
        const result = await run(request, { ...model, schedule });
        const latents = latentsOf(result);
        const decoderInput = latents.map((value) => value / scale + shift);
        const error = largestDifference(decoderInput, golden.array(reference));
        const floor = family === 'sd15-fp16' ? 0.5 : 2e-3;
        const tolerance = Math.max(floor, 3 * (c.ort_vs_torch?.vae_in_max_abs ?? 0));
        assert.ok(error <= tolerance, `latents differ by ${error}, allowed ${tolerance}`);
        const [png] = c.ort_png ?? c.png;
        if (family !== 'sd15-fp16' && png) await assertSamePicture(result, family, png);
      });
    }
  });
}

const A1111_SAMPLERS: Record<string, SamplerName> = {
  Euler: 'euler',
  'Euler a': 'euler_a',
  Heun: 'heun',
  LMS: 'lms',
  DPM2: 'dpm2',
  'DPM2 a': 'dpm2_a',
  'DPM++ 2M': 'dpmpp_2m',
  'DPM++ SDE': 'dpmpp_sde',
  'DPM++ 2M SDE': 'dpmpp_2m_sde',
  'DPM++ 2M SDE Heun': 'dpmpp_2m_sde_heun',
  'DPM++ 3M SDE': 'dpmpp_3m_sde',
  'DPM++ 2S a': 'dpmpp_2s_a',
  'DPM fast': 'dpm_fast',
  'DPM adaptive': 'dpm_adaptive',
  Restart: 'restart',
  DDIM: 'ddim',
  'DDIM CFG++': 'ddim_cfgpp',
  PLMS: 'plms',
  UniPC: 'unipc',
  LCM: 'lcm',
};
const A1111_SCHEDULES: Record<string, ScheduleName> = {
  'SGM Uniform': 'sgm_uniform',
  Exponential: 'exponential',
  'Align Your Steps': 'align_your_steps',
  Beta: 'beta',
  'KL Optimal': 'kl_optimal',
  Karras: 'karras',
  Uniform: 'uniform',
  Polyexponential: 'polyexponential',
  Simple: 'simple',
  Normal: 'normal',
  DDIM: 'ddim_uniform',
};

test('profile a1111 equals A1111', async (t) => {
  const golden = fullGolden('pipelines/a1111-sd15');
  if (golden === null || !existsSync(modelsDir)) return t.skip('no reference numbers here');
  const model = await loadModel(await openRegistry(modelsDir).find('sd15'), {
    device: 'cpu',
    clock,
    warn: () => {},
  });
  t.after(() => model.release());
  for (const c of golden.manifest['cases'] as A1111Case[]) {
    const { args } = c;
    const sampler = A1111_SAMPLERS[String(args['sampler'])];
    // A schedule of its own, a limit on the negative prompt and padding are no part of a request.
    if ('s_min_uncond' in args || args['pad_v0'] === true || sampler === undefined) continue;
    await t.test(String(args['name']), async () => {
      const seeds = args['seeds'] as number[];
      const subseed = (args['subseeds'] as number[] | undefined)?.[0];
      const resize = args['seed_resize_from_w'];
      const request: GenerateRequest = {
        ...plain,
        model: 'sd15',
        profile: 'a1111',
        prompt: String(args['prompt']),
        negativePrompt: String(args['negative'] ?? ''),
        width: Number(args['width'] ?? 64),
        height: Number(args['height'] ?? 64),
        count: seeds.length,
        steps: Number(args['steps']),
        guidanceScale: Number(args['cfg']),
        sampler,
        schedule: A1111_SCHEDULES[String(args['scheduler'])] ?? 'automatic',
        clipSkip: Number(args['clip_skip']),
        eta: args['eta'] === null ? null : Number(args['eta']),
        seed: BigInt(seeds[0] ?? 0),
        etaNoiseSeedDelta: Number(args['ensd']),
        rng: args['rng'] === 'NV' ? 'nv' : 'cpu',
        emphasis: emphasisOf(String(args['emphasis'])),
        variation:
          subseed === undefined
            ? null
            : { seed: BigInt(subseed), strength: Number(args['subseed_strength']) },
        seedResize:
          resize === undefined
            ? null
            : { width: Number(resize), height: Number(args['seed_resize_from_h']) },
        init: await a1111Init(c, golden.array),
      };
      const result = await run(request, model);
      const latents = latentsOf(result);
      const error = largestDifference(latents, golden.array(c.final_latents));
      const own = 3 * (c.ort_vs_torch?.final_latents_max_abs ?? 0);
      const tolerance = sampler === 'dpm_adaptive' ? 0.4 : Math.max(2e-3, own);
      assert.ok(error <= tolerance, `latents differ by ${error}, allowed ${tolerance}`);
      const [png] = c.png;
      // The reference's masked cases end before the kept part is laid over.
      if (png && sampler !== 'dpm_adaptive' && request.init?.mask == null) {
        await assertSamePicture(result, 'a1111-sd15', png);
      }
    });
  }
});

type A1111Case = Case & { latent_mask_1_means_repaint?: ArrayRef };

async function a1111Init(
  c: A1111Case,
  array: (ref: ArrayRef) => Float32Array,
): Promise<InitImage | null> {
  const init = await initOf('a1111-sd15', c, Number(c.args['denoising_strength'] ?? 1));
  if (init === null || c.latent_mask_1_means_repaint === undefined) return init;
  const [, , height = 0, width = 0] = c.latent_mask_1_means_repaint.$[1];
  const latentMask = array(c.latent_mask_1_means_repaint);
  const grey = Uint8Array.from(latentMask.subarray(0, width * height), (value) => 255 * value);
  const mask = await sharp(grey, { raw: { width, height, channels: 1 } })
    .resize(width * 8, height * 8, { kernel: 'nearest' })
    .png()
    .toBuffer();
  return { ...init, mask };
}

function emphasisOf(name: string): GenerateRequest['emphasis'] {
  if (name === 'No norm') return 'no_norm';
  if (name === 'Ignore') return 'ignore';
  return name === 'None' ? 'none' : 'original';
}
