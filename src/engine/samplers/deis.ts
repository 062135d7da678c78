import type { Denoiser } from '../sampling/sampling.ts';
import { alongSlope, alongSlopes } from './kernels.ts';
import { slope } from './linear.ts';
import type { SamplerOptions } from './sampler.ts';

/**
 * DEIS as ComfyUI runs it (comfy/k_diffusion/sampling.py, sample_deis): Adams-Bashforth of order three in the time of
 * a continuous VP process, its integrals taken over a table; one evaluation a step. After Zhang and Chen, "Fast
 * Sampling of Diffusion Models with Exponential Integrator" (2023), tAB-DEIS.
 */
export async function sampleDeis(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { onStep }: SamplerOptions,
): Promise<Float32Array> {
  const times = Array.from(sigmas, timeOf);
  const slopes: Float32Array[] = [];
  for (let i = 0; i < sigmas.length - 1; i++) {
    const sigma = sigmas[i]!;
    const next = sigmas[i + 1]!;
    const denoised = await denoise(x, sigma);
    onStep(i, sigma, denoised);
    slopes.unshift(slope(x, denoised, sigma));
    if (slopes.length > MAX_ORDER) slopes.pop();
    if (next <= 0 || slopes.length === 1) {
      x = alongSlope(x, next - sigma, slopes[0]!);
    } else {
      x = alongSlopes(x, slopes, deisCoefficients(times, i, slopes.length));
    }
  }
  return x;
}

const MAX_ORDER = 3;
/** the process the times belong to: ᾱ(t) = exp(-½ t² (β1 - β0) - t β0), from σ = 0.002 at t = 0.001 to 80 at 1 */
const EPSILON = 1e-3;
const LOG_MIN = Math.log(0.002 ** 2 + 1);
const LOG_MAX = Math.log(80 ** 2 + 1);
const SLOPE = (2 * (LOG_MIN / EPSILON - LOG_MAX)) / (EPSILON - 1);
const BETA_0 = LOG_MAX - SLOPE / 2;

function timeOf(sigma: number): number {
  return (Math.sqrt(BETA_0 ** 2 + 2 * SLOPE * Math.log(sigma * sigma + 1)) - BETA_0) / SLOPE;
}

/** dσ/dt, with σ = sqrt((1 - ᾱ)/ᾱ) */
function speed(t: number): number {
  const alpha = Math.exp(-0.5 * t * t * SLOPE - t * BETA_0);
  return (0.5 * (t * SLOPE + BETA_0)) / Math.sqrt(alpha * (1 - alpha));
}

/** ComfyUI sums as many points, both ends among them, and multiplies by a so-manieth of the way. */
const POINTS = 10_000;

/** Integrals over [times[i], times[i + 1]] of dσ/dt times the Lagrange polynomials on times[i], times[i - 1], … */
function deisCoefficients(times: readonly number[], i: number, order: number): number[] {
  const from = times[i]!;
  const way = times[i + 1]! - from;
  const sums = Array.from({ length: order }, () => 0);
  for (let p = 0; p < POINTS; p++) {
    const t = from + (way * p) / (POINTS - 1);
    const weight = speed(t);
    for (let j = 0; j < order; j++) sums[j] = sums[j]! + weight * lagrange(times, i, order, j, t);
  }
  return sums.map((sum) => (sum * way) / POINTS);
}

function lagrange(
  times: readonly number[],
  i: number,
  order: number,
  j: number,
  t: number,
): number {
  let value = 1;
  for (let k = 0; k < order; k++) {
    if (k !== j) value *= (t - times[i - k]!) / (times[i - j]! - times[i - k]!);
  }
  return value;
}
