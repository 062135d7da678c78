import type { EmphasisName, SamplerName, ScheduleName, UpscalerName } from '../../names.ts';
import { UPSCALERS } from '../../names.ts';

/** A1111's names where it has the sampler, else the usual name: what infotexts and people write. */
export const SAMPLER_LABELS: Readonly<Record<SamplerName, string>> = {
  euler: 'Euler',
  euler_a: 'Euler a',
  heun: 'Heun',
  dpm2: 'DPM2',
  dpm2_a: 'DPM2 a',
  lms: 'LMS',
  dpm_fast: 'DPM fast',
  dpm_adaptive: 'DPM adaptive',
  dpmpp_2s_a: 'DPM++ 2S a',
  dpmpp_sde: 'DPM++ SDE',
  dpmpp_2m: 'DPM++ 2M',
  dpmpp_2m_sde: 'DPM++ 2M SDE',
  dpmpp_2m_sde_heun: 'DPM++ 2M SDE Heun',
  dpmpp_3m_sde: 'DPM++ 3M SDE',
  restart: 'Restart',
  ddim: 'DDIM',
  ddim_cfgpp: 'DDIM CFG++',
  plms: 'PLMS',
  unipc: 'UniPC',
  ddpm: 'DDPM',
  deis: 'DEIS',
  lcm: 'LCM',
  tcd: 'TCD',
  flow_euler: 'Flow Euler',
};

export const SCHEDULE_LABELS: Readonly<Record<ScheduleName, string>> = {
  automatic: 'Automatic',
  uniform: 'Uniform',
  karras: 'Karras',
  exponential: 'Exponential',
  polyexponential: 'Polyexponential',
  sgm_uniform: 'SGM Uniform',
  simple: 'Simple',
  normal: 'Normal',
  ddim_uniform: 'DDIM',
  beta: 'Beta',
  kl_optimal: 'KL Optimal',
  align_your_steps: 'Align Your Steps',
};

export const EMPHASIS_LABELS: Readonly<Record<EmphasisName, string>> = {
  original: 'Original',
  no_norm: 'No norm',
  ignore: 'Ignore',
  none: 'None',
};

const UPSCALER_LABELS: Readonly<Record<UpscalerName, string>> = {
  latent: 'Latent',
  latent_antialiased: 'Latent (antialiased)',
  latent_bicubic: 'Latent (bicubic)',
  latent_bicubic_antialiased: 'Latent (bicubic antialiased)',
  latent_nearest: 'Latent (nearest)',
  latent_nearest_exact: 'Latent (nearest-exact)',
  pixel: 'Lanczos',
};

/** As A1111 calls it; a network by its file's name. */
export function upscalerLabel(name: string): string {
  const known = UPSCALERS.find((one) => one === name);
  return known === undefined ? name.slice(name.lastIndexOf('/') + 1) : UPSCALER_LABELS[known];
}

/** The ways to stretch latents; everything else enlarges the decoded picture. */
export function latentUpscaler(name: string): Exclude<UpscalerName, 'pixel'> | null {
  const found = UPSCALERS.find((one) => one === name);
  return found === undefined || found === 'pixel' ? null : found;
}

/** A1111's "None" enlarges with Lanczos too (modules/images.py, resize_image). */
export function upscalerNamed(text: string): UpscalerName | null {
  if (fold(text) === 'none') return 'pixel';
  return UPSCALERS.find((name) => matches(text, name, UPSCALER_LABELS[name])) ?? null;
}

function matches(text: string, name: string, label: string): boolean {
  const wanted = fold(text);
  return wanted === fold(name) || wanted === fold(label);
}

/** Capitals, spaces, `_`, `-` and brackets do not count; `++` is `pp`. */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .replaceAll('++', 'pp')
    .replace(/[\s_()-]/g, '');
}
