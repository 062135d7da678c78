/** Samplers and schedules by every name that programs of this trade write. */
import { SAMPLERS, SCHEDULES, type SamplerName, type ScheduleName } from '../../names.ts';
import { fold, SAMPLER_LABELS, SCHEDULE_LABELS } from './labels.ts';

/**
 * Beside our own names and A1111's labels: A1111's aliases and the AI Horde's (`k_…`, modules/sd_samplers_kdiffusion.py),
 * ComfyUI's (comfy/samplers.py), InvokeAI's, NovelAI's, stable-diffusion.cpp's and diffusers' classes. Folded: capitals,
 * spaces, `_`, `-` and brackets do not count, `++` is `pp`.
 */
const OTHER_SAMPLERS: Readonly<Record<SamplerName, readonly string[]>> = {
  euler: ['k_euler', 'EulerDiscreteScheduler', 'euler trailing'],
  euler_a: [
    'k_euler_a',
    'k_euler_ancestral',
    'euler_ancestral',
    'EulerAncestralDiscreteScheduler',
    'Euler A Trailing',
  ],
  heun: ['k_heun', 'HeunDiscreteScheduler'],
  dpm2: ['k_dpm_2', 'kdpm_2', 'KDPM2DiscreteScheduler'],
  dpm2_a: [
    'k_dpm_2_a',
    'k_dpm_2_ancestral',
    'dpm_2_ancestral',
    'kdpm_2_a',
    'kdpm_2_ancestral',
    'KDPM2AncestralDiscreteScheduler',
  ],
  lms: ['k_lms', 'LMSDiscreteScheduler'],
  dpm_fast: ['k_dpm_fast'],
  dpm_adaptive: ['k_dpm_adaptive', 'k_dpm_ad'],
  dpmpp_2s_a: [
    'k_dpmpp_2s_a',
    'k_dpmpp_2s_ancestral',
    'dpmpp_2s_ancestral',
    'dpmpp_2s',
    'DPM++ 2S Ancestral',
    'DPMSolverSinglestepScheduler',
  ],
  dpmpp_sde: ['k_dpmpp_sde', 'dpmpp_sde_gpu', 'DPMSolverSDEScheduler', 'DPM SDE'],
  dpmpp_2m: ['k_dpmpp_2m', 'dpmsolver', 'DPMSolverMultistepScheduler', 'DPM++'],
  dpmpp_2m_sde: ['k_dpmpp_2m_sde', 'dpmpp_2m_sde_gpu'],
  dpmpp_2m_sde_heun: ['k_dpmpp_2m_sde_heun', 'dpmpp_2m_sde_heun_gpu'],
  dpmpp_3m_sde: ['k_dpmpp_3m_sde', 'dpmpp_3m_sde_gpu', 'dpmpp_3m', 'DPM++ 3M'],
  restart: [],
  ddim: ['k_ddim', 'ddim_v3', 'DDIMScheduler', 'ddim trailing'],
  ddim_cfgpp: [],
  plms: ['k_plms', 'pndm', 'PNDMScheduler'],
  unipc: ['uni_pc', 'uni_pc_bh2', 'k_unipc', 'UniPCMultistepScheduler'],
  ddpm: ['DDPMScheduler'],
  deis: ['DEISMultistepScheduler', 'DEIS Multistep'],
  lcm: ['k_lcm', 'LCMScheduler'],
  tcd: ['TCDScheduler'],
  flow_euler: ['FlowMatchEulerDiscreteScheduler'],
};

const OTHER_SCHEDULES: Readonly<Record<ScheduleName, readonly string[]>> = {
  automatic: ['default', 'Use same scheduler'],
  uniform: ['native'],
  karras: [],
  exponential: [],
  polyexponential: [],
  sgm_uniform: ['trailing'],
  simple: [],
  normal: ['discrete'],
  ddim_uniform: [],
  beta: [],
  kl_optimal: [],
  align_your_steps: ['ays', 'AYS SD1', 'AYS SDXL', 'Align Your Steps 11', 'Align Your Steps 32'],
};

const BY_SAMPLER = tableOf(SAMPLERS, SAMPLER_LABELS, OTHER_SAMPLERS);
const BY_SCHEDULE = tableOf(SCHEDULES, SCHEDULE_LABELS, OTHER_SCHEDULES);
/** Longest first: `ddim_uniform` is no `uniform`. */
const SCHEDULE_ENDS = [...BY_SCHEDULE.keys()].toSorted((a, b) => b.length - a.length);
const LONGEST_NAME = 80;

function tableOf<T extends string>(
  names: readonly T[],
  labels: Readonly<Record<T, string>>,
  others: Readonly<Record<T, readonly string[]>>,
): ReadonlyMap<string, T> {
  const table = new Map<string, T>();
  for (const name of names) for (const other of others[name]) table.set(fold(other), name);
  // Last, so that no alias stands in the way of a sampler's own name.
  for (const name of names) table.set(fold(labels[name]), name).set(fold(name), name);
  return table;
}

/** By our own name, a label or an alias: "DPM++ 2M", "dpm++ 2m", "dpmpp_2m" and "k_dpmpp_2m" are one sampler. */
export function samplerNamed(text: string): SamplerName | null {
  return BY_SAMPLER.get(fold(text.slice(0, LONGEST_NAME))) ?? null;
}

/** A schedule by any name that programs of this trade write; null for none. */
export function scheduleNamed(text: string): ScheduleName | null {
  return BY_SCHEDULE.get(fold(text.slice(0, LONGEST_NAME))) ?? null;
}

/** "DPM++ 2M Karras", "dpmpp_2m_karras": the schedule is part of the sampler's name in A1111 before 1.9 and elsewhere. */
export function samplerWithSchedule(
  text: string,
): { sampler: SamplerName; schedule: ScheduleName | null } | null {
  const sampler = samplerNamed(text);
  if (sampler) return { sampler, schedule: null };
  const folded = fold(text.slice(0, LONGEST_NAME));
  for (const end of SCHEDULE_ENDS) {
    const head = folded.endsWith(end) ? BY_SAMPLER.get(folded.slice(0, -end.length)) : undefined;
    const schedule = BY_SCHEDULE.get(end);
    if (head !== undefined && schedule !== undefined) return { sampler: head, schedule };
  }
  return null;
}
