import type { Denoiser } from '../sampling/sampling.ts';
import { alongSlopes } from './kernels.ts';
import { slope } from './linear.ts';
import type { SamplerOptions } from './sampler.ts';

/** `endsAtDenoised`: the step to σ = 0 takes x̂0 itself, as ComfyUI does */
type LmsOptions = SamplerOptions & { order?: number; endsAtDenoised?: boolean };

/**
 * LMS: Adams-Bashforth on the slopes of up to `order` steps, with uneven spacing; one evaluation a step.
 * Reference k_diffusion/sampling.py, sample_lms; the coefficients are integrated exactly, not by quadrature.
 */
export async function sampleLms(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { onStep, order = 4, endsAtDenoised = false }: LmsOptions,
): Promise<Float32Array> {
  const slopes: Float32Array[] = [];
  for (let i = 0; i < sigmas.length - 1; i++) {
    const denoised = await denoise(x, sigmas[i]!);
    onStep(i, sigmas[i]!, denoised);
    if (endsAtDenoised && sigmas[i + 1] === 0) return denoised.slice();
    slopes.unshift(slope(x, denoised, sigmas[i]!));
    if (slopes.length > order) slopes.pop();
    x = alongSlopes(x, slopes, lmsCoefficients(sigmas, i, slopes.length));
  }
  return x;
}

/** Integrals over [sigmas[i], sigmas[i + 1]] of the Lagrange polynomials on sigmas[i], sigmas[i - 1], … */
export function lmsCoefficients(sigmas: ArrayLike<number>, i: number, order: number): number[] {
  const from = sigmas[i]!;
  const width = sigmas[i + 1]! - from;
  return Array.from({ length: order }, (_, j) => {
    // The polynomial in u = τ - sigmas[i], lowest power first: small numbers, no cancellation.
    let polynomial = [1];
    for (let k = 0; k < order; k++) {
      if (k === j) continue;
      const root = sigmas[i - k]! - from;
      const scale = 1 / (sigmas[i - j]! - sigmas[i - k]!);
      const product = Array.from({ length: polynomial.length + 1 }, () => 0);
      for (const [power, c] of polynomial.entries()) {
        product[power] = product[power]! - c * root * scale;
        product[power + 1] = product[power + 1]! + c * scale;
      }
      polynomial = product;
    }
    return polynomial.reduce((sum, c, power) => sum + (c * width ** (power + 1)) / (power + 1), 0);
  });
}
