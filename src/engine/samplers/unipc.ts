import { linspace32 } from '../sampling/float32.ts';
import type { NoisePredictor, TimestepOptions } from './ddim.ts';
import { unipcUpdate } from './kernels.ts';
import { scaled, sum2 } from './linear.ts';
import type { Sampler } from './sampler.ts';
import { bhFactors, varyingFactors } from './unipc-factors.ts';

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

function timestepAt({ count }: Process, t: number): number {
  return f(f(t - f(1 / count)) * 1000);
}

/** Where sampleUniPc evaluates: at every time but the last. */
export function uniPcAsks(
  steps: number,
  alphasCumprod: Float32Array,
  { start = 1, skipType = 'time_uniform' }: Pick<UniPcOptions, 'start' | 'skipType'>,
): number[] {
  const process = processOf(alphasCumprod);
  return times(process, steps, start, skipType)
    .slice(0, -1)
    .map((t) => timestepAt(process, t));
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
    const eps = await predict(at, timestepAt(process, t));
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
    const answers = history.map(({ x0 }) => x0);
    const predicted = unipcUpdate(x, rule, rule.predictor, answers, null);
    let newest = history[0]!.x0;
    if (useCorrector) {
      newest = await model(predicted, t);
      x = unipcUpdate(x, rule, rule.corrector, answers, newest);
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
