import { alongSlopes, ancestralEulerStep, eulerStep, raisedTo } from '../samplers/kernels.ts';
import { slope, sum2 } from '../samplers/linear.ts';
import { lmsCoefficients } from '../samplers/lms.ts';
import { numberOption, type SchedulerConfig } from './config.ts';
import { predictionType, toX0InSigma } from './prediction.ts';
import type { Scheduler, SchedulerFactory } from './scheduler.ts';
import { sigmaTrack, startSigma } from './spacing.ts';

/** the shared part of the first-order schedulers in sigma space */
export function inSigma(
  config: SchedulerConfig,
  timesteps: readonly number[],
  sigmas: Float32Array,
): Omit<Scheduler, 'step'> {
  return {
    timesteps,
    order: 1,
    initNoiseSigma: startSigma(config, sigmas),
    inputScale: (i) => Math.sqrt(sigmas[i]! ** 2 + 1),
    sigmaAt: (i) => sigmas[i]!,
    addNoise: (i, x0, noise) => sum2(1, x0, sigmas[i]!, noise),
  };
}

/**
 * EulerDiscreteScheduler: Karras et al. (2022), Algorithm 2 without the correction.
 * `s_churn` and `s_noise` are options of its step, here read from the config where somebody wrote them there.
 */
export const euler: SchedulerFactory = (config, { steps }) => {
  const { sigmas, timesteps } = sigmaTrack(config, steps, 'held', {
    overrides: true,
    logLinear: true,
  });
  const type = predictionType(config);
  const isContinuous = config['timestep_type'] === 'continuous' && type === 'v_prediction';
  const asked = isContinuous
    ? Array.from(sigmas.subarray(0, -1), (s) => Math.fround(0.25 * Math.fround(Math.log(s))))
    : timesteps.map(Math.fround);
  const churn = numberOption(config, 's_churn', 0);
  const noiseScale = numberOption(config, 's_noise', 1);
  return {
    ...inSigma(config, asked, sigmas),
    step(i, output, x, noise) {
      const sigma = sigmas[i]!;
      const gamma = Math.min(churn / (sigmas.length - 1), Math.SQRT2 - 1);
      const raised = sigma * (1 + gamma);
      let from = x;
      if (gamma > 0) {
        from = raisedTo(x, sigma, raised, noiseScale, noise.next());
      }
      const denoised = toX0InSigma(type, output, from, type === 'epsilon' ? raised : sigma);
      return { x: eulerStep(from, denoised, raised, sigmas[i + 1]!), denoised };
    },
  };
};

/** EulerAncestralDiscreteScheduler; it draws on its last step too, times zero */
export const eulerAncestral: SchedulerFactory = (config, { steps }) => {
  const { sigmas, timesteps } = sigmaTrack(stripConversions(config), steps, 'held', {
    overrides: false,
  });
  const type = predictionType(config);
  return {
    ...inSigma(config, timesteps.map(Math.fround), sigmas),
    step(i, output, x, noise) {
      const sigma = sigmas[i]!;
      const denoised = toX0InSigma(type, output, x, sigma);
      const { down, up } = ancestralStep32(sigma, sigmas[i + 1]!);
      const moved = ancestralEulerStep(x, denoised, [sigma, down], up, noise.next());
      return { x: moved, denoised };
    },
  };
};

const f = Math.fround;

/**
 * A step down to `down` and noise of deviation `up` on top, in the reference's float32: far above its target it
 * keeps few digits, and they decide. Below zero by rounding, where the reference goes on with NaN, counts as zero.
 */
export function ancestralStep32(from: number, to: number): { down: number; up: number } {
  const [a, b] = [f(from * from), f(to * to)];
  const up = f(Math.sqrt(f(f(b * f(a - b)) / a)));
  return { down: f(Math.sqrt(Math.max(0, f(b - f(up * up))))), up };
}

/** a class that knows no respacing leaves those entries of a config unread */
function stripConversions(config: SchedulerConfig): SchedulerConfig {
  return {
    ...config,
    use_karras_sigmas: false,
    use_exponential_sigmas: false,
    use_beta_sigmas: false,
  };
}

/** LMSDiscreteScheduler: linear multistep of order 4 on the slopes (Katherine Crowson) */
export const lms: SchedulerFactory = (config, { steps }) => {
  const { sigmas, timesteps } = sigmaTrack(config, steps, 'ignored', {
    overrides: config['use_karras_sigmas'] !== true,
  });
  const type = predictionType(config);
  const slopes: Float32Array[] = [];
  return {
    ...inSigma(config, timesteps.map(Math.fround), sigmas),
    step(i, output, x) {
      const denoised = toX0InSigma(type, output, x, sigmas[i]!);
      slopes.unshift(slope(x, denoised, sigmas[i]!));
      if (slopes.length > 4) slopes.pop();
      // img2img begins within the schedule: only as many slopes count as were seen.
      const factors = lmsCoefficients(sigmas, i, Math.min(i + 1, 4));
      return { x: alongSlopes(x, slopes, factors), denoised };
    },
  };
};
