import type { Denoiser } from '../sampling/sampling.ts';
import { sum2, sum3 } from './linear.ts';
import type { SamplerOptions } from './sampler.ts';

/**
 * DDPM over a list of noise levels: the posterior's mean and its noise; one evaluation and, until the last step, one
 * draw a step. Ho et al., "Denoising Diffusion Probabilistic Models" (2020), algorithm 2; reference ComfyUI
 * comfy/k_diffusion/sampling.py, sample_ddpm. A1111 has none; diffusers' class is in diffusers/ddim.ts.
 */
export async function sampleDdpm(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { noise, onStep, noiseScale = 1 }: SamplerOptions,
): Promise<Float32Array> {
  for (let i = 0; i < sigmas.length - 1; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await denoise(x, sigma);
    onStep(i, sigma, denoised);
    const here = 1 / (1 + sigma * sigma);
    const below = 1 / (1 + next * next);
    const alpha = here / below;
    // In x = x0 + σ n: the mean is x scaled down to VP, less its share of ε, scaled up to the next level.
    const grow = next > 0 ? Math.sqrt(1 + next * next) : 1;
    const gain = grow / Math.sqrt(alpha);
    const share = (gain * (1 - alpha)) / (Math.sqrt(1 - here) * sigma);
    const keep = gain * Math.sqrt(here) - share;
    if (next === 0) {
      x = sum2(keep, x, share, denoised);
      continue;
    }
    const deviation = grow * noiseScale * Math.sqrt(((1 - alpha) * (1 - below)) / (1 - here));
    x = sum3(keep, x, share, denoised, deviation, noise(sigma, next));
  }
  return x;
}
