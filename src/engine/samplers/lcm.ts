import type { Denoiser } from '../sampling/sampling.ts';
import { sum2 } from './linear.ts';
import type { SamplerOptions } from './sampler.ts';

/**
 * LCM: jumps to x̂0 and noises it to the next level; one evaluation and, until the last step, one draw a step.
 * Luo et al., "Latent Consistency Models" (2023); reference A1111 modules/sd_samplers_lcm.py, sample_lcm.
 * The boundary scaling of consistency models is the denoiser's part.
 */
export async function sampleLcm(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { noise, onStep }: SamplerOptions,
): Promise<Float32Array> {
  for (let i = 0; i < sigmas.length - 1; i++) {
    const denoised = await denoise(x, sigmas[i]!);
    onStep(i, sigmas[i]!, denoised);
    const next = sigmas[i + 1]!;
    x = next > 0 ? sum2(1, denoised, next, noise(sigmas[i]!, next)) : denoised.slice();
  }
  return x;
}
