import { alongSlope, heunCorrected } from '../samplers/kernels.ts';
import { slope, sum2 } from '../samplers/linear.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import { choice, flag, numberOption, optionalNumber, type SchedulerConfig } from './config.ts';
import type { Scheduler, SchedulerFactory } from './scheduler.ts';
import { conversionOf, linspace, respace } from './spacing.ts';

/**
 * Schedulers of rectified flows, x = (1 - σ) x0 + σ n with a velocity network: Esser et al., "Scaling Rectified
 * Flow Transformers for High-Resolution Image Synthesis" (2024); timestep = 1000 σ.
 */

const f = Math.fround;

/** ends of the training levels after the static shift, as the constructor computes them in float32 */
function trainingEnds(config: SchedulerConfig, shift: number): { high: number; low: number } {
  const train = numberOption(config, 'num_train_timesteps', 1000);
  const level = (t: number): number => {
    const s = f(t / train);
    return shift === 1 ? s : f(f(shift * s) / f(1 + f((shift - 1) * s)));
  };
  return { high: level(train), low: level(1) };
}

/** the shift exponent for a picture's number of 2 x 2 latent patches (calculate_shift of the pipelines) */
export function dynamicShift(config: SchedulerConfig, [, , height, width]: LatentShape): number {
  const patches = Math.floor(height / 2) * Math.floor(width / 2);
  const from = numberOption(config, 'base_image_seq_len', 256);
  const to = numberOption(config, 'max_image_seq_len', 4096);
  const low = numberOption(config, 'base_shift', 0.5);
  const high = numberOption(config, 'max_shift', 1.15);
  const slopeOfShift = (high - low) / (to - from);
  return patches * slopeOfShift + (low - slopeOfShift * from);
}

/** FLUX.2's shift by the number of patches and steps (diffusers pipeline_flux2.py, compute_empirical_mu). */
export function empiricalShift([, , height, width]: LatentShape, steps: number): number {
  const patches = height * width;
  const at200 = 0.00016927 * patches + 0.45666666;
  if (patches > 4300) return at200;
  const at10 = 8.73809524e-5 * patches + 1.89833333;
  const slopeOfSteps = (at200 - at10) / 190;
  return slopeOfSteps * steps + (at200 - 200 * slopeOfSteps);
}

export type FlowGrid = { mu: number | null; fluxGrid: boolean };

/** descending levels without the final one: in double precision, or in single where the pipeline passes its own grid */
export function flowSigmas(
  config: SchedulerConfig,
  n: number,
  { mu, fluxGrid }: FlowGrid,
): Float32Array {
  const isDynamic = flag(config, 'use_dynamic_shifting', false);
  const shift = numberOption(config, 'shift', 1);
  const train = numberOption(config, 'num_train_timesteps', 1000);
  const { high, low } = trainingEnds(config, isDynamic ? 1 : shift);
  const r = fluxGrid ? f : (value: number): number => value;
  let sigmas = fluxGrid
    ? linspace(1, 1 / n, n).map(f)
    : linspace(high * train, low * train, n).map((t) => t / train);
  if (isDynamic && mu !== null) {
    const kind = choice(config, 'time_shift_type', ['exponential', 'linear'], 'exponential');
    const m = kind === 'exponential' ? Math.exp(mu) : mu;
    sigmas = sigmas.map((s) => r(r(m) / r(r(m) + r(r(1 / s) - 1))));
  } else {
    sigmas = sigmas.map((s) => r(r(shift * s) / r(1 + r((shift - 1) * s))));
  }
  const terminal = optionalNumber(config, 'shift_terminal');
  if (terminal !== null && terminal !== 0 && sigmas.at(-1)! < 1) {
    const scale = r(r(1 - sigmas.at(-1)!) / r(1 - terminal));
    sigmas = sigmas.map((s) => r(1 - r(r(1 - s) / scale)));
  }
  const conversion = conversionOf(config);
  if (conversion !== null) sigmas = respace(conversion, sigmas[0]!, sigmas.at(-1)!, n, config);
  return Float32Array.from(sigmas);
}

function onFlow(timesteps: readonly number[], at: (i: number) => number): Omit<Scheduler, 'step'> {
  return {
    timesteps,
    order: 1,
    initNoiseSigma: 1,
    inputScale: () => 1,
    sigmaAt: at,
    addNoise: (i, x0, noise) => sum2(1 - at(i), x0, at(i), noise),
  };
}

/** FlowMatchEulerDiscreteScheduler */
export const flowMatchEuler: SchedulerFactory = (config, { steps, shape, fluxGrid, mu: own }) => {
  const isDynamic = flag(config, 'use_dynamic_shifting', false);
  const train = numberOption(config, 'num_train_timesteps', 1000);
  const mu = isDynamic ? (own ?? dynamicShift(config, shape)) : null;
  let levels = flowSigmas(config, steps, { mu, fluxGrid });
  const inverted = flag(config, 'invert_sigmas', false);
  if (inverted) levels = levels.map((s) => 1 - s);
  const sigmas = Float32Array.from([...levels, inverted ? 1 : 0]);
  const stochastic = flag(config, 'stochastic_sampling', false);
  return {
    ...onFlow(
      Array.from(levels, (s) => f(s * train)),
      (i) => sigmas[i]!,
    ),
    step(i, output, x, noise) {
      const sigma = sigmas[i]!;
      const next = sigmas[i + 1]!;
      const denoised = sum2(1, x, -sigma, output);
      if (stochastic) return { x: sum2(1 - next, denoised, next, noise.next()), denoised };
      return { x: alongSlope(x, next - sigma, output), denoised };
    },
  };
};

/** FlowMatchLCMScheduler: noise anew at each level, as consistency models have it (Luo et al. 2023). */
export const flowMatchLcm: SchedulerFactory = (config, settings) =>
  flowMatchEuler({ ...config, stochastic_sampling: true }, settings);

/** FlowMatchHeunDiscreteScheduler */
export const flowMatchHeun: SchedulerFactory = (config, { steps }) => {
  const train = numberOption(config, 'num_train_timesteps', 1000);
  const levels = flowSigmas({ ...config, use_dynamic_shifting: false }, steps, {
    mu: null,
    fluxGrid: false,
  });
  const sigmas = Float32Array.from([...levels, 0]);
  const asked = Array.from(levels).flatMap((s, i) =>
    i === 0 ? [f(s * train)] : [f(s * train), f(s * train)],
  );
  const at = (i: number): number => sigmas[Math.ceil(i / 2)]!;
  let opened: { x: Float32Array; d: Float32Array } | null = null;
  return {
    ...onFlow(asked, at),
    order: 2,
    step(i, output, x) {
      const denoised = sum2(1, x, -at(i), output);
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
