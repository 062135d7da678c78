/** Every name a person can choose by, in the order menus show them. The tables elsewhere are typed by these lists. */

export const SAMPLERS = [
  'euler',
  'euler_a',
  'heun',
  'dpm2',
  'dpm2_a',
  'lms',
  'dpm_fast',
  'dpm_adaptive',
  'dpmpp_2s_a',
  'dpmpp_sde',
  'dpmpp_2m',
  'dpmpp_2m_sde',
  'dpmpp_2m_sde_heun',
  'dpmpp_3m_sde',
  'restart',
  'ddim',
  'ddim_cfgpp',
  'plms',
  'unipc',
  'ddpm',
  'deis',
  'lcm',
  'tcd',
  'flow_euler',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** `automatic` is A1111's choice for the sampler: see samplers/samplers.ts. */
export const SCHEDULES = [
  'automatic',
  'uniform',
  'karras',
  'exponential',
  'polyexponential',
  'sgm_uniform',
  'simple',
  'normal',
  'ddim_uniform',
  'beta',
  'kl_optimal',
  'align_your_steps',
] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** Where the start noise comes from: torch's CPU generator (mt19937) or A1111's GPU generator (Philox). */
export const RNGS = ['cpu', 'nv'] as const;
export type RngName = (typeof RNGS)[number];

/** Whose rules hold for noise, spacing, emphasis, clip skip and img2img. */
export const PROFILES = ['a1111', 'diffusers', 'comfy'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** How prompt weights act on the text embedding (A1111's names). `none` also leaves the syntax unread. */
export const EMPHASES = ['original', 'no_norm', 'ignore', 'none'] as const;
export type EmphasisName = (typeof EMPHASES)[number];

export const DEVICES = ['auto', 'cuda', 'webgpu', 'dml', 'coreml', 'cpu'] as const;
/** Of these a machine may have several: `cuda:1`. */
export const NUMBERED_DEVICES: readonly DeviceName[] = ['cuda', 'dml'];
export type DeviceName = (typeof DEVICES)[number];
export type ProviderName = Exclude<DeviceName, 'auto'>;

/** How hires fix enlarges the first pass: latents as A1111's latent_upscale_modes, or `pixel` (Lanczos on the picture). */
export const UPSCALERS = [
  'latent',
  'latent_antialiased',
  'latent_bicubic',
  'latent_bicubic_antialiased',
  'latent_nearest',
  'latent_nearest_exact',
  'pixel',
] as const;
export type UpscalerName = (typeof UPSCALERS)[number];

/** Is it the name of a sampler, spelt exactly? */
export function isSampler(value: unknown): value is SamplerName {
  return SAMPLERS.some((name) => name === value);
}

/** Is it the name of a schedule, spelt exactly? */
export function isSchedule(value: unknown): value is ScheduleName {
  return SCHEDULES.some((name) => name === value);
}

/** Families of models by their denoising networks. */
export type UnetFamilyName = 'sd1' | 'sd2' | 'sdxl' | 'sdxl-refiner' | 'lcm';
export type TransformerFamilyName = 'sd3' | 'flux' | 'flux2' | 'chroma' | 'z-image' | 'qwen-image';
export type FamilyName = UnetFamilyName | TransformerFamilyName;
