import type { Denoiser } from '../sampling/sampling.ts';
import { raiseNoise, type Churn } from './churn.ts';
import { eulerStep } from './kernels.ts';
import type { SamplerOptions } from './sampler.ts';

/**
 * Euler: one evaluation a step, no noise unless churned.
 * Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), Algorithm 2 without
 * the correction; reference k_diffusion/sampling.py, sample_euler.
 */
export async function sampleEuler(
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
    x = eulerStep(raised.x, denoised, raised.sigma, sigmas[i + 1]!);
  }
  return x;
}
