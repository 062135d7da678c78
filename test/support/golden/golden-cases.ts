/**
 * Whole pictures of the reference implementations as requests to this engine: what to ask for, what must come out
 * and how far off it may be.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { decodeImage } from '../../../src/engine/picture/image.ts';
import type {
  ProfileName,
  SamplerName,
  ScheduleName,
  UpscalerName,
} from '../../../src/engine/names.ts';
import type { GenerateRequest, InitImage, XlWords } from '../../../src/engine/request.ts';
import { type ArrayRef, fixture, fullGolden, type Golden } from './golden.ts';
import { fullSet, goldenFolder } from './golden-set.ts';

export const goldenModels = path.join(goldenFolder, 'models');
const pipelines = new URL('pipelines/', fullSet);

export const DIFFUSERS_FAMILIES = [
  'sd15',
  'sd15-fp16',
  'sd15-inpaint',
  'sd21-v',
  'sdxl',
  'lcm',
  'sd-turbo',
  'sd3',
] as const;

export type PictureCase = {
  name: string;
  request: GenerateRequest;
  /** the scheduler_config.json that the reference ran with; null in profile a1111 */
  scheduler: Record<string, unknown> | null;
  /** before the VAE's scaling in profile a1111, as the decoder takes them in profile diffusers; null: only the PNG */
  latents: Float32Array | null;
  tolerance: number;
  /** the reference's PNG; null where the reference has none that is comparable */
  png: Uint8Array | null;
};

export type PictureSuite = {
  family: string;
  profile: ProfileName;
  /** folder below goldenModels */
  model: string;
  cases: PictureCase[];
  /** reference cases that no request can word, by name */
  left: string[];
};

export type Args = Record<string, unknown>;
type Case = {
  name?: string;
  args: Args;
  seeds?: readonly number[];
  scheduler: string;
  scheduler_effective_config: Record<string, unknown>;
  image?: string;
  mask_image?: string;
  latent_mask_1_means_repaint?: ArrayRef;
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
const BEYOND = new Set(['original_inference_steps']);

/** Null where the reference numbers are not beside the checkout. */
export async function diffusersPictures(family: string): Promise<PictureSuite | null> {
  const golden = fullGolden(`pipelines/${family}`);
  if (golden === null) return null;
  const suite: PictureSuite = {
    family,
    profile: 'diffusers',
    model: family,
    cases: [],
    left: [],
  };
  for (const c of golden.manifest['cases'] as Case[]) {
    const name = c.name ?? '';
    const isBeyond =
      Object.keys(c.args).some((key) => BEYOND.has(key)) ||
      Array.isArray(c.args['prompt']) ||
      (c.seeds?.length ?? 1) > 1;
    if (isBeyond) suite.left.push(name);
    else suite.cases.push(await diffusersPicture(family, name, c, golden));
  }
  return suite;
}

async function diffusersPicture(
  family: string,
  name: string,
  c: Case,
  { array }: Golden,
): Promise<PictureCase> {
  const { args } = c;
  const reference = c.ort_vae_decode_input ?? c.vae_decode_input ?? c.final_latents;
  const [, , height = 0, width = 0] = reference.$[1];
  const isHalf = family === 'sd15-fp16';
  const [png] = c.ort_png ?? c.png;
  return {
    name,
    scheduler: { ...c.scheduler_effective_config, _class_name: c.scheduler },
    latents: array(reference),
    tolerance: Math.max(isHalf ? 0.5 : 2e-3, 3 * (c.ort_vs_torch?.vae_in_max_abs ?? 0)),
    png: png === undefined ? null : await read(family, png),
    request: {
      ...diffusersRequest(family, args, { width: 8 * width, height: 8 * height }),
      seed: BigInt(c.seeds?.[0] ?? 0),
      init: await initOf(family, c, Number(args['strength'] ?? 1)),
    },
  };
}

/** What a pipeline of diffusers was called with, in a request's words; seed 0, and no start picture. */
export function diffusersRequest(
  model: string,
  args: Args,
  size: { width: number; height: number },
): GenerateRequest {
  return {
    ...plain,
    model,
    ...size,
    prompt: String(args['prompt']),
    negativePrompt: String(args['negative_prompt'] ?? ''),
    count: Number(args['num_images_per_prompt'] ?? 1),
    steps: Number(args['num_inference_steps']),
    guidanceScale: Number(args['guidance_scale'] ?? 7.5),
    guidanceRescale: Number(args['guidance_rescale'] ?? 0),
    clipSkip: Number(args['clip_skip'] ?? 0) + 1,
    eta: args['eta'] === undefined ? null : Number(args['eta']),
    seed: 0n,
    ...xlOf(args),
  };
}

/** diffusers writes sizes as (height, width) and corners as (top, left). */
function xlOf(args: Args): Pick<GenerateRequest, 'xl' | 'refiner'> {
  const size = (key: string) => {
    const [height, width] = args[key] as [number, number];
    return { width, height };
  };
  const corner = (key: string) => {
    const [top, left] = args[key] as [number, number];
    return { left, top };
  };
  const told: XlWords = {
    ...('prompt_2' in args && { prompt2: String(args['prompt_2']) }),
    ...('negative_prompt_2' in args && { negativePrompt2: String(args['negative_prompt_2']) }),
    ...('original_size' in args && { originalSize: size('original_size') }),
    ...('crops_coords_top_left' in args && { crop: corner('crops_coords_top_left') }),
    ...('target_size' in args && { targetSize: size('target_size') }),
    ...('negative_original_size' in args && {
      negativeOriginalSize: size('negative_original_size'),
    }),
    ...('negative_crops_coords_top_left' in args && {
      negativeCrop: corner('negative_crops_coords_top_left'),
    }),
    ...('negative_target_size' in args && { negativeTargetSize: size('negative_target_size') }),
    ...(args['negative_prompt'] === '' && { encodesEmptyNegative: true }),
  };
  return {
    ...(Object.keys(told).length > 0 && { xl: told }),
    ...('denoising_end' in args && {
      refiner: { model: null, switchAt: Number(args['denoising_end']) },
    }),
  };
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

/** Null where the reference numbers are not beside the checkout. */
export async function a1111Pictures(): Promise<PictureSuite | null> {
  const family = 'a1111-sd15';
  const golden = fullGolden(`pipelines/${family}`);
  if (golden === null) return null;
  const suite: PictureSuite = { family, profile: 'a1111', model: 'sd15', cases: [], left: [] };
  for (const c of golden.manifest['cases'] as Case[]) {
    const sampler = A1111_SAMPLERS[String(c.args['sampler'])];
    const name = String(c.args['name']);
    // A schedule of its own and padding are no part of a request.
    if (c.args['pad_v0'] === true || sampler === undefined) {
      suite.left.push(name);
      continue;
    }
    suite.cases.push(await a1111Picture(family, name, sampler, c, golden));
  }
  return suite;
}

async function a1111Picture(
  family: string,
  name: string,
  sampler: SamplerName,
  c: Case,
  golden: Golden,
): Promise<PictureCase> {
  const { args } = c;
  const seeds = args['seeds'] as number[];
  const subseed = (args['subseeds'] as number[] | undefined)?.[0];
  const resize = args['seed_resize_from_w'];
  const [png] = c.png;
  const isAdaptive = sampler === 'dpm_adaptive';
  const init = await a1111Init(family, c, golden);
  // The reference's masked cases end before the kept part is laid over; an adaptive step flips on rounding.
  const isComparable = png !== undefined && !isAdaptive && init?.mask == null;
  const own = 3 * (c.ort_vs_torch?.final_latents_max_abs ?? 0);
  return {
    name,
    scheduler: null,
    latents: golden.array(c.final_latents),
    tolerance: isAdaptive ? 0.4 : Math.max(2e-3, own),
    png: isComparable ? await read(family, png) : null,
    request: {
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
      init,
      ...('s_min_uncond' in args && {
        negativeGuidance: {
          minSigma: Number(args['s_min_uncond']),
          allSteps: false,
          skipEarly: 0,
        },
      }),
    },
  };
}

type ComfyCase = {
  name: string;
  sampler: SamplerName;
  schedule: ScheduleName;
  strength: number | null;
  count: number;
  masked: boolean;
  seed: string;
  steps: number;
  scale: number;
  prompt: string;
  negative: string;
  latents: ArrayRef;
};

/** ComfyUI's (test/fixtures/golden/comfy/make.py); null where the model they were made with is not beside the checkout. */
export async function comfyPictures(): Promise<PictureSuite | null> {
  if (!existsSync(`${goldenModels}/sd15`)) return null;
  const { manifest, array } = fixture('comfy');
  const file = (name: string): Promise<Uint8Array> =>
    readFile(new URL(`../../fixtures/golden/comfy/${name}`, import.meta.url));
  const [image, hole] = await Promise.all([file('start.png'), file('mask.png')]);
  const cases = (manifest['cases'] as ComfyCase[]).map((c): PictureCase => {
    const { name, sampler, schedule, strength, count, steps, prompt } = c;
    return {
      name,
      scheduler: null,
      latents: array(c.latents),
      // Values up to about 10, levels and logarithms in float32 there; an adaptive step flips on rounding.
      tolerance: sampler === 'dpm_adaptive' ? 0.4 : 4e-3,
      png: null,
      request: {
        ...plain,
        model: 'sd15',
        profile: 'comfy',
        emphasis: 'original',
        width: 64,
        height: 64,
        sampler,
        schedule,
        count,
        steps,
        prompt,
        negativePrompt: c.negative,
        guidanceScale: c.scale,
        seed: BigInt(c.seed),
        init:
          strength === null
            ? null
            : { image, strength, mask: c.masked ? hole : null, maskBlur: 0, onlyMasked: false },
      },
    };
  });
  return { family: 'comfy-sd15', profile: 'comfy', model: 'sd15', cases, left: [] };
}

type HiresCase = Pick<
  ComfyCase,
  'name' | 'sampler' | 'schedule' | 'steps' | 'scale' | 'latents'
> & {
  seed: number;
  upscaler: UpscalerName;
  larger: number;
  second: number;
  strength: number;
};

/** A1111's hires fix (test/fixtures/golden/hires/make.py); null where its model is not beside the checkout. */
export async function hiresPictures(): Promise<PictureSuite | null> {
  if (!existsSync(`${goldenModels}/sd15`)) return null;
  const { manifest, array } = fixture('hires');
  const file = (index: number): Promise<Uint8Array> =>
    readFile(new URL(`../../fixtures/golden/hires/result-${index}.png`, import.meta.url));
  const made = manifest['cases'] as HiresCase[];
  const pngs = await Promise.all(made.map((_, index) => file(index)));
  const cases = made.map((c, index): PictureCase => {
    const { name, sampler, schedule, steps, upscaler, larger, second, strength } = c;
    return {
      name,
      scheduler: null,
      latents: array(c.latents),
      tolerance: 2e-3,
      png: pngs[index] ?? null,
      request: {
        ...plain,
        model: 'sd15',
        profile: 'a1111',
        prompt: 'two green houses, night',
        negativePrompt: 'blurry',
        width: 64,
        height: 64,
        sampler,
        schedule,
        steps,
        guidanceScale: c.scale,
        seed: BigInt(c.seed),
        hires: { scale: larger, steps: second, strength, upscaler },
      },
    };
  });
  return { family: 'a1111 hires fix', profile: 'a1111', model: 'sd15', cases, left: [] };
}

type InpaintCase = Pick<ComfyCase, 'name' | 'sampler' | 'steps' | 'scale'> & {
  width: number;
  height: number;
  onlyMasked: boolean;
  strength: number;
  seed: number;
};

/** A1111's inpainting by pixels (test/fixtures/golden/inpaint/make.py); null where its model is not there. */
export async function inpaintPictures(): Promise<PictureSuite | null> {
  if (!existsSync(`${goldenModels}/sd15`)) return null;
  const folder = new URL('../../fixtures/golden/inpaint/', import.meta.url);
  const text = await readFile(new URL('manifest.json', folder), 'utf8');
  const image = await readFile(new URL('start.png', folder));
  const cases: PictureCase[] = [];
  for (const [index, c] of (JSON.parse(text) as { cases: InpaintCase[] }).cases.entries()) {
    const { name, width, height, onlyMasked, sampler, steps, strength } = c;
    const mask = await readFile(new URL(`mask-${index}.png`, folder));
    cases.push({
      name,
      scheduler: null,
      latents: null,
      tolerance: 0,
      png: await readFile(new URL(`result-${index}.png`, folder)),
      request: {
        ...plain,
        model: 'sd15',
        profile: 'a1111',
        prompt: 'two green houses, night',
        negativePrompt: 'blurry',
        width,
        height,
        sampler,
        schedule: 'uniform',
        steps,
        guidanceScale: c.scale,
        seed: BigInt(c.seed),
        init: { image, strength, mask, maskBlur: 0, onlyMasked },
      },
    });
  }
  return { family: 'a1111 inpainting', profile: 'a1111', model: 'sd15', cases, left: [] };
}

type HandoverCase = Pick<ComfyCase, 'name' | 'schedule' | 'steps' | 'scale' | 'latents'> & {
  profile: ProfileName;
  sampler: SamplerName | null;
  scheduler: Record<string, unknown> | null;
  seed: number;
  switch_at: number;
};

/**
 * One model taking over from another (test/fixtures/golden/handover/make.py): in profile diffusers the SDXL model
 * from itself, with a scheduler of its own, in profile a1111 the Turbo model; null where they are not there.
 */
export async function handoverPictures(profile: ProfileName): Promise<PictureSuite | null> {
  if (!existsSync(`${goldenModels}/sdxl`)) return null;
  const { manifest, array } = fixture('handover');
  const [model, refiner] = profile === 'diffusers' ? ['sdxl', 'sdxl'] : ['sd15', 'sd-turbo'];
  const cases = (manifest['cases'] as HandoverCase[])
    .filter((c) => c.profile === profile)
    .map((c): PictureCase => {
      const { name, scheduler, sampler, schedule, steps } = c;
      const request: GenerateRequest = {
        ...plain,
        model,
        profile,
        prompt: 'a red cat on a blue background',
        negativePrompt: 'blurry',
        width: 64,
        height: 64,
        sampler,
        schedule,
        steps,
        guidanceScale: c.scale,
        seed: BigInt(c.seed),
        refiner: { model: refiner, switchAt: c.switch_at },
      };
      const before = array(c.latents);
      const { scale } = latentScale(model);
      const latents = profile === 'diffusers' ? before.map((value) => value / scale) : before;
      return { name, scheduler, latents, tolerance: 2e-3, png: null, request };
    });
  return { family: 'handover', profile, model, cases, left: [] };
}

function read(family: string, file: string): Promise<Uint8Array> {
  return readFile(new URL(`${family}/${file}`, pipelines));
}

async function initOf(family: string, c: Case, strength: number): Promise<InitImage | null> {
  if (c.image === undefined) return null;
  const mask = c.mask_image === undefined ? null : await read(family, c.mask_image);
  return { image: await read(family, c.image), strength, mask, maskBlur: 0, onlyMasked: false };
}

async function a1111Init(family: string, c: Case, { array }: Golden): Promise<InitImage | null> {
  const init = await initOf(family, c, Number(c.args['denoising_strength'] ?? 1));
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

/** What a golden model's vae_decoder/config.json says: decoder input = latents / scale + shift. */
export function latentScale(model: string): { scale: number; shift: number } {
  const file = `${goldenModels}/${model}/vae_decoder/config.json`;
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number | null>;
  return { scale: config['scaling_factor'] ?? 0.18215, shift: config['shift_factor'] ?? 0 };
}

export type PictureDifference = {
  /** largest difference of any channel, 0-255 */
  levels: number;
  /** decibels, Infinity when equal */
  psnr: number;
  pixels: number;
  /** pixels equal in every channel */
  equalPixels: number;
};

/** @throws Error when the sizes differ */
export async function comparePictures(
  ours: Uint8Array,
  theirs: Uint8Array,
): Promise<PictureDifference> {
  const [a, b] = [await decodeImage(ours), await decodeImage(theirs)];
  if (a.width !== b.width || a.height !== b.height || a.data.length !== b.data.length) {
    throw new Error(`${a.width}x${a.height} beside ${b.width}x${b.height}`);
  }
  const pixels = a.width * a.height;
  const channels = a.data.length / pixels;
  let [levels, squares, equalPixels] = [0, 0, 0];
  for (let pixel = 0; pixel < pixels; pixel++) {
    let worst = 0;
    for (let i = pixel * channels; i < (pixel + 1) * channels; i++) {
      const difference = Math.abs((a.data[i] as number) - (b.data[i] as number));
      worst = Math.max(worst, difference);
      squares += difference * difference;
    }
    levels = Math.max(levels, worst);
    if (worst === 0) equalPixels += 1;
  }
  const psnr = 10 * Math.log10((255 * 255 * a.data.length) / squares);
  return { levels, psnr, pixels, equalPixels };
}
