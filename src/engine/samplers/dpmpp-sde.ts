import type { Denoiser } from '../sampling/sampling.ts';
import { ancestralEulerStep } from './kernels.ts';
import { sum4 } from './linear.ts';
import { ancestralStep, asksWithin, type SamplerOptions } from './sampler.ts';

const f = Math.fround;

/**
 * The points of a step as the reference's float32 -ln σ gives them back: Brownian noise depends on the sixth
 * decimal of the levels it is asked for.
 */
export function brownianPoints(sigma: number, next: number, r: number): [number, number, number] {
  const t = f(-f(Math.log(sigma)));
  const tNext = f(-f(Math.log(next)));
  const s = f(t + f(f(tNext - t) * r));
  return [f(Math.exp(-t)), f(Math.exp(-s)), f(Math.exp(-tNext))];
}

/** Where in a step the second evaluation lies, as a share of its way in log σ. */
const INNER = 0.5;

/**
 * DPM++ SDE: a stochastic single-step second-order solver; two evaluations and two Brownian draws a step, one
 * evaluation on the last. Lu et al., "DPM-Solver++" (2022); reference k_diffusion/sampling.py, sample_dpmpp_sde.
 */
export async function sampleDpmppSde(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { noise, onStep, eta = 1, noiseScale = 1, r = INNER }: SamplerOptions & { r?: number },
): Promise<Float32Array> {
  for (let i = 0; i < sigmas.length - 1; i++) {
    const sigma = sigmas[i]!;
    const next = sigmas[i + 1]!;
    const denoised = await denoise(x, sigma);
    onStep(i, sigma, denoised);
    if (next === 0) {
      x = denoised.slice();
      continue;
    }
    const [from, inner, to] = brownianPoints(sigma, next, r);
    const first = ancestralStep(from, inner, eta);
    const up = noiseScale * first.up;
    const x2 = ancestralEulerStep(x, denoised, [from, first.down], up, noise(from, inner));
    const denoised2 = await denoise(x2, inner);
    const weight = 1 / (2 * r);
    const whole = ancestralStep(from, to, eta);
    const down = whole.down / from;
    x = sum4(
      down,
      x,
      (1 - down) * (1 - weight),
      denoised,
      (1 - down) * weight,
      denoised2,
      noiseScale * whole.up,
      noise(from, to),
    );
  }
  return x;
}

/** The noise levels σ that dpmpp_sde asks the network at, in order. */
export function dpmppSdeAsks(sigmas: Float32Array): number[] {
  return asksWithin(sigmas, (sigma, next) =>
    next === 0 ? null : brownianPoints(sigma, next, INNER)[1],
  );
}
