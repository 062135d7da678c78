import { linspace32 } from '../float32.ts';
import type { NoisePredictor, TimestepOptions } from './ddim.ts';
import { combine, scaled, sum2 } from './linear.ts';
import type { Sampler } from './sampler.ts';

/**
 * A1111's UniPC (modules/models/diffusion/uni_pc/uni_pc.py): predictor and corrector of any order in the
 * half-log-SNR λ, data prediction. Zhao et al., "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling
 * of Diffusion Models" (2023).
 */

const f = Math.fround;

export type UniPcOptions = {
  variant?: 'bh1' | 'bh2' | 'vary_coeff';
  skipType?: 'time_uniform' | 'time_quadratic' | 'logSNR';
  order?: number;
  lowerOrderFinal?: boolean;
  /** continuous start time in (0, 1]; default 1 */
  start?: number;
};

/** the VP noise process over continuous time: training timestep i lies at (i + 1) / N */
type Process = {
  logAlpha: (t: number) => number;
  inverseLambda: (lambda: number) => number;
  count: number;
};

function processOf(alphasCumprod: Float32Array): Process {
  const count = alphasCumprod.length;
  const logs = Float64Array.from(alphasCumprod, (a) => 0.5 * Math.log(a));
  const logAlpha = (t: number): number => {
    const position = t * count - 1;
    const i = Math.min(Math.max(Math.floor(position), 0), count - 2);
    return logs[i]! + (position - i) * (logs[i + 1]! - logs[i]!);
  };
  const inverseLambda = (lambda: number): number => {
    const target = -0.5 * Math.log1p(Math.exp(-2 * lambda));
    let i = 0;
    while (i < count - 2 && logs[i + 1]! > target) i++;
    return (i + 1 + (target - logs[i]!) / (logs[i + 1]! - logs[i]!)) / count;
  };
  return { logAlpha, inverseLambda, count };
}

function lambdaOf(process: Pick<Process, 'logAlpha'>, t: number): number {
  const logAlpha = process.logAlpha(t);
  return logAlpha - 0.5 * Math.log(-Math.expm1(2 * logAlpha));
}

function times(process: Process, steps: number, start: number, skipType: string): number[] {
  const end = 1 / process.count;
  if (skipType === 'logSNR') {
    const lambdas = linspace32(lambdaOf(process, start), lambdaOf(process, end), steps + 1);
    return Array.from(lambdas, process.inverseLambda);
  }
  if (skipType === 'time_quadratic') {
    return Array.from(linspace32(Math.sqrt(start), Math.sqrt(end), steps + 1), (t) => f(t * t));
  }
  return [...linspace32(start, end, steps + 1)];
}

/** @param steps evaluations; at least `order` */
export async function sampleUniPc(
  predict: NoisePredictor,
  x: Float32Array,
  steps: number,
  alphasCumprod: Float32Array,
  { onStep, ...options }: TimestepOptions & UniPcOptions,
): Promise<Float32Array> {
  const { variant = 'bh1', skipType = 'time_uniform', order = 3, lowerOrderFinal = true } = options;
  const process = processOf(alphasCumprod);
  const grid = times(process, steps, options.start ?? 1, skipType);
  const model = async (at: Float32Array, t: number): Promise<Float32Array> => {
    const eps = await predict(at, f(f(t - f(1 / process.count)) * 1000));
    const logAlpha = process.logAlpha(t);
    const alpha = Math.exp(logAlpha);
    return sum2(1 / alpha, at, -Math.sqrt(-Math.expm1(2 * logAlpha)) / alpha, eps);
  };
  const rules = { process, variant, order, lowerOrderFinal };
  return integrate(model, x, grid, rules, (index, t, x0) =>
    onStep(index, t * process.count - 1, x0),
  );
}

/** ComfyUI ends on this level where a schedule ends at 0, which has no logarithm. */
const COMFY_LAST = 0.001;

/**
 * UniPC over a list of noise levels, variant B1(h), as ComfyUI runs it (comfy/extra_samplers/uni_pc.py,
 * sample_unipc): in VP space, x / sqrt(σ² + 1).
 */
export const sampleUniPcSigma: Sampler = async (denoise, x, sigmas, { onStep }) => {
  const grid = [...sigmas];
  if (grid.at(-1) === 0) grid[grid.length - 1] = COMFY_LAST;
  const spread = (sigma: number): number => Math.sqrt(sigma * sigma + 1);
  const rules = {
    process: { logAlpha: (sigma: number) => -0.5 * Math.log1p(sigma * sigma) },
    variant: 'bh1' as const,
    // ComfyUI would return its noise for a single step.
    order: Math.max(1, Math.min(3, grid.length - 2)),
    lowerOrderFinal: true,
  };
  const model = (at: Float32Array, sigma: number): Promise<Float32Array> =>
    denoise(scaled(spread(sigma), at), sigma);
  const end = await integrate(model, scaled(1 / spread(grid[0]!), x), grid, rules, (index, _, x0) =>
    onStep(index, sigmas[index]!, x0),
  );
  return scaled(spread(grid.at(-1)!), end);
};

type Rules = Required<Pick<UniPcOptions, 'variant' | 'order' | 'lowerOrderFinal'>> & {
  process: Pick<Process, 'logAlpha'>;
};

/** From grid[0] to its end; `model` gives x̂0 of x in VP space. */
async function integrate(
  model: (x: Float32Array, t: number) => Promise<Float32Array>,
  x: Float32Array,
  grid: readonly number[],
  { process, variant, order, lowerOrderFinal }: Rules,
  onStep: (index: number, t: number, x0: Float32Array) => void,
): Promise<Float32Array> {
  const steps = grid.length - 1;
  /** newest first */
  const history: Evaluation[] = [{ t: grid[0]!, x0: await model(x, grid[0]!) }];
  for (let step = 1; step <= steps; step++) {
    const t = grid[step]!;
    const remaining = lowerOrderFinal && step >= order ? steps + 1 - step : order;
    const current = Math.min(order, step, remaining);
    const useCorrector = step < steps;
    const rule = updateRule(process, history.slice(0, current), t, variant, useCorrector);
    const predicted = apply(rule, rule.predictor, x, history, null);
    let newest = history[0]!.x0;
    if (useCorrector) {
      newest = await model(predicted, t);
      x = apply(rule, rule.corrector, x, history, newest);
    } else {
      x = predicted;
    }
    onStep(step - 1, t, newest);
    if (useCorrector) history.unshift({ t, x0: newest });
    if (history.length > order) history.pop();
  }
  return x;
}

type Evaluation = { t: number; x0: Float32Array };

/** x_t = keep x + gain x0_prev + Σ factor_k (x0_k - x0_prev); the corrector's last factor is the new evaluation's */
type UpdateRule = { keep: number; gain: number; predictor: number[]; corrector: number[] };

function apply(
  rule: UpdateRule,
  factors: readonly number[],
  x: Float32Array,
  history: readonly Evaluation[],
  newest: Float32Array | null,
): Float32Array {
  let base = rule.gain;
  const terms: [number, Float32Array][] = [[rule.keep, x]];
  for (const [k, factor] of factors.entries()) {
    base -= factor;
    const isNewest = newest !== null && k === factors.length - 1;
    terms.push([factor, isNewest ? newest : history[k + 1]!.x0]);
  }
  terms.push([base, history[0]!.x0]);
  return combine(terms);
}

function updateRule(
  process: Pick<Process, 'logAlpha'>,
  history: readonly Evaluation[],
  t: number,
  variant: 'bh1' | 'bh2' | 'vary_coeff',
  useCorrector: boolean,
): UpdateRule {
  const previous = history[0]!;
  const lambda0 = lambdaOf(process, previous.t);
  const h = lambdaOf(process, t) - lambda0;
  const logAlpha = process.logAlpha(t);
  const alpha = Math.exp(logAlpha);
  const sigma = (log: number): number => Math.sqrt(-Math.expm1(2 * log));
  const keep = sigma(logAlpha) / sigma(process.logAlpha(previous.t));
  const rks = history.slice(1).map((past) => (lambdaOf(process, past.t) - lambda0) / h);
  rks.push(1);
  const phi1 = Math.expm1(-h);
  const factors =
    variant === 'vary_coeff'
      ? varyingFactors(rks, -h, alpha, useCorrector)
      : bhFactors(rks, -h, alpha, variant, useCorrector);
  return { keep, gain: -alpha * phi1, ...factors };
}

/** the variants with one B(h): solves the order conditions for the ρ of predictor and corrector */
export function bhFactors(
  rks: readonly number[],
  hh: number,
  alpha: number,
  variant: 'bh1' | 'bh2',
  useCorrector: boolean,
): { predictor: number[]; corrector: number[] } {
  const order = rks.length;
  const bh = variant === 'bh1' ? hh : Math.expm1(hh);
  const rows: number[][] = [];
  const right: number[] = [];
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  for (let i = 1; i <= order; i++) {
    rows.push(rks.map((rk) => rk ** (i - 1)));
    right.push((phi * factorial) / bh);
    factorial *= i + 1;
    phi = phi / hh - 1 / factorial;
  }
  // Orders 2 and 1 take a half, as the paper simplifies them.
  let predictor: number[] = [];
  if (order === 2) predictor = [0.5];
  else if (order > 2) {
    const inner = rows.slice(0, -1).map((row) => row.slice(0, -1));
    predictor = solve(inner, right.slice(0, -1));
  }
  const corrector = !useCorrector ? [] : order === 1 ? [0.5] : solve(rows, right);
  const scale = (rho: number, k: number): number => (-alpha * bh * rho) / rks[k]!;
  return { predictor: predictor.map(scale), corrector: corrector.map(scale) };
}

/** the variant whose coefficients vary with every past step */
function varyingFactors(
  rks: readonly number[],
  hh: number,
  alpha: number,
  useCorrector: boolean,
): { predictor: number[]; corrector: number[] } {
  const order = rks.length;
  const phis: number[] = [];
  let phi = Math.expm1(hh);
  let factorial = 1;
  for (let k = 1; k <= order + 1; k++) {
    phis.push(phi);
    phi = phi / hh - 1 / factorial;
    factorial *= k + 1;
  }
  // Column k of C is rks^(k) / (k + 1)!; its inverse weighs the differences.
  const columns: number[][] = [];
  let column = rks.map(() => 1);
  for (let k = 1; k <= order; k++) {
    columns.push(column);
    column = column.map((c, i) => (c * rks[i]!) / (k + 1));
  }
  /** row k of the inverse of C's leading block */
  const inverseRow = (size: number, k: number): number[] => {
    const transposed = Array.from({ length: size }, (_, j) => columns[j]!.slice(0, size));
    return solve(
      transposed,
      Array.from({ length: size }, (_, j) => (j === k ? 1 : 0)),
    );
  };
  const weigh = (size: number, inner: number): number[] => {
    const sums = Array.from({ length: inner }, () => 0);
    for (let k = 0; k < inner; k++) {
      const row = inverseRow(size, k);
      for (let j = 0; j < inner; j++) sums[j] = sums[j]! + phis[k + 1]! * row[j]!;
    }
    return sums;
  };
  const scale = (y: number, k: number): number => (-alpha * y) / rks[k]!;
  const predictor = order > 1 ? weigh(order - 1, order - 1).map(scale) : [];
  if (!useCorrector) return { predictor, corrector: [] };
  const corrector = weigh(order, order - 1).map(scale);
  // The reference takes the newest difference's weight from the last row but one.
  const row = inverseRow(order, Math.max(order - 2, 0));
  corrector.push(-alpha * phis[order]! * row[order - 1]!);
  return { predictor, corrector };
}

/** Gaussian elimination with pivoting, for the few equations of one step */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const n = rows.length;
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) {
      if (Math.abs(rows[r]![c]!) > Math.abs(rows[pivot]![c]!)) pivot = r;
    }
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    for (let r = c + 1; r < n; r++) {
      const factor = rows[r]![c]! / rows[c]![c]!;
      for (let k = c; k <= n; k++) rows[r]![k] = rows[r]![k]! - factor * rows[c]![k]!;
    }
  }
  const out = Array.from({ length: n }, () => 0);
  for (let r = n - 1; r >= 0; r--) {
    let value = rows[r]![n]!;
    for (let k = r + 1; k < n; k++) value -= rows[r]![k]! * out[k]!;
    out[r] = value / rows[r]![r]!;
  }
  return out;
}
