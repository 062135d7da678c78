import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { SamplerName, ScheduleName } from '../names.ts';
import type { SchedulerConfig } from './config.ts';
import { ddim, ddpm } from './ddim.ts';
import { deis } from './deis.ts';
import { dpmSolverMultistep, dpmSolverSinglestep } from './dpm-solver.ts';
import { euler, eulerAncestral, lms } from './euler.ts';
import { flowMatchEuler, flowMatchHeun, flowMatchLcm } from './flow-match.ts';
import { dpmSolverSde, heun, kdpm2, kdpm2Ancestral } from './heun.ts';
import { lcm, tcd } from './lcm.ts';
import { pndm } from './pndm.ts';
import type { SchedulerFactory } from './scheduler.ts';
import { uniPc } from './unipc.ts';

/** diffusers' scheduler classes by the name a scheduler_config.json gives in _class_name. */
export const SCHEDULERS: Readonly<Record<string, SchedulerFactory>> = {
  DDIMScheduler: ddim,
  DDPMScheduler: ddpm,
  PNDMScheduler: pndm,
  LMSDiscreteScheduler: lms,
  EulerDiscreteScheduler: euler,
  EulerAncestralDiscreteScheduler: eulerAncestral,
  HeunDiscreteScheduler: heun,
  KDPM2DiscreteScheduler: kdpm2,
  KDPM2AncestralDiscreteScheduler: kdpm2Ancestral,
  DPMSolverMultistepScheduler: dpmSolverMultistep,
  DPMSolverSinglestepScheduler: dpmSolverSinglestep,
  DPMSolverSDEScheduler: dpmSolverSde,
  UniPCMultistepScheduler: uniPc,
  DEISMultistepScheduler: deis,
  LCMScheduler: lcm,
  TCDScheduler: tcd,
  FlowMatchEulerDiscreteScheduler: flowMatchEuler,
  FlowMatchHeunDiscreteScheduler: flowMatchHeun,
  FlowMatchLCMScheduler: flowMatchLcm,
};

type Entry = { className: string; config?: SchedulerConfig };

/** The class that runs a sampler's algorithm in diffusers, and what it adds to the folder's config. */
const BY_SAMPLER: Readonly<Partial<Record<SamplerName, Entry>>> = {
  euler: { className: 'EulerDiscreteScheduler' },
  euler_a: { className: 'EulerAncestralDiscreteScheduler' },
  heun: { className: 'HeunDiscreteScheduler' },
  dpm2: { className: 'KDPM2DiscreteScheduler' },
  dpm2_a: { className: 'KDPM2AncestralDiscreteScheduler' },
  lms: { className: 'LMSDiscreteScheduler' },
  dpmpp_sde: { className: 'DPMSolverSDEScheduler' },
  dpmpp_2m: {
    className: 'DPMSolverMultistepScheduler',
    config: { algorithm_type: 'dpmsolver++', solver_type: 'midpoint', solver_order: 2 },
  },
  dpmpp_2m_sde: {
    className: 'DPMSolverMultistepScheduler',
    config: { algorithm_type: 'sde-dpmsolver++', solver_type: 'midpoint', solver_order: 2 },
  },
  dpmpp_2m_sde_heun: {
    className: 'DPMSolverMultistepScheduler',
    config: { algorithm_type: 'sde-dpmsolver++', solver_type: 'heun', solver_order: 2 },
  },
  dpmpp_3m_sde: {
    className: 'DPMSolverMultistepScheduler',
    config: { algorithm_type: 'sde-dpmsolver++', solver_order: 3 },
  },
  ddim: { className: 'DDIMScheduler' },
  plms: { className: 'PNDMScheduler', config: { skip_prk_steps: true } },
  unipc: { className: 'UniPCMultistepScheduler' },
  ddpm: { className: 'DDPMScheduler' },
  deis: { className: 'DEISMultistepScheduler' },
  lcm: { className: 'LCMScheduler' },
  tcd: { className: 'TCDScheduler' },
  flow_euler: { className: 'FlowMatchEulerDiscreteScheduler' },
};

export const DIFFUSERS_SAMPLERS = Object.keys(BY_SAMPLER) as SamplerName[];

/** classes that can respace their levels by use_karras_sigmas and its like */
const RESPACES =
  /^(LMS|Euler|Heun|KDPM2|KDPM2Ancestral|FlowMatchEuler)DiscreteScheduler$|^(DPMSolver(Multistep|Singlestep|SDE)|UniPCMultistep|DEISMultistep)Scheduler$/;

const SPACING_BY_SCHEDULE: Readonly<Partial<Record<ScheduleName, SchedulerConfig>>> = {
  uniform: { timestep_spacing: 'linspace' },
  normal: { timestep_spacing: 'linspace' },
  ddim_uniform: { timestep_spacing: 'leading' },
  simple: { timestep_spacing: 'trailing' },
  sgm_uniform: { timestep_spacing: 'trailing' },
  karras: { use_karras_sigmas: true },
  exponential: { use_exponential_sigmas: true },
  beta: { use_beta_sigmas: true },
};

const NO_RESPACING: SchedulerConfig = {
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  use_lu_lambdas: false,
};

export type ChosenScheduler = {
  className: string;
  factory: SchedulerFactory;
  config: SchedulerConfig;
};

/**
 * The class and its options for a request: the folder's own, or a named sampler's class made from the folder's
 * config (from_config); a named schedule overrides the spacing.
 * @throws UserError where diffusers has no such sampler or schedule
 */
export function chooseScheduler(
  folder: SchedulerConfig,
  sampler: SamplerName | null,
  schedule: ScheduleName,
): ChosenScheduler {
  let className = String(folder['_class_name'] ?? 'PNDMScheduler');
  let config = folder;
  if (sampler !== null) {
    const entry = BY_SAMPLER[sampler];
    if (entry === undefined) {
      throw new UserError(say('not-in-diffusers', sampler, DIFFUSERS_SAMPLERS.join(', ')));
    }
    className = entry.className;
    config = { ...folder, ...entry.config };
  }
  const factory = SCHEDULERS[className];
  if (factory === undefined) {
    throw new UserError(say('scheduler-unknown', className, DIFFUSERS_SAMPLERS.join(', ')));
  }
  if (schedule !== 'automatic') {
    const spacing = SPACING_BY_SCHEDULE[schedule];
    const respaces = schedule === 'karras' || schedule === 'exponential' || schedule === 'beta';
    if (
      spacing === undefined ||
      (respaces && !RESPACES.test(className)) ||
      (respaces && className.startsWith('EulerAncestral'))
    ) {
      throw new UserError(say('schedule-not-in-diffusers', className, schedule));
    }
    config = { ...config, ...NO_RESPACING, ...spacing };
  }
  return { className, factory, config };
}
