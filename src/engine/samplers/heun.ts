import type { Denoiser } from '../sampling/sampling.ts';
import { raiseNoise, type Churn } from './churn.ts';
import { alongSlope, heunCorrected } from './kernels.ts';
import { slope } from './linear.ts';
import { asksWithin, type SamplerOptions } from './sampler.ts';

/**
 * Heun: an Euler step, then the mean of the slopes at both ends; two evaluations a step, one on the last.
 * Karras et al. (2022), Algorithm 2; reference k_diffusion/sampling.py, sample_heun.
 */
export async function sampleHeun(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { noise, onStep, replan, noiseScale = 1, churn }: SamplerOptions & { churn?: Churn },
): Promise<Float32Array> {
  const steps = sigmas.length - 1;
  for (let i = 0; i < sigmas.length - 1; i++) {
    const raised = raiseNoise(x, sigmas[i]!, sigmas[i + 1]!, steps, churn, noise, noiseScale);
    const denoised = await denoise(raised.x, raised.sigma);
    onStep(i, sigmas[i]!, denoised);
    sigmas = replan?.(i, denoised) ?? sigmas;
    x = await heunStep(denoise, raised.x, raised.sigma, sigmas[i + 1]!, denoised);
  }
  return x;
}

/** Where Heun evaluates: at both ends of every step, but at the end of one to 0. */
export function heunAsks(sigmas: Float32Array): number[] {
  return asksWithin(sigmas, (_, next) => (next === 0 ? null : next));
}

/** One Heun step from sigma to next, given x̂0 at sigma. */
export async function heunStep(
  denoise: Denoiser,
  x: Float32Array,
  sigma: number,
  next: number,
  denoised: Float32Array,
): Promise<Float32Array> {
  const d = slope(x, denoised, sigma);
  const dt = next - sigma;
  const predicted = alongSlope(x, dt, d);
  if (next === 0) return predicted;
  const d2 = slope(predicted, await denoise(predicted, next), next);
  return heunCorrected(x, dt, d, d2);
}
