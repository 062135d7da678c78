import type { Denoiser } from '../sampling/sampling.ts';
import { ancestralEulerStep, eulerStep } from './kernels.ts';
import { ancestralStep, type SamplerOptions } from './sampler.ts';

/**
 * Euler ancestral: an Euler step below the target level, then noise back up to it; one evaluation and, until the
 * last step, one draw a step. Reference k_diffusion/sampling.py, sample_euler_ancestral.
 */
export async function sampleEulerAncestral(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { noise, onStep, eta = 1, noiseScale = 1 }: SamplerOptions,
): Promise<Float32Array> {
  for (let i = 0; i < sigmas.length - 1; i++) {
    const sigma = sigmas[i]!;
    const next = sigmas[i + 1]!;
    const denoised = await denoise(x, sigma);
    onStep(i, sigma, denoised);
    const { down, up } = ancestralStep(sigma, next, eta);
    x =
      next > 0
        ? ancestralEulerStep(x, denoised, [sigma, down], noiseScale * up, noise(sigma, next))
        : eulerStep(x, denoised, sigma, down);
  }
  return x;
}
