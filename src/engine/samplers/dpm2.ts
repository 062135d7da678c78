import type { Denoiser } from '../sampling/sampling.ts';
import { raiseNoise, type Churn } from './churn.ts';
import { alongSlope } from './kernels.ts';
import { addTo, slope } from './linear.ts';
import { ancestralStep, asksWithin, type SamplerOptions } from './sampler.ts';

/** The middle of a step in log σ, where DPM-Solver-2 evaluates. */
function midpoint(sigma: number, next: number): number {
  return Math.sqrt(sigma * next);
}

/**
 * DPM2: a midpoint step in log σ; two evaluations a step, one on the last.
 * After Lu et al., "DPM-Solver" (2022), and Karras et al. (2022), Algorithm 2; reference
 * k_diffusion/sampling.py, sample_dpm_2.
 */
export async function sampleDpm2(
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
    x = await midpointStep(denoise, raised.x, raised.sigma, sigmas[i + 1]!, denoised);
  }
  return x;
}

/**
 * DPM2 ancestral: the midpoint step below the target level, then noise back up; two evaluations a step, one on
 * the last. Reference k_diffusion/sampling.py, sample_dpm_2_ancestral.
 */
export async function sampleDpm2Ancestral(
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
    x = await midpointStep(denoise, x, sigma, down, denoised);
    if (down > 0) addTo(x, noiseScale * up, noise(sigma, next));
  }
  return x;
}

/** The noise levels σ that dpm2 asks the network at, in order. */
export function dpm2Asks(sigmas: Float32Array): number[] {
  return asksWithin(sigmas, (sigma, next) => (next === 0 ? null : midpoint(sigma, next)));
}

/** The noise levels σ that dpm2_a asks the network at, in order. */
export function dpm2AncestralAsks(sigmas: Float32Array, eta: number): number[] {
  return asksWithin(sigmas, (sigma, next) => {
    const { down } = ancestralStep(sigma, next, eta);
    return down === 0 ? null : midpoint(sigma, down);
  });
}

async function midpointStep(
  denoise: Denoiser,
  x: Float32Array,
  sigma: number,
  next: number,
  denoised: Float32Array,
): Promise<Float32Array> {
  const d = slope(x, denoised, sigma);
  if (next === 0) return alongSlope(x, -sigma, d);
  const middle = midpoint(sigma, next);
  const half = alongSlope(x, middle - sigma, d);
  const d2 = slope(half, await denoise(half, middle), middle);
  return alongSlope(x, next - sigma, d2);
}
