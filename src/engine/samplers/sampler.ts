import type { Denoiser } from '../sampling/sampling.ts';

/**
 * What every sampler in sigma space takes besides the denoiser, the latents and the noise levels.
 * `x` starts at noise level sigmas[0]; the result is at the last one. Samplers never change `x` in place.
 */
export type SamplerOptions = {
  /** unit-variance noise for the step from sigma to sigmaNext, asked for in the reference's order */
  noise: (sigma: number, sigmaNext: number) => Float32Array;
  /** after each evaluation that opens a step: x̂0 there, and the noise level it was made at */
  onStep: (index: number, sigma: number, denoised: Float32Array) => void;
  /**
   * asked after that by samplers of the table's `replans`: the list of noise levels to go on with, the same up to
   * number `index`; null: as before
   */
  replan?: (index: number, denoised: Float32Array) => Float32Array | null;
  /** share of the stochastic part, 0 = deterministic; default 1 where a sampler has it */
  eta?: number;
  /** factor on every noise draw, default 1 */
  noiseScale?: number;
};

export type Sampler = (
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  options: SamplerOptions,
) => Promise<Float32Array>;

/** Every level but the last, each followed by the second evaluation of its step, where that has one. */
export function asksWithin(
  sigmas: Float32Array,
  second: (sigma: number, next: number) => number | null,
): number[] {
  const asked: number[] = [];
  for (let i = 0; i < sigmas.length - 1; i++) {
    asked.push(sigmas[i]!);
    const other = second(sigmas[i]!, sigmas[i + 1]!);
    if (other !== null) asked.push(other);
  }
  return asked;
}

/**
 * Splits a step from `from` to `to` into a deterministic part down to `down` and noise of deviation `up` on top
 * (k_diffusion/sampling.py, get_ancestral_step). In double precision: where `from` is far above `to` the
 * reference's float32 leaves `down` few digits, and which ones depends on the machine's square root.
 */
export function ancestralStep(from: number, to: number, eta: number): { down: number; up: number } {
  if (eta === 0) return { down: to, up: 0 };
  const up = Math.min(to, (eta * to * Math.sqrt((from - to) * (from + to))) / from);
  return { down: Math.sqrt((to - up) * (to + up)), up };
}

/** How a sampler in sigma space is run. */
export type SigmaMethod = {
  sample: Sampler;
  /** noise from Brownian trees instead of the stream of draws */
  brownian?: boolean;
  /** the last sigma before 0 is left out of a schedule of one step more */
  discardPenultimate?: boolean;
  /** follows SamplerOptions.replan: deterministic, and of an order that a change of step length does not spoil */
  replans?: boolean;
  /** where the number of steps is not the schedule's */
  countSteps?: (sigmas: Float32Array) => number;
  /** the levels it evaluates at, in order; absent: at each but the last */
  asks?: (sigmas: Float32Array, eta: number) => number[];
};
