import type { Denoiser } from '../sampling/sampling.ts';
import { eulerStep } from './kernels.ts';
import { sum3 } from './linear.ts';
import type { SamplerOptions } from './sampler.ts';

/**
 * DPM++ 2M: a multistep second-order solver in x̂0; one evaluation a step, deterministic. First order on the first
 * step and on the step to σ = 0. Lu et al., "DPM-Solver++" (2022), Algorithm 2; reference
 * k_diffusion/sampling.py, sample_dpmpp_2m.
 */
export async function sampleDpmpp2m(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { onStep, replan }: SamplerOptions,
): Promise<Float32Array> {
  let previous: Float32Array | null = null;
  for (let i = 0; i < sigmas.length - 1; i++) {
    const sigma = sigmas[i]!;
    const denoised = await denoise(x, sigma);
    onStep(i, sigma, denoised);
    // The step before keeps its own length: the second order holds across the change.
    sigmas = replan?.(i, denoised) ?? sigmas;
    const next = sigmas[i + 1]!;
    const ratio = next / sigma;
    if (previous === null || next === 0) {
      x = eulerStep(x, denoised, sigma, next);
    } else {
      const half = Math.log(sigma / next) / (2 * Math.log(sigmas[i - 1]! / sigma));
      x = sum3(ratio, x, (1 - ratio) * (1 + half), denoised, (ratio - 1) * half, previous);
    }
    previous = denoised;
  }
  return x;
}
