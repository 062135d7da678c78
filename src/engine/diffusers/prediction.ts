import { sum2 } from '../samplers/linear.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import { choice, flag, numberOption, type SchedulerConfig } from './config.ts';

/** What the network's output says about x0 and ε, and how far x̂0 may reach. */

export const PREDICTION_TYPES = ['epsilon', 'v_prediction', 'sample', 'flow_prediction'] as const;
export type PredictionType = (typeof PREDICTION_TYPES)[number];

/** What the network answers with, by the scheduler's config: epsilon, v or x0. */
export function predictionType(config: SchedulerConfig): PredictionType {
  return choice(config, 'prediction_type', PREDICTION_TYPES, 'epsilon', {
    original_sample: 'sample',
  });
}

/** x̂0 of x = alpha x0 + sigma n */
export function toX0(
  type: PredictionType,
  output: Float32Array,
  x: Float32Array,
  alpha: number,
  sigma: number,
): Float32Array {
  switch (type) {
    case 'epsilon':
      return sum2(1 / alpha, x, -sigma / alpha, output);
    case 'v_prediction':
      return sum2(alpha, x, -sigma, output);
    case 'flow_prediction':
      return sum2(1, x, -sigma, output);
    case 'sample':
      return output;
  }
}

/** ε of x = alpha x0 + sigma n */
export function toEpsilon(
  type: PredictionType,
  output: Float32Array,
  x: Float32Array,
  alpha: number,
  sigma: number,
): Float32Array {
  switch (type) {
    case 'epsilon':
      return output;
    case 'v_prediction':
      return sum2(alpha, output, sigma, x);
    case 'sample':
    case 'flow_prediction':
      return sum2(1 / sigma, x, -alpha / sigma, toX0(type, output, x, alpha, sigma));
  }
}

/** x̂0 in sigma space, x = x0 + sigma n */
export function toX0InSigma(
  type: PredictionType,
  output: Float32Array,
  x: Float32Array,
  sigma: number,
): Float32Array {
  if (type === 'sample') return output;
  if (type !== 'v_prediction') return sum2(1, x, -sigma, output);
  const variance = sigma * sigma + 1;
  return sum2(-sigma / Math.sqrt(variance), output, 1 / variance, x);
}

/**
 * The limit a config puts on x̂0: dynamic thresholding (Saharia et al., Imagen, 2022, section 2.3) or clipping;
 * null where it puts none.
 * @param clipDefault whether the class clips when its config does not say
 */
export function limiter(
  config: SchedulerConfig,
  shape: LatentShape,
  clipDefault: boolean | null,
): ((x0: Float32Array) => Float32Array) | null {
  if (flag(config, 'thresholding', false)) {
    const ratio = numberOption(config, 'dynamic_thresholding_ratio', 0.995);
    const most = numberOption(config, 'sample_max_value', 1);
    return (x0) => threshold(x0, shape[0], ratio, most);
  }
  if (clipDefault === null || !flag(config, 'clip_sample', clipDefault)) return null;
  const range = numberOption(config, 'clip_sample_range', 1);
  return (x0) => x0.map((v) => Math.min(Math.max(v, -range), range));
}

function threshold(x0: Float32Array, batch: number, ratio: number, most: number): Float32Array {
  const size = x0.length / batch;
  const out = new Float32Array(x0.length);
  for (let at = 0; at < x0.length; at += size) {
    const sorted = x0
      .slice(at, at + size)
      .map(Math.abs)
      .sort();
    const position = ratio * (size - 1);
    const low = Math.floor(position);
    const high = Math.min(low + 1, size - 1);
    const quantile = sorted[low]! + (position - low) * (sorted[high]! - sorted[low]!);
    const s = Math.min(Math.max(quantile, 1), most);
    for (let i = at; i < at + size; i++) out[i] = Math.min(Math.max(x0[i]!, -s), s) / s;
  }
  return out;
}
