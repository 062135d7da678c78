import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { ddimDeviation, ddimStep } from '../samplers/kernels.ts';
import { combine, sum2 } from '../samplers/linear.ts';
import { choice, flag, numberOption, type SchedulerConfig } from './config.ts';
import { limiter, predictionType, toEpsilon, toX0 } from './prediction.ts';
import type { Scheduler, SchedulerFactory } from './scheduler.ts';
import { alphasOf, spacedTimesteps } from './spacing.ts';

/** the shared part of the schedulers over ᾱ in VP space */
export function variancePreserving(
  alphas: Float32Array,
  timesteps: readonly number[],
): Omit<Scheduler, 'step'> {
  return {
    timesteps,
    order: 1,
    initNoiseSigma: 1,
    inputScale: () => 1,
    sigmaAt: (i) => {
      const a = alphas[timesteps[i]!]!;
      return Math.sqrt((1 - a) / a);
    },
    addNoise: (i, x0, noise) => {
      const a = alphas[timesteps[i]!]!;
      return sum2(Math.sqrt(a), x0, Math.sqrt(1 - a), noise);
    },
  };
}

/** ᾱ below training timestep 0 */
export function finalAlpha(
  config: SchedulerConfig,
  alphas: Float32Array,
  byDefault: boolean,
): number {
  return flag(config, 'set_alpha_to_one', byDefault) ? 1 : alphas[0]!;
}

/** DDIMScheduler: Song et al., "Denoising Diffusion Implicit Models" (2021), eq. 12 */
export const ddim: SchedulerFactory = (config, { steps, shape, eta }) => {
  const alphas = alphasOf(config, 'plain');
  const timesteps = spacedTimesteps(config, steps, 'leading', { whole: true, extra: false });
  const last = finalAlpha(config, alphas, true);
  const stride = Math.floor(numberOption(config, 'num_train_timesteps', 1000) / steps);
  const type = predictionType(config);
  const limit = limiter(config, shape, true);
  return {
    ...variancePreserving(alphas, timesteps),
    step(i, output, x, noise) {
      const t = timesteps[i]!;
      const a = alphas[t]!;
      const below = t - stride >= 0 ? alphas[t - stride]! : last;
      let denoised = toX0(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      const eps = toEpsilon(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      if (limit !== null) denoised = limit(denoised);
      const deviation = ddimDeviation(eta ?? 0, a, below);
      const draw = (eta ?? 0) > 0 ? noise.next() : null;
      return { x: ddimStep(denoised, eps, below, deviation, draw), denoised };
    },
  };
};

const VARIANCES = ['fixed_small', 'fixed_small_log', 'fixed_large', 'fixed_large_log'] as const;

/** DDPMScheduler: Ho et al., "Denoising Diffusion Probabilistic Models" (2020), algorithm 2 */
export const ddpm: SchedulerFactory = (config, { steps, shape }) => {
  const variant = config['variance_type'];
  if (variant === 'learned' || variant === 'learned_range') {
    throw new UserError(say('learned-variance', String(variant)));
  }
  const variance = choice(config, 'variance_type', VARIANCES, 'fixed_small');
  const alphas = alphasOf(config, 'plain');
  const timesteps = spacedTimesteps(config, steps, 'leading', { whole: true, extra: false });
  const type = predictionType(config);
  const limit = limiter(config, shape, true);
  return {
    ...variancePreserving(alphas, timesteps),
    step(i, output, x, noise) {
      const t = timesteps[i]!;
      const a = alphas[t]!;
      const below = i + 1 < timesteps.length ? alphas[timesteps[i + 1]!]! : 1;
      const beta = 1 - a / below;
      let denoised = toX0(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      if (limit !== null) denoised = limit(denoised);
      const terms: [number, Float32Array][] = [
        [(Math.sqrt(below) * beta) / (1 - a), denoised],
        [(Math.sqrt(a / below) * (1 - below)) / (1 - a), x],
      ];
      if (t > 0) {
        const small = Math.max(((1 - below) / (1 - a)) * beta, 1e-20);
        terms.push([deviationOf(variance, small, beta), noise.next()]);
      }
      return { x: combine(terms), denoised };
    },
  };
};

function deviationOf(variance: (typeof VARIANCES)[number], small: number, beta: number): number {
  switch (variance) {
    case 'fixed_small':
    case 'fixed_small_log':
      return Math.sqrt(small);
    case 'fixed_large':
      return Math.sqrt(beta);
    case 'fixed_large_log':
      // The reference takes the root of the logarithm here; it is negative, and so the result is NaN there.
      return Number.NaN;
  }
}
