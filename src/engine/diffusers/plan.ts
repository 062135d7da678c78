import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { GenerateRequest } from '../request.ts';
import { scaled } from '../samplers/linear.ts';
import { blend, spreadMask } from '../samplers/mask.ts';
import type {
  LatentShape,
  PlannedSampling,
  PlanSampling,
  SamplingRun,
} from '../sampling/sampling.ts';
import { type ModelSchedule, PLAIN_CALLS } from '../sampling/schedule.ts';
import type { SchedulerConfig } from './config.ts';
import { empiricalShift } from './flow-match.ts';
import type { Scheduler } from './scheduler.ts';
import { chooseScheduler, type ChosenScheduler } from './schedulers.ts';

/**
 * Sampling by diffusers' rules: the loop of StableDiffusionPipeline and its kin, with img2img and inpainting as
 * their pipelines do them (get_timesteps, add_noise, the blend after each step).
 */
export const planDiffusers: PlanSampling = (request, model, refiner = null): PlannedSampling => {
  const chosen = chooseScheduler(configOf(request, model), request.sampler, request.schedule);
  const isFlowClass =
    chosen.className.startsWith('FlowMatch') || chosen.config['use_flow_sigmas'] === true;
  const isFlowModel = model.parameterization === 'flow';
  if (isFlowClass !== isFlowModel) {
    throw new UserError(
      isFlowModel
        ? say('sampler-not-made-for-flow', String(request.sampler))
        : say('scheduler-only-for-flow', chosen.className),
    );
  }
  // Only the timesteps are looked at here, and they do not depend on the latents' size.
  const stages = stagesOf(request, model, refiner, [1, 1, 8, 8]);
  return {
    steps: stages.reduce((sum, stage) => sum + stepsOf(stage), 0),
    asks() {
      const [first, second] = stages.map(asksOf);
      // Where nobody takes over, the way ends.
      return { first: first ?? [], second: refiner === null ? [] : (second ?? []) };
    },
    run: (input) => runStages(request, model, input),
  };
};

/** One scheduler and the part of its evaluations that is run. */
type Stage = { scheduler: Scheduler; begin: number; end: number };

function stepsOf({ scheduler: { order }, begin, end }: Stage): number {
  return Math.max(0, Math.ceil((end - begin) / order));
}

function asksOf({ scheduler: { timesteps }, begin, end }: Stage): readonly number[] {
  return timesteps.slice(begin, end);
}

/**
 * The whole way, or up to `denoising_end` and, where a refiner takes over, from `denoising_start` on with a scheduler
 * of its own (pipeline_stable_diffusion_xl.py and its img2img kin, get_timesteps).
 */
function stagesOf(
  request: GenerateRequest,
  model: ModelSchedule,
  refiner: ModelSchedule | null,
  shape: LatentShape,
): Stage[] {
  const chosen = chooseScheduler(configOf(request, model), request.sampler, request.schedule);
  const scheduler = build(chosen, request, model, shape);
  const { length } = scheduler.timesteps;
  const begin = firstIndex(chosen, request, model, length, scheduler.order);
  const share = request.profile === 'a1111' ? 1 : (request.refiner?.switchAt ?? 1);
  if (share >= 1) return [{ scheduler, begin, end: length }];
  const first = { scheduler, begin, end: Math.max(begin, stepsFrom(scheduler, model, share)) };
  if (refiner === null) return [first];
  const next = chooseScheduler(configOf(request, refiner), request.sampler, request.schedule);
  const second = build(next, { ...request, init: null }, refiner, shape);
  const { timesteps, order } = second;
  let rest = timesteps.length - stepsFrom(second, refiner, share);
  // A step of two evaluations is not cut in the middle.
  if (order === 2 && rest % 2 === 0) rest++;
  return [first, { scheduler: second, begin: timesteps.length - rest, end: timesteps.length }];
}

/** how many evaluations lie before the timestep that a share of the way names */
function stepsFrom({ timesteps }: Scheduler, model: ModelSchedule, share: number): number {
  const { length } = model.alphasCumprod;
  const cutoff = roundHalfEven(length - share * length);
  return timesteps.filter((t) => t >= cutoff).length;
}

/** Python's round */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * The folder's config as the pipeline leaves it: those of Stable Diffusion 1 and 2 put right what old configs lack
 * when they are made (the __init__ of StableDiffusionPipeline and its img2img and inpainting kin).
 */
function configOf({ init, profile }: GenerateRequest, model: ModelSchedule): SchedulerConfig {
  const { config, calls = PLAIN_CALLS } = model;
  if (profile !== 'diffusers' || !calls.correctsConfig) return config;
  const isInpainting = (init?.mask ?? null) !== null;
  return {
    ...config,
    steps_offset: 1,
    ...(isInpainting ? { skip_prk_steps: true } : clipsSamples(config) && { clip_sample: false }),
  };
}

/** said in the config, or by the class where its config says nothing */
function clipsSamples(config: SchedulerConfig): boolean {
  const byDefault = /^DD[IP]MScheduler$/.test(String(config['_class_name']));
  return (config['clip_sample'] ?? byDefault) === true;
}

/** latent consistency pipelines hand the strength to the scheduler instead of skipping steps */
function shrinksGrid(
  { className }: ChosenScheduler,
  { calls = PLAIN_CALLS }: ModelSchedule,
): boolean {
  return className === 'LCMScheduler' && calls.handsStrengthToLcm;
}

function build(
  chosen: ChosenScheduler,
  request: GenerateRequest,
  model: ModelSchedule,
  shape: LatentShape,
): Scheduler {
  const strength = request.init?.strength ?? 1;
  const { grid } = model.calls ?? PLAIN_CALLS;
  const config =
    model.parameterization === 'sample' || model.parameterization === 'v_prediction'
      ? { prediction_type: model.parameterization, ...chosen.config }
      : chosen.config;
  return chosen.factory(config, {
    steps: request.steps,
    shape,
    // The pipelines hand eta = 0 to every scheduler that takes one, whatever the class's own default.
    eta: request.eta ?? (request.profile === 'diffusers' ? 0 : null),
    strength: shrinksGrid(chosen, model) ? strength : 1,
    mu: grid === 'even-shifted' ? empiricalShift(shape, request.steps) : null,
    fluxGrid: grid !== 'own',
  });
}

/** index of the first evaluation: img2img runs the last int(n * strength) steps */
function firstIndex(
  chosen: ChosenScheduler,
  { init, steps }: GenerateRequest,
  model: ModelSchedule,
  evaluations: number,
  order: number,
): number {
  if (init === null || shrinksGrid(chosen, model)) return 0;
  // The flow models' pipelines cut off the skipped steps, the others those that are run.
  const kept =
    model.parameterization === 'flow'
      ? steps - Math.trunc(Math.max(steps - steps * init.strength, 0))
      : Math.min(Math.trunc(steps * init.strength), steps);
  const begin = (steps - kept) * order;
  if (kept < 1 || begin >= evaluations) {
    throw new UserError(say('no-step-left', steps, init.strength));
  }
  return begin;
}

async function runStages(
  request: GenerateRequest,
  model: ModelSchedule,
  input: SamplingRun,
): Promise<Float32Array> {
  const { init, refiner = null } = input;
  const stages = stagesOf(request, model, refiner?.schedule ?? null, input.shape);
  const total = stages.reduce((sum, stage) => sum + stepsOf(stage), 0);
  const [first, second] = stages as [Stage, Stage?];
  const noise = input.noise.initial();
  // The inpainting pipelines start from noise alone at full strength, whatever network they have; img2img never does.
  const isInpainting = input.mask !== null || (request.init?.mask ?? null) !== null;
  const fromNoise = init === null || (isInpainting && init.strength === 1);
  const start = fromNoise
    ? scaled(first.scheduler.initNoiseSigma, noise)
    : first.scheduler.addNoise(first.begin, init.latents, noise);
  const x = await runStage(first, start, noise, input, { before: 0, total });
  if (second === undefined || refiner === null) return x;
  const rest = { ...input, predict: refiner.predict };
  return runStage(second, x, noise, rest, { before: stepsOf(first), total });
}

async function runStage(
  { scheduler, begin, end }: Stage,
  start: Float32Array,
  noise: Float32Array,
  input: SamplingRun,
  count: { before: number; total: number },
): Promise<Float32Array> {
  const { timesteps, order } = scheduler;
  const { init } = input;
  const mask =
    input.mask === null || init === null ? null : spreadMask(input.mask.data, input.shape);
  let x = start;
  for (let i = begin; i < end; i++) {
    const divisor = scheduler.inputScale(i);
    const output = await input.predict(divisor === 1 ? x : scaled(1 / divisor, x), timesteps[i]!);
    const result = scheduler.step(i, output, x, input.noise);
    x = result.x;
    if (mask !== null && init !== null) {
      const isLast = i === timesteps.length - 1;
      const kept = isLast ? init.latents : scheduler.addNoise(i + 1, init.latents, noise);
      x = blend(mask, x, kept);
    }
    if ((i - begin) % order === 0) {
      const index = count.before + (i - begin) / order;
      const { total } = count;
      input.onStep({ index, total, sigma: scheduler.sigmaAt(i), denoised: result.denoised });
    }
  }
  return x;
}
