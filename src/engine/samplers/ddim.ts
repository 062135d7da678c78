import { adamsBashforth, ddimDeviation, ddimStep } from './kernels.ts';
import { sum2 } from './linear.ts';

/**
 * A1111's samplers over training timesteps (modules/sd_samplers_timesteps_impl.py). The timesteps ascend; the
 * first of them is never evaluated, so n timesteps make n - 1 steps.
 */

/** x at timestep t -> predicted noise ε [B,C,h,w] */
export type NoisePredictor = (x: Float32Array, t: number) => Promise<Float32Array>;

export type TimestepOptions = {
  noise: () => Float32Array;
  onStep: (index: number, timestep: number, denoised: Float32Array) => void;
  eta?: number;
  /** asked after each evaluation of DDIM: the timesteps to go on with, the same from the one just taken upwards */
  replan?: (index: number, denoised: Float32Array) => number[] | null;
};

/** ᾱ of timestep number `index` and of the one below it; below the first lies training timestep 0. */
function alphasAt(
  alphasCumprod: Float32Array,
  timesteps: readonly number[],
  index: number,
): { here: number; below: number } {
  return {
    here: alphasCumprod[timesteps[index]!]!,
    below: alphasCumprod[index === 0 ? 0 : timesteps[index - 1]!]!,
  };
}

/**
 * DDIM: one evaluation a step; eta = 1 adds the noise of DDPM.
 * Song et al., "Denoising Diffusion Implicit Models" (2021), eq. 12; reference function ddim.
 * With `direction` (CFG++, Chung et al. 2024; reference ddim_cfgpp) the noise put back is the unconditional one.
 */
export async function sampleDdim(
  predict: NoisePredictor,
  x: Float32Array,
  timesteps: readonly number[],
  alphasCumprod: Float32Array,
  {
    noise,
    onStep,
    replan,
    eta = 0,
    direction,
  }: TimestepOptions & { direction?: () => Float32Array },
): Promise<Float32Array> {
  for (let i = 0; i < timesteps.length - 1; i++) {
    const timestep = timesteps[timesteps.length - 1 - i]!;
    const eps = await predict(x, timestep);
    const now = alphasCumprod[timestep]!;
    const denoised = sum2(1 / Math.sqrt(now), x, -Math.sqrt((1 - now) / now), eps);
    timesteps = replan?.(i, denoised) ?? timesteps;
    const { here, below } = alphasAt(alphasCumprod, timesteps, timesteps.length - 1 - i);
    const deviation = ddimDeviation(eta, here, below);
    const back = direction === undefined ? eps : direction();
    // The reference draws on every step; for eta 0 the draw is multiplied by nothing.
    x = ddimStep(denoised, back, below, deviation, deviation > 0 ? noise() : null);
    onStep(i, timestep, denoised);
  }
  return x;
}

/**
 * PLMS: a linear multistep method on ε up to order 4, begun by one improved Euler step; one evaluation a step, two
 * on the first. Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds" (2022); reference
 * function plms.
 */
export async function samplePlms(
  predict: NoisePredictor,
  x: Float32Array,
  timesteps: readonly number[],
  alphasCumprod: Float32Array,
  { onStep }: TimestepOptions,
): Promise<Float32Array> {
  const history: Float32Array[] = [];
  for (let i = 0; i < timesteps.length - 1; i++) {
    const index = timesteps.length - 1 - i;
    const { here, below } = alphasAt(alphasCumprod, timesteps, index);
    const step = (eps: Float32Array): [Float32Array, Float32Array] => {
      const denoised = sum2(1 / Math.sqrt(here), x, -Math.sqrt((1 - here) / here), eps);
      return [sum2(Math.sqrt(below), denoised, Math.sqrt(1 - below), eps), denoised];
    };
    const eps = await predict(x, timesteps[index]!);
    let slope: Float32Array;
    if (history.length === 0) {
      const ahead = await predict(step(eps)[0], timesteps[Math.max(index - 1, 0)]!);
      slope = sum2(0.5, eps, 0.5, ahead);
    } else {
      slope = adamsBashforth([eps, ...history]);
    }
    const [next, denoised] = step(slope);
    history.unshift(eps);
    if (history.length > 3) history.pop();
    x = next;
    onStep(i, timesteps[index]!, denoised);
  }
  return x;
}
