import type { Denoiser } from '../sampling/sampling.ts';
import { eulerStep } from './kernels.ts';
import { addTo } from './linear.ts';
import { ancestralStep, asksWithin, type SamplerOptions } from './sampler.ts';

/**
 * DPM++ 2S a: a single-step second-order solver in x̂0 down to below the target level, then noise back up; two
 * evaluations a step, one on the last. Lu et al., "DPM-Solver++" (2022), 2S; reference
 * k_diffusion/sampling.py, sample_dpmpp_2s_ancestral.
 */
export async function sampleDpmpp2sAncestral(
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
    if (down === 0) {
      x = denoised.slice();
    } else {
      // In t = -ln σ half a step is the geometric mean, and -expm1(-h) is 1 - σ_to/σ_from.
      const middle = middleOf(sigma, down);
      const half = eulerStep(x, denoised, sigma, middle);
      const denoised2 = await denoise(half, middle);
      x = eulerStep(x, denoised2, sigma, down);
    }
    if (next > 0) addTo(x, noiseScale * up, noise(sigma, next));
  }
  return x;
}

function middleOf(sigma: number, down: number): number {
  return Math.sqrt(sigma * down);
}

/** The noise levels σ that dpmpp_2s_a asks the network at, in order. */
export function dpmpp2sAncestralAsks(sigmas: Float32Array, eta: number): number[] {
  return asksWithin(sigmas, (sigma, next) => {
    const { down } = ancestralStep(sigma, next, eta);
    return down === 0 ? null : middleOf(sigma, down);
  });
}
