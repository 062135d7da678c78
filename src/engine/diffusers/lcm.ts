import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { sum2 } from '../samplers/linear.ts';
import { numberOption, type SchedulerConfig } from './config.ts';
import { variancePreserving } from './ddim.ts';
import { limiter, predictionType, toEpsilon, toX0 } from './prediction.ts';
import type { SchedulerFactory } from './scheduler.ts';
import { alphasOf } from './spacing.ts';

/** Every k-th training timestep from the top of the grid the model was distilled on, `steps` of them. */
function distilledTimesteps(config: SchedulerConfig, steps: number, strength: number): number[] {
  const train = numberOption(config, 'num_train_timesteps', 1000);
  const grid = numberOption(config, 'original_inference_steps', 50);
  const stride = Math.floor(train / grid);
  const available = Math.trunc(grid * strength);
  if (steps > available) {
    throw new UserError(
      strength < 1
        ? say('too-many-steps-for-grid-at-strength', available, grid, strength, steps)
        : say('too-many-steps-for-grid', available, grid, steps),
    );
  }
  return Array.from({ length: steps }, (_, i) => {
    const index = Math.floor((i * available) / steps);
    return (available - index) * stride - 1;
  });
}

/**
 * LCMScheduler: jumps to x̂0 with the boundary scaling of consistency models, then back up with new noise.
 * Luo et al., "Latent Consistency Models" (2023), algorithm 3.
 */
export const lcm: SchedulerFactory = (config, { steps, shape, strength }) => {
  const alphas = alphasOf(config, 'plain');
  const timesteps = distilledTimesteps(config, steps, strength);
  const type = predictionType(config);
  const limit = limiter(config, shape, false);
  const scaling = numberOption(config, 'timestep_scaling', 10);
  return {
    ...variancePreserving(alphas, timesteps),
    step(i, output, x, noise) {
      const t = timesteps[i]!;
      const a = alphas[t]!;
      let x0 = toX0(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      if (limit !== null) x0 = limit(x0);
      const scaled = t * scaling;
      const total = scaled * scaled + 0.25;
      const denoised = sum2(scaled / Math.sqrt(total), x0, 0.25 / total, x);
      if (i === timesteps.length - 1) return { x: denoised.slice(), denoised };
      const below = alphas[timesteps[i + 1]!]!;
      return { x: sum2(Math.sqrt(below), denoised, Math.sqrt(1 - below), noise.next()), denoised };
    },
  };
};

/**
 * TCDScheduler: follows the trajectory to a timestep between, then noises back up; eta (γ) from 0 to 1 sets how far.
 * Zheng et al., "Trajectory Consistency Distillation" (2024), algorithm 4.
 */
export const tcd: SchedulerFactory = (config, { steps, eta, strength }) => {
  const gamma = eta ?? 0.3;
  if (gamma > 1) throw new UserError(say('tcd-eta', gamma));
  const alphas = alphasOf(config, 'plain');
  const timesteps = distilledTimesteps(config, steps, strength);
  const type = predictionType(config);
  return {
    ...variancePreserving(alphas, timesteps),
    step(i, output, x, noise) {
      const t = timesteps[i]!;
      const next = timesteps[i + 1] ?? 0;
      const a = alphas[t]!;
      const below = alphas[next]!;
      const s = alphas[Math.floor(Math.fround(Math.fround(1 - gamma) * next))]!;
      const denoised = toX0(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      const eps = toEpsilon(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      const between = sum2(Math.sqrt(s), denoised, Math.sqrt(1 - s), eps);
      if (gamma === 0 || i === timesteps.length - 1) return { x: between, denoised };
      const ratio = below / s;
      return {
        x: sum2(Math.sqrt(ratio), between, Math.sqrt(1 - ratio), noise.next()),
        denoised,
      };
    },
  };
};
