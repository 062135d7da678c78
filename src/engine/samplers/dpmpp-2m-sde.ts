import type { Denoiser } from '../sampling/sampling.ts';
import { sdeDeviation, secondOrder } from './kernels.ts';
import { addTo, sum2, sum3 } from './linear.ts';
import type { SamplerOptions } from './sampler.ts';

/**
 * DPM++ 2M SDE: the stochastic multistep second-order solver; one evaluation and, until the last step, one
 * Brownian draw a step. `solver` picks the second-order term. Lu et al., "DPM-Solver++" (2022); reference
 * k_diffusion/sampling.py, sample_dpmpp_2m_sde.
 */
export async function sampleDpmpp2mSde(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  {
    noise,
    onStep,
    eta = 1,
    noiseScale = 1,
    solver = 'midpoint',
  }: SamplerOptions & { solver?: 'midpoint' | 'heun' },
): Promise<Float32Array> {
  let previous: Float32Array | null = null;
  let lastH = 0;
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
    const span = -h - eta * h;
    const gain = -Math.expm1(span);
    const keep = (next / sigma) * Math.exp(-eta * h);
    if (previous === null) {
      x = sum2(keep, x, gain, denoised);
    } else {
      const second = (solver === 'heun' ? gain / span + 1 : 0.5 * gain) * (h / lastH);
      const [w0, w1] = secondOrder(gain, second);
      x = sum3(keep, x, w0, denoised, w1, previous);
    }
    if (eta > 0) addTo(x, sdeDeviation(noiseScale * next, eta * h), noise(sigma, next));
    previous = denoised;
    lastH = h;
  }
  return x;
}
