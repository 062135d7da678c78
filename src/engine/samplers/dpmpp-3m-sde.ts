import type { Denoiser } from '../sampling/sampling.ts';
import { sdeDeviation, secondOrder, thirdOrder } from './kernels.ts';
import { addTo, sum2, sum3, sum4 } from './linear.ts';
import type { SamplerOptions } from './sampler.ts';

/**
 * DPM++ 3M SDE: the stochastic multistep solver of third order; one evaluation and, until the last step, one
 * Brownian draw a step. After Lu et al., "DPM-Solver++" (2022); reference k_diffusion/sampling.py,
 * sample_dpmpp_3m_sde.
 */
export async function sampleDpmpp3mSde(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { noise, onStep, eta = 1, noiseScale = 1 }: SamplerOptions,
): Promise<Float32Array> {
  let last: { denoised: Float32Array; h: number } | null = null;
  let older: { denoised: Float32Array; h: number } | null = null;
  for (let i = 0; i < sigmas.length - 1; i++) {
    const sigma = sigmas[i]!;
    const next = sigmas[i + 1]!;
    const denoised = await denoise(x, sigma);
    onStep(i, sigma, denoised);
    if (next === 0) {
      x = denoised.slice();
      continue;
    }
    const h = Math.log(sigma / next);
    const span = h * (eta + 1);
    const keep = Math.exp(-span);
    const gain = -Math.expm1(-span);
    const phi2 = Math.expm1(-span) / span + 1;
    if (last === null) {
      x = sum2(keep, x, gain, denoised);
    } else if (older === null) {
      const first = (phi2 * h) / last.h;
      const [w0, w1] = secondOrder(gain, first);
      x = sum3(keep, x, w0, denoised, w1, last.denoised);
    } else {
      const phi3 = phi2 / span - 0.5;
      const [w0, w1, w2] = thirdOrder(gain, phi2, phi3, [last.h / h, older.h / h]);
      x = sum4(keep, x, w0, denoised, w1, last.denoised, w2, older.denoised);
    }
    if (eta > 0) addTo(x, sdeDeviation(noiseScale * next, h * eta), noise(sigma, next));
    older = last;
    last = { denoised, h };
  }
  return x;
}
