import type { ScheduleName } from '../names.ts';
import { linspace32 } from '../sampling/float32.ts';
import { type SigmaTable, sigmaToT, tToSigma } from '../sampling/schedule.ts';
import { a1111Sigmas, ddimUniform, simple } from './a1111.ts';
import { betaQuantile } from './beta-distribution.ts';

/** ComfyUI's schedules (comfy/samplers.py), where they differ from A1111's of the same name. */

const f = Math.fround;

/** How a model relates noise level and timestep; flow models have no table of logarithms. */
export type Spacing = {
  table: SigmaTable;
  timestep: (sigma: number) => number;
  sigma: (timestep: number) => number;
};

/** discrete eps and v models */
export function discreteSpacing(table: SigmaTable): Spacing {
  return {
    table,
    // ComfyUI rounds to the nearest training timestep (ModelSamplingDiscrete.timestep).
    timestep: (sigma) => sigmaToT(table, sigma, true),
    sigma: (timestep) => tToSigma(table, Math.min(Math.max(timestep, 0), table.sigmas.length - 1)),
  };
}

/** rectified-flow models (ModelSamplingDiscreteFlow): σ = s t / (1 + (s - 1) t), t in 0 … 1 */
export function flowSpacing(shift: number, multiplier = 1000): Spacing {
  const sigma = (timestep: number): number => {
    const t = f(f(timestep) / multiplier);
    return f(f(shift * t) / f(1 + f((shift - 1) * t)));
  };
  const sigmas = Float32Array.from({ length: 1000 }, (_, i) =>
    sigma(f((i + 1) / 1000) * multiplier),
  );
  return {
    table: { sigmas, logSigmas: sigmas.map((s) => Math.log(s)) },
    timestep: (s) => f(f(s) * multiplier),
    sigma,
  };
}

/** Sigmas of a named schedule; the last is 0. Their number may differ from n + 1 (ddim_uniform, beta). */
export function comfySigmas(
  name: Exclude<ScheduleName, 'automatic'>,
  n: number,
  spacing: Spacing,
  options: { sdxl?: boolean } = {},
): Float32Array {
  const { table } = spacing;
  const sigmaMin = table.sigmas[0]!;
  const sigmaMax = table.sigmas.at(-1)!;
  switch (name) {
    case 'normal':
    case 'uniform':
      return even(n, spacing, sigmaMin, sigmaMax, false);
    case 'sgm_uniform':
      return even(n, spacing, sigmaMin, sigmaMax, true);
    case 'simple':
      return simple(n, table);
    case 'ddim_uniform':
      return ddimUniform(n, table);
    case 'beta':
      return beta(n, table);
    case 'kl_optimal':
      return klOptimal(n, sigmaMin, sigmaMax);
    default:
      return a1111Sigmas(name, n, table, options);
  }
}

/** comfy/samplers.py, normal_scheduler */
function even(
  n: number,
  spacing: Spacing,
  sigmaMin: number,
  sigmaMax: number,
  sgm: boolean,
): Float32Array {
  const start = spacing.timestep(sigmaMax);
  const end = spacing.timestep(sigmaMin);
  const endsAtZero = !sgm && Math.abs(spacing.sigma(end)) <= 1e-5;
  const points = sgm
    ? linspace32(start, end, n + 1).subarray(0, n)
    : linspace32(start, end, endsAtZero ? n + 1 : n);
  const sigmas = Array.from(points, (t) => spacing.sigma(t));
  if (!endsAtZero) sigmas.push(0);
  return Float32Array.from(sigmas);
}

/** comfy/samplers.py, beta_scheduler: quantiles laid over the table's index, repeated entries once */
function beta(n: number, table: SigmaTable): Float32Array {
  const last = table.sigmas.length - 1;
  const sigmas: number[] = [];
  let previous = -1;
  for (let i = 0; i < n; i++) {
    const index = roundHalfEven(betaQuantile(1 - i / n, 0.6, 0.6) * last);
    if (index !== previous) sigmas.push(table.sigmas[index]!);
    previous = index;
  }
  sigmas.push(0);
  return Float32Array.from(sigmas);
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** comfy/samplers.py, kl_optimal_scheduler: reaches σ_min one step earlier than A1111's, then 0 */
function klOptimal(n: number, sigmaMin: number, sigmaMax: number): Float32Array {
  const sigmas = new Float32Array(n + 1);
  const low = Math.atan(sigmaMin);
  const high = Math.atan(sigmaMax);
  for (let i = 0; i < n; i++) {
    const w = n === 1 ? Number.NaN : f(i / (n - 1));
    sigmas[i] = Math.tan(f(f(w * f(low)) + f(f(1 - w) * f(high))));
  }
  return sigmas;
}
