import type { FixedReplan } from '../request.ts';
import { lcmDenoiser, lcmTimestep, sigmaDenoiser, sigmaTimestep } from '../sampling/denoiser.ts';
import type { Asks, Denoiser, PlannedSampling, SamplingRun } from '../sampling/sampling.ts';
import { dpmFastAsks, sampleDpmAdaptive, sampleDpmFast } from './dpm-solver.ts';
import { sum2 } from './linear.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import { blend, spreadMask } from './mask.ts';
import { coarserSigmas, openReplanner } from './replan.ts';
import type { SamplerOptions } from './sampler.ts';
import { type Layout, type Levels, type Setting, describeLevels, layout } from './sigma-levels.ts';

/**
 * Sampling in sigma space by A1111's rules (modules/sd_samplers_kdiffusion.py, KDiffusionSampler) or ComfyUI's
 * (comfy/samplers.py, KSampler): noise levels, the noised start, the mask, and the sampler run over them.
 */
export function planSigma(setting: Setting, refiner: ModelSchedule | null): PlannedSampling {
  const { request, method } = setting;
  // A1111's refiner takes over inside the network, at the timesteps of the first.
  const isHandedOver =
    refiner !== null && request.profile === 'comfy' && request.refiner?.switchAt !== 1;
  const next = isHandedOver ? { ...setting, model: refiner } : null;
  const levels = describeLevels(setting);
  const { run } = layout(setting, levels, request.init?.strength ?? null);
  return {
    steps: method.countSteps?.(run) ?? run.length - 1,
    asks: (replan) => asksOf(setting, levels, run, replan, next),
    run: (input) => runSigma(setting, levels, input),
  };
}

/** ComfyUI's two samplers in a row (KSamplerAdvanced): the first ends at a step, the second starts there anew. */
function cutOf({ request }: Setting, run: Float32Array): number {
  return Math.round((request.refiner?.switchAt ?? 1) * (run.length - 1));
}

/** `next`: the setting of the model that takes over, of which the timesteps are asked behind the cut. */
function asksOf(
  setting: Setting,
  levels: Levels,
  run: Float32Array,
  replan: FixedReplan | null,
  next: Setting | null,
): Asks {
  if (setting.name === 'dpm_adaptive') return null;
  const asked = (own: Setting, theirs: Levels, sigmas: Float32Array): number[] => {
    if (sigmas.length < 2) return [];
    const { method } = own;
    const follows = replan !== null && method.replans && replan.after < sigmas.length - 1;
    const walked = follows ? coarserSigmas(sigmas, replan.after, replan.rest) : sigmas;
    return levelsAsked(own, theirs, walked).map(timestepOf(own, theirs));
  };
  if (next === null) return { first: asked(setting, levels, run), second: [] };
  const cut = cutOf(setting, run);
  const theirs = describeLevels(next);
  const whole = layout(next, theirs, setting.request.init?.strength ?? null);
  return {
    first: asked(setting, levels, run.slice(0, cut + 1)),
    second: asked(next, theirs, whole.run.slice(cut)),
  };
}

function levelsAsked(setting: Setting, levels: Levels, sigmas: Float32Array): number[] {
  const { name, method, request } = setting;
  if (name === 'dpm_fast') {
    const { evaluations, eta, sigmaMin, sigmaMax } = rangeOf(
      setting,
      levels,
      sigmas,
      request.init !== null,
    );
    return dpmFastAsks(evaluations, { eta, sigmaMin, sigmaMax });
  }
  return method.asks?.(sigmas, request.eta ?? 1) ?? Array.from(sigmas.subarray(0, -1));
}

function timestepOf(
  { model, request }: Setting,
  { table, grid }: Levels,
): (sigma: number) => number {
  if (grid !== null) return (sigma) => lcmTimestep(grid, sigma);
  return sigmaTimestep(model, table, request.profile === 'comfy');
}

async function runSigma(
  setting: Setting,
  levels: Levels,
  input: SamplingRun,
): Promise<Float32Array> {
  const { request } = setting;
  const strength = input.init?.strength ?? null;
  const sigmas = layout(setting, levels, strength);
  const { run } = sigmas;
  const start = input.noise.initial();
  let x = noisedStart(setting, levels, input, start, run[0]!);
  if (run.length < 2) return x;
  const { refiner = null } = input;
  const switchAt = request.refiner?.switchAt ?? 1;
  if (refiner === null || switchAt === 1) {
    x = await runPart(setting, levels, input, { x, noise: start, sigmas, before: 0 });
  } else {
    const cut = cutOf(setting, run);
    const first = { all: sigmas.all, run: run.slice(0, cut + 1) };
    if (cut > 0) {
      x = await runPart(setting, levels, input, { x, noise: start, sigmas: first, before: 0 });
    }
    const next = { ...setting, model: refiner.schedule };
    const theirs = describeLevels(next);
    const whole = layout(next, theirs, strength);
    const second = { all: whole.all, run: whole.run.slice(cut) };
    const rest = { ...input, predict: refiner.predict };
    if (second.run.length > 1) {
      x = await runPart(next, theirs, rest, { x, noise: start, sigmas: second, before: cut });
    }
  }
  if (input.mask === null || input.init === null) return x;
  return blend(spreadMask(input.mask.data, input.shape), x, input.init.latents);
}

/** One sampler over its levels, `before` steps having been made by another. */
function runPart(
  setting: Setting,
  levels: Levels,
  input: SamplingRun,
  part: { x: Float32Array; noise: Float32Array; sigmas: Layout; before: number },
): Promise<Float32Array> {
  const { request, method, model } = setting;
  const { all, run } = part.sigmas;
  const isComfy = request.profile === 'comfy';
  const plain =
    levels.grid === null
      ? sigmaDenoiser(input.predict, model, levels.table, isComfy)
      : lcmDenoiser(input.predict, model, levels.grid);
  const denoise = masked(plain, input, levels, isComfy, part.noise);
  // A1111's trees span the whole schedule, ComfyUI's the part that is run.
  const span = isComfy ? run : all;
  const positive = span.filter((sigma) => sigma > 0);
  const own = method.countSteps?.(run) ?? run.length - 1;
  const total = part.before + own;
  const replanner = method.replans
    ? openReplanner(input.replan ?? null, { total: own, batch: input.shape[0] }, (plan) =>
        input.onReplan?.(plan),
      )
    : null;
  const options: SamplerOptions = {
    noise: method.brownian
      ? input.noise.brownian(Math.min(...positive), Math.max(...span))
      : () => input.noise.next(),
    onStep: (index, sigma, denoised) => {
      const place = part.before + index;
      input.onStep({ index: place, total: Math.max(total, place + 1), sigma, denoised });
    },
    ...(request.eta === null ? {} : { eta: request.eta }),
    ...(replanner && {
      replan: (index: number, denoised: Float32Array) => {
        const rest = replanner(index, denoised);
        return rest === null ? null : coarserSigmas(run, index, rest);
      },
    }),
  };
  return integrate(setting, levels, denoise, part.x, run, options, input.init !== null);
}

function integrate(
  setting: Setting,
  levels: Levels,
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  options: SamplerOptions,
  isImg2img: boolean,
): Promise<Float32Array> {
  const { name, method } = setting;
  if (name !== 'dpm_fast' && name !== 'dpm_adaptive')
    return method.sample(denoise, x, sigmas, options);
  const { evaluations, ...range } = rangeOf(setting, levels, sigmas, isImg2img);
  const solver = { ...options, ...range };
  if (name === 'dpm_adaptive') return sampleDpmAdaptive(denoise, x, solver);
  return sampleDpmFast(denoise, x, evaluations, solver);
}

/** What DPM fast and adaptive take in place of a list of levels. */
function rangeOf(
  { request }: Setting,
  levels: Levels,
  sigmas: Float32Array,
  isImg2img: boolean,
): { evaluations: number; eta: number; sigmaMin: number; sigmaMax: number } {
  // A1111 hands its eta for ancestral samplers (1) to these too; txt2img covers the model's whole range.
  const isComfy = request.profile === 'comfy';
  const wholeRange = !isImg2img && !isComfy;
  return {
    evaluations: isImg2img ? sigmas.length - 1 : request.steps,
    eta: request.eta ?? (isComfy ? 0 : 1),
    sigmaMin: wholeRange ? levels.table.sigmas[0]! : sigmas.at(-2)!,
    sigmaMax: wholeRange ? levels.table.sigmas.at(-1)! : sigmas[0]!,
  };
}

/** The latents the first step starts from. */
function noisedStart(
  { request }: Setting,
  levels: Levels,
  { init }: SamplingRun,
  noise: Float32Array,
  sigma: number,
): Float32Array {
  if (levels.flow) {
    return init === null
      ? sum2(sigma, noise, 0, noise)
      : sum2(1 - sigma, init.latents, sigma, noise);
  }
  let deviation = sigma;
  if (request.profile === 'comfy') {
    const most = levels.table.sigmas.at(-1)!;
    const isMaximal = sigma > most || Math.abs(sigma - most) <= 1e-5 * Math.max(sigma, most);
    if (isMaximal) deviation = Math.sqrt(1 + sigma * sigma);
  }
  return init === null ? sum2(deviation, noise, 0, noise) : sum2(1, init.latents, deviation, noise);
}

/** A1111 blends x̂0 with the init latents (CFGDenoiser.apply_blend); ComfyUI also x before (KSamplerX0Inpaint). */
function masked(
  denoise: Denoiser,
  { mask, init, shape }: SamplingRun,
  levels: Levels,
  isComfy: boolean,
  noise: Float32Array,
): Denoiser {
  if (mask === null || init === null) return denoise;
  const spread = spreadMask(mask.data, shape);
  return async (x, sigma) => {
    if (!isComfy) return blend(spread, await denoise(x, sigma), init.latents);
    const kept = sum2(levels.flow ? 1 - sigma : 1, init.latents, sigma, noise);
    return blend(spread, await denoise(blend(spread, x, kept), sigma), init.latents);
  };
}
