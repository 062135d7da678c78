import { brownianPoints } from '../samplers/dpmpp-sde.ts';
import { alongSlope, ancestralEulerStep, heunCorrected } from '../samplers/kernels.ts';
import { slope, sum2, sum3 } from '../samplers/linear.ts';
import { ancestralStep } from '../samplers/sampler.ts';
import { ancestralStep32, inSigma } from './euler.ts';
import { limiter, predictionType, toX0InSigma } from './prediction.ts';
import type { SchedulerFactory } from './scheduler.ts';
import { sigmaToTimestep, sigmaToTimestep32, sigmaTrack } from './spacing.ts';

/** Second-order schedulers in sigma space: evaluation 2k opens step k, evaluation 2k + 1 finishes it. */

const f = Math.fround;

/** t0, t1, t1, t2, t2, … */
function doubled(timesteps: readonly number[]): number[] {
  return timesteps.flatMap((t, i) => (i === 0 ? [f(t)] : [f(t), f(t)]));
}

/** HeunDiscreteScheduler: Karras et al. (2022), Algorithm 2 */
export const heun: SchedulerFactory = (config, { steps, shape }) => {
  const { sigmas, timesteps } = sigmaTrack(config, steps, 'ignored', { overrides: true });
  const type = predictionType(config);
  const limit = limiter({ ...config, thresholding: false }, shape, false);
  let opened: { x: Float32Array; d: Float32Array } | null = null;
  /** noise level of evaluation i */
  const at = (i: number): number => sigmas[Math.ceil(i / 2)]!;
  return {
    ...inSigma(config, doubled(timesteps), sigmas),
    order: 2,
    inputScale: (i) => Math.sqrt(at(i) ** 2 + 1),
    sigmaAt: at,
    addNoise: (i, x0, noise) => sum2(1, x0, at(i), noise),
    step(i, output, x) {
      let denoised = toX0InSigma(type, output, x, at(i));
      if (limit !== null) denoised = limit(denoised);
      const d = slope(x, denoised, at(i));
      if (opened === null) {
        opened = { x, d };
        return { x: alongSlope(x, at(i + 1) - at(i), d), denoised };
      }
      const dt = at(i) - at(i - 1);
      const moved = heunCorrected(opened.x, dt, opened.d, d);
      opened = null;
      return { x: moved, denoised };
    },
  };
};

/** KDPM2DiscreteScheduler: DPM-Solver-2 with the midpoint in log σ, after Karras et al. (2022) */
export const kdpm2: SchedulerFactory = (config, { steps }) => {
  const { sigmas, timesteps, logSigmas } = sigmaTrack(config, steps, 'ignored', {
    overrides: true,
    roundKarras: true,
  });
  const middle = Array.from({ length: steps }, (_, k) => midpoint(sigmas[k]!, sigmas[k + 1]!));
  const asked = interleave(
    timesteps,
    middle.map((s) => sigmaToTimestep32(s, logSigmas)),
  );
  const type = predictionType(config);
  const at = (i: number): number => (i % 2 === 0 ? sigmas[i / 2]! : middle[(i - 1) / 2]!);
  let opened: Float32Array | null = null;
  return {
    ...inSigma(config, asked, sigmas),
    order: 2,
    inputScale: (i) => Math.sqrt(at(i) ** 2 + 1),
    sigmaAt: at,
    addNoise: (i, x0, noise) => sum2(1, x0, sigmas[Math.ceil(i / 2)]!, noise),
    step(i, output, x) {
      const denoised = toX0InSigma(type, output, x, at(i));
      const d = slope(x, denoised, at(i));
      const k = Math.floor(i / 2);
      if (opened === null) {
        opened = x;
        return { x: alongSlope(x, middle[k]! - sigmas[k]!, d), denoised };
      }
      const moved = alongSlope(opened, sigmas[k + 1]! - sigmas[k]!, d);
      opened = null;
      return { x: moved, denoised };
    },
  };
};

/** KDPM2AncestralDiscreteScheduler: the same below the target level, with noise back up */
export const kdpm2Ancestral: SchedulerFactory = (config, { steps }) => {
  const { sigmas, timesteps, logSigmas } = sigmaTrack(config, steps, 'ignored', {
    overrides: true,
    roundKarras: true,
  });
  const parts = Array.from({ length: steps }, (_, k) =>
    ancestralStep32(sigmas[k]!, sigmas[k + 1]!),
  );
  const middle = parts.map(({ down }, k) => (k === steps - 1 ? 0 : midpoint(sigmas[k]!, down)));
  const asked = interleave(
    timesteps,
    middle.map((s) => sigmaToTimestep32(s, logSigmas)),
  );
  const type = predictionType(config);
  const at = (i: number): number => (i % 2 === 0 ? sigmas[i / 2]! : middle[(i - 1) / 2]!);
  let opened: Float32Array | null = null;
  return {
    ...inSigma(config, asked, sigmas),
    order: 2,
    inputScale: (i) => Math.sqrt(at(i) ** 2 + 1),
    sigmaAt: at,
    addNoise: (i, x0, noise) => sum2(1, x0, sigmas[Math.ceil(i / 2)]!, noise),
    step(i, output, x, noise) {
      const denoised = toX0InSigma(type, output, x, at(i));
      const d = slope(x, denoised, at(i));
      const k = Math.floor(i / 2);
      if (opened === null) {
        opened = x;
        return { x: alongSlope(x, middle[k]! - sigmas[k]!, d), denoised };
      }
      const { down, up } = parts[k]!;
      const moved = sum3(1, opened, down - sigmas[k]!, d, up, noise.next());
      opened = null;
      return { x: moved, denoised };
    },
  };
};

/**
 * DPMSolverSDEScheduler: k-diffusion's DPM++ SDE as diffusers runs it, one Brownian tree over the whole batch.
 * Its noise_sampler_seed is not read: the generation's own seed grows the tree.
 */
export const dpmSolverSde: SchedulerFactory = (config, { steps }) => {
  const { sigmas, timesteps, logSigmas } = sigmaTrack(config, steps, 'ignored', {
    overrides: config['use_karras_sigmas'] !== true,
  });
  const points = Array.from({ length: steps }, (_, k) =>
    k === steps - 1 ? null : brownianPoints(sigmas[k]!, sigmas[k + 1]!, 0.5),
  );
  const middleTimesteps = points.map((_, k) =>
    k === steps - 1 ? 0 : sigmaToTimestep(Math.sqrt(sigmas[k]! * sigmas[k + 1]!), logSigmas),
  );
  const asked = interleave(timesteps, middleTimesteps, false);
  const type = predictionType(config);
  const at = (i: number): number => (i % 2 === 0 ? sigmas[i / 2]! : points[(i - 1) / 2]![1]);
  let opened: Float32Array | null = null;
  let brownian: ((sigma: number, next: number) => Float32Array) | null = null;
  return {
    ...inSigma(config, asked, sigmas),
    order: 2,
    inputScale: (i) => Math.sqrt(at(i) ** 2 + 1),
    sigmaAt: at,
    addNoise: (i, x0, noise) => sum2(1, x0, sigmas[Math.ceil(i / 2)]!, noise),
    step(i, output, x, noise) {
      const denoised = toX0InSigma(type, output, x, at(i));
      const point = points[Math.floor(i / 2)]!;
      if (point === null) return { x: denoised.slice(), denoised };
      brownian ??= noise.brownian(sigmas[steps - 1]!, Math.max(...sigmas));
      const [from, middle, to] = point;
      const target = opened === null ? middle : to;
      const { down, up } = ancestralStep(from, target, 1);
      const start = opened ?? x;
      opened = opened === null ? x : null;
      const noised = brownian(from, target);
      return { x: ancestralEulerStep(start, denoised, [from, down], up, noised), denoised };
    },
  };
};

/** geometric mean, in the float32 logarithms the references take it from (torch.lerp counts back from the end) */
function midpoint(sigma: number, next: number): number {
  if (next === 0) return 0;
  const a = f(Math.log(sigma));
  const b = f(Math.log(next));
  return f(Math.exp(f(b - f(0.5 * f(b - a)))));
}

/** t0, m0, t1, m1, t2, … up to the last t */
function interleave(
  timesteps: readonly number[],
  middle: readonly number[],
  single = true,
): number[] {
  const round = single ? f : (t: number): number => t;
  return timesteps.flatMap((t, k) => (k === 0 ? [round(t)] : [round(middle[k - 1]!), round(t)]));
}
