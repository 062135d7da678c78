import type { ScheduleName } from '../names.ts';
import { linspace32 } from '../sampling/float32.ts';
import { type SigmaTable, sigmaToT, tToSigma } from '../sampling/schedule.ts';
import { betaQuantile } from './beta-distribution.ts';

/**
 * A1111's noise schedules (modules/sd_schedulers.py and k_diffusion/sampling.py). Every function returns n + 1
 * descending float32 sigmas, the last 0 (except where noted).
 */

const f = Math.fround;

export type ScheduleOptions = {
  sigmaMin?: number;
  sigmaMax?: number;
  /** exponent of karras (7) and polyexponential (1) */
  rho?: number;
  /** align_your_steps has other tables for SDXL */
  sdxl?: boolean;
  betaAlpha?: number;
  betaBeta?: number;
};

/** Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), eq. 5 */
export function karras(n: number, sigmaMin: number, sigmaMax: number, rho = 7): Float32Array {
  const low = sigmaMin ** (1 / rho);
  const high = sigmaMax ** (1 / rho);
  const ramp = linspace32(0, 1, n);
  const sigmas = new Float32Array(n + 1);
  for (let i = 0; i < n; i++) sigmas[i] = f(f(high) + f(ramp[i]! * f(low - high))) ** rho;
  return sigmas;
}

/** even in log σ (k-diffusion, get_sigmas_exponential) */
export function exponential(n: number, sigmaMin: number, sigmaMax: number): Float32Array {
  const sigmas = new Float32Array(n + 1);
  sigmas.set(linspace32(Math.log(sigmaMax), Math.log(sigmaMin), n).map((x) => Math.exp(x)));
  return sigmas;
}

/** a polynomial in log σ (k-diffusion, get_sigmas_polyexponential) */
export function polyexponential(
  n: number,
  sigmaMin: number,
  sigmaMax: number,
  rho = 1,
): Float32Array {
  const low = Math.log(sigmaMin);
  const span = Math.log(sigmaMax) - low;
  const ramp = linspace32(1, 0, n);
  const sigmas = new Float32Array(n + 1);
  for (let i = 0; i < n; i++) sigmas[i] = Math.exp(f(f(f(ramp[i]! ** rho) * f(span)) + f(low)));
  return sigmas;
}

/** whole range of timesteps, evenly (k-diffusion, DiscreteSchedule.get_sigmas) */
function uniform(n: number, table: SigmaTable): Float32Array {
  return atTimesteps(linspace32(table.sigmas.length - 1, 0, n), table);
}

/** evenly in timestep between the two ends, without the last point (`sgm`) or with it (`normal`) */
function evenTimesteps(
  n: number,
  sigmaMin: number,
  sigmaMax: number,
  table: SigmaTable,
  sgm: boolean,
): Float32Array {
  const start = sigmaToT(table, sigmaMax);
  const end = sigmaToT(table, sigmaMin);
  const timesteps = sgm ? linspace32(start, end, n + 1).subarray(0, n) : linspace32(start, end, n);
  return atTimesteps(timesteps, table);
}

function atTimesteps(timesteps: Float32Array, table: SigmaTable): Float32Array {
  const sigmas = new Float32Array(timesteps.length + 1);
  for (const [i, t] of timesteps.entries()) sigmas[i] = tToSigma(table, t);
  return sigmas;
}

/** every (length/n)-th entry from the top of the table (ComfyUI's simple scheduler) */
export function simple(n: number, table: SigmaTable): Float32Array {
  const { sigmas: all } = table;
  const stride = all.length / n;
  const sigmas = new Float32Array(n + 1);
  for (let i = 0; i < n; i++) sigmas[i] = all[all.length - 1 - Math.trunc(i * stride)]!;
  return sigmas;
}

/** entries 1, 1 + s, 1 + 2s, … of the table; may be longer than n */
export function ddimUniform(n: number, table: SigmaTable): Float32Array {
  const { sigmas: all } = table;
  const stride = Math.max(Math.floor(all.length / n), 1);
  const picked: number[] = [0];
  for (let i = 1; i < all.length; i += stride) picked.push(all[i]!);
  return Float32Array.from(picked.reverse());
}

/** Lee et al., "Beta Sampling is All You Need" (2024), quantiles laid over σ itself */
function beta(n: number, sigmaMin: number, sigmaMax: number, a: number, b: number): Float32Array {
  const sigmas = new Float32Array(n + 1);
  for (let i = 0; i < n; i++) {
    const p = n === 1 ? 1 : 1 - i / (n - 1);
    sigmas[i] = sigmaMin + betaQuantile(p, a, b) * (sigmaMax - sigmaMin);
  }
  return sigmas;
}

/** Sabour et al., "Align Your Steps" (2024): the KL-optimal family; ends at σ_min, not at 0 */
function klOptimal(n: number, sigmaMin: number, sigmaMax: number): Float32Array {
  const low = f(Math.atan(f(sigmaMin)));
  const high = f(Math.atan(f(sigmaMax)));
  const sigmas = new Float32Array(n + 1);
  for (let i = 0; i <= n; i++) {
    const w = f(i / n);
    sigmas[i] = Math.tan(f(f(w * low) + f(f(1 - w) * high)));
  }
  return sigmas;
}

const ALIGNED_SD = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];
const ALIGNED_SDXL = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029];

/** The tables of Sabour et al., "Align Your Steps" (2024), interpolated log-linearly for other lengths. */
function alignYourSteps(n: number, sdxl: boolean): Float32Array {
  const table = sdxl ? ALIGNED_SDXL : ALIGNED_SD;
  const sigmas = new Float32Array(n + 1);
  for (let i = 0; i < n; i++) {
    // From the low end, as the reference interpolates: with n = 1 it keeps the lowest entry.
    const position = n === 1 ? table.length - 1 : (i / (n - 1)) * (table.length - 1);
    const low = Math.min(Math.floor(position), table.length - 2);
    const w = position - low;
    sigmas[i] = Math.exp((1 - w) * Math.log(table[low]!) + w * Math.log(table[low + 1]!));
  }
  return sigmas;
}

/** n + 1 sigmas of a named schedule as A1111 v1.10.1 computes them; `automatic` must be resolved before. */
export function a1111Sigmas(
  name: Exclude<ScheduleName, 'automatic'>,
  n: number,
  table: SigmaTable,
  options: ScheduleOptions = {},
): Float32Array {
  const sigmaMin = options.sigmaMin ?? table.sigmas[0]!;
  const sigmaMax = options.sigmaMax ?? table.sigmas.at(-1)!;
  switch (name) {
    case 'uniform':
      return uniform(n, table);
    case 'karras':
      return karras(n, sigmaMin, sigmaMax, options.rho);
    case 'exponential':
      return exponential(n, sigmaMin, sigmaMax);
    case 'polyexponential':
      return polyexponential(n, sigmaMin, sigmaMax, options.rho);
    case 'sgm_uniform':
      return evenTimesteps(n, sigmaMin, sigmaMax, table, true);
    case 'normal':
      return evenTimesteps(n, sigmaMin, sigmaMax, table, false);
    case 'simple':
      return simple(n, table);
    case 'ddim_uniform':
      return ddimUniform(n, table);
    case 'beta':
      return beta(n, sigmaMin, sigmaMax, options.betaAlpha ?? 0.6, options.betaBeta ?? 0.6);
    case 'kl_optimal':
      return klOptimal(n, sigmaMin, sigmaMax);
    case 'align_your_steps':
      return alignYourSteps(n, options.sdxl ?? false);
  }
}

/** Takes out the last sigma before the final one; call with a schedule of one step more. */
export function discardPenultimate(sigmas: Float32Array): Float32Array {
  const out = new Float32Array(sigmas.length - 1);
  out.set(sigmas.subarray(0, -2));
  out[out.length - 1] = sigmas.at(-1)!;
  return out;
}
