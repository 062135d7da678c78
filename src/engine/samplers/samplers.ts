import { planDiffusers } from '../diffusers/plan.ts';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { SAMPLERS, type SamplerName, type ScheduleName } from '../names.ts';
import type { PlanSampling } from '../sampling/sampling.ts';
import { shiftedBy } from '../sampling/schedule.ts';
import { sampleDpmpp2m } from './dpmpp-2m.ts';
import { sampleDpmpp2mSde } from './dpmpp-2m-sde.ts';
import { dpmpp2sAncestralAsks, sampleDpmpp2sAncestral } from './dpmpp-2s-a.ts';
import { sampleDpmpp3mSde } from './dpmpp-3m-sde.ts';
import { dpmppSdeAsks, sampleDpmppSde } from './dpmpp-sde.ts';
import { sampleDdpm } from './ddpm.ts';
import { sampleDeis } from './deis.ts';
import { dpm2Asks, dpm2AncestralAsks, sampleDpm2, sampleDpm2Ancestral } from './dpm2.ts';
import { sampleEuler } from './euler.ts';
import { sampleEulerAncestral } from './euler-a.ts';
import { heunAsks, sampleHeun } from './heun.ts';
import { sampleLcm } from './lcm.ts';
import { sampleLms } from './lms.ts';
import { planSigma } from './plan-sigma.ts';
import { planTimesteps } from './plan-timesteps.ts';
import { sampleUniPcSigma } from './unipc.ts';
import { restartAsks, restartSteps, sampleRestart } from './restart.ts';
import type { SigmaMethod } from './sampler.ts';

export type SamplerEntry = {
  /** A1111's label, diffusers' where A1111 has none */
  label: string;
  /** network evaluations per step (the last step of second-order samplers takes one); null: as many as it needs */
  evaluations: 1 | 2 | null;
  /** what `automatic` stands for in profile a1111 */
  automatic: Exclude<ScheduleName, 'automatic'>;
  /** usable with flow models, whose latents are (1 - σ) x0 + σ n: only samplers that add no noise */
  flow: boolean;
  by: { sigma: SigmaMethod } | 'timesteps' | 'diffusers';
};

/** DPM fast and adaptive take a range, not a list of levels: plan-sigma.ts calls them itself. */
const byRange: SigmaMethod = {
  sample: () => Promise.reject(new Error('this sampler takes a range of noise levels')),
};

/** All of them can go on after an interruption: none keeps state that does not follow from the network's answers (journal.ts). */
export const SAMPLER_TABLE: Readonly<Record<SamplerName, SamplerEntry>> = {
  euler: entry('Euler', 1, 'uniform', true, { sample: sampleEuler, replans: true }),
  euler_a: entry('Euler a', 1, 'uniform', false, { sample: sampleEulerAncestral }),
  heun: entry('Heun', 2, 'uniform', true, { sample: sampleHeun, replans: true, asks: heunAsks }),
  dpm2: entry('DPM2', 2, 'karras', true, {
    sample: sampleDpm2,
    discardPenultimate: true,
    replans: true,
    asks: dpm2Asks,
  }),
  dpm2_a: entry('DPM2 a', 2, 'karras', false, {
    sample: sampleDpm2Ancestral,
    discardPenultimate: true,
    asks: dpm2AncestralAsks,
  }),
  lms: entry('LMS', 1, 'uniform', true, { sample: sampleLms }),
  dpm_fast: entry('DPM fast', 1, 'uniform', false, {
    ...byRange,
    countSteps: (sigmas) => fastSteps(sigmas.length - 1),
  }),
  dpm_adaptive: entry('DPM adaptive', null, 'uniform', false, byRange),
  dpmpp_2s_a: entry('DPM++ 2S a', 2, 'karras', false, {
    sample: sampleDpmpp2sAncestral,
    asks: dpmpp2sAncestralAsks,
  }),
  dpmpp_sde: entry('DPM++ SDE', 2, 'karras', false, {
    sample: sampleDpmppSde,
    brownian: true,
    asks: dpmppSdeAsks,
  }),
  dpmpp_2m: entry('DPM++ 2M', 1, 'karras', true, { sample: sampleDpmpp2m, replans: true }),
  dpmpp_2m_sde: entry('DPM++ 2M SDE', 1, 'exponential', false, {
    sample: sampleDpmpp2mSde,
    brownian: true,
  }),
  dpmpp_2m_sde_heun: entry('DPM++ 2M SDE Heun', 1, 'exponential', false, {
    sample: (denoise, x, sigmas, options) =>
      sampleDpmpp2mSde(denoise, x, sigmas, { ...options, solver: 'heun' }),
    brownian: true,
  }),
  dpmpp_3m_sde: entry('DPM++ 3M SDE', 1, 'exponential', false, {
    sample: sampleDpmpp3mSde,
    brownian: true,
    discardPenultimate: true,
  }),
  restart: entry('Restart', 2, 'karras', false, {
    sample: sampleRestart,
    asks: restartAsks,
    countSteps: (sigmas) => restartSteps(sigmas, undefined).length,
  }),
  ddim: entry('DDIM', 1, 'uniform', false, 'timesteps'),
  ddim_cfgpp: entry('DDIM CFG++', 1, 'uniform', false, 'timesteps'),
  plms: entry('PLMS', 1, 'uniform', false, 'timesteps'),
  unipc: entry('UniPC', 1, 'uniform', false, 'timesteps'),
  ddpm: entry('DDPM', 1, 'uniform', false, 'diffusers'),
  deis: entry('DEIS', 1, 'uniform', false, 'diffusers'),
  lcm: entry('LCM', 1, 'uniform', false, { sample: sampleLcm }),
  tcd: entry('TCD', 1, 'uniform', false, 'diffusers'),
  flow_euler: entry('Flow-match Euler', 1, 'uniform', true, 'diffusers'),
};

/** Where ComfyUI's sampler of the same name is another one (comfy/k_diffusion/sampling.py). */
const COMFY_METHODS: Readonly<Partial<Record<SamplerName, SigmaMethod>>> = {
  lms: {
    sample: (denoise, x, sigmas, options) =>
      sampleLms(denoise, x, sigmas, { ...options, endsAtDenoised: true }),
  },
  dpmpp_3m_sde: { sample: sampleDpmpp3mSde, brownian: true },
  ddpm: { sample: sampleDdpm },
  deis: { sample: sampleDeis },
  unipc: { sample: sampleUniPcSigma, discardPenultimate: true },
};

function entry(
  label: string,
  evaluations: 1 | 2 | null,
  automatic: SamplerEntry['automatic'],
  flow: boolean,
  by: SigmaMethod | 'timesteps' | 'diffusers',
): SamplerEntry {
  return { label, evaluations, automatic, flow, by: typeof by === 'string' ? by : { sigma: by } };
}

/** DPM fast spends a budget of evaluations in steps of up to three. */
function fastSteps(evaluations: number): number {
  const whole = Math.floor(evaluations / 3);
  return evaluations % 3 === 0 ? Math.max(whole - 1, 0) + 2 : whole + 1;
}

/**
 * Decides how a request is sampled: sampler, noise levels, start and mask by the rules of its profile. Nothing is
 * computed before run(), except the step count.
 * @throws UserError when the model's family or the profile cannot use the sampler or schedule
 */
export const planSampling: PlanSampling = (request, own, refiner = null) => {
  const model = shiftedBy(own, request.flowShift);
  const name = request.sampler;
  if (request.profile === 'diffusers') return planDiffusers(request, model, refiner);
  if (name === null) {
    throw new UserError(say('name-a-sampler', SAMPLERS.join(', ')));
  }
  const chosen = SAMPLER_TABLE[name];
  const isFlow = model.parameterization === 'flow';
  if (isFlow !== chosen.flow && (isFlow || name === 'flow_euler')) {
    const usable = SAMPLERS.filter((other) =>
      isFlow ? SAMPLER_TABLE[other].flow : other !== 'flow_euler',
    );
    throw new UserError(
      isFlow
        ? say('sampler-not-for-flow', name, usable.join(', '))
        : say('flow-sampler-only-for-flow', usable.join(', ')),
    );
  }
  const isComfy = request.profile === 'comfy';
  const comfyOwn = isComfy && !isFlow ? COMFY_METHODS[name] : undefined;
  if (chosen.by === 'diffusers' && !comfyOwn) return planDiffusers(request, model, refiner);
  if (chosen.by === 'timesteps' && !comfyOwn) {
    // ComfyUI's DDIM is its Euler sampler.
    if (isComfy && name === 'ddim')
      return planSampling({ ...request, sampler: 'euler' }, model, refiner);
    return planTimesteps(name as 'ddim' | 'ddim_cfgpp' | 'plms' | 'unipc', request, model);
  }
  const automatic = isComfy ? 'normal' : chosen.automatic;
  const schedule = request.schedule === 'automatic' ? automatic : request.schedule;
  const method = comfyOwn ?? (chosen.by as { sigma: SigmaMethod }).sigma;
  return planSigma({ name, method, schedule, request, model }, refiner);
};
