import { kindOf } from '../engine/request/cost.ts';
import type { AskedRows, GenerateResult } from '../engine/result.ts';

/** One measured generation, from which costs and waits are estimated. */
export type Measurement = {
  model: string;
  /** of the order (engine/request/cost.ts); absent in rows of older versions: plain */
  kind?: string;
  pixels: number;
  images: number;
  /** network evaluations were guided (two a step) */
  guided: boolean;
  steps: number;
  /** of one evaluation of the network */
  stepSeconds: number;
  /** what went through the networks, and the seconds of all steps; absent in rows of older versions */
  work?: AskedRows & { seconds: number };
  /** everything but the steps: encode, decode, store */
  fixedSeconds: number;
  /** a model was loaded in this run: the figures count only until the model was measured warm */
  cold?: boolean;
};

/** A step this many times as long as the usual one paid for something else: compilation, memory, a busy machine. */
const OUTLIER = 2;

/**
 * The figures of one finished generation. Steps that are far longer than the median count as that one: the first ones
 * after a load pay for compilation and allocation. `storeSeconds`: writing the pictures.
 */
export function measurementOf(result: GenerateResult, storeSeconds: number): Measurement {
  const { request, timings } = result;
  const { steps_ms: steps, asked } = timings;
  const fixed = (timings.total_ms - timings.load_ms - sum(steps)) / 1000;
  // Steps of a run that shared its evaluations took as long as everybody's rows together.
  const others = timings.others_ms ?? 0;
  const usual = median(steps);
  // The steps of a second pass are longer because it is larger.
  const isEven = !request.hires;
  const all = sum(steps.map((ms) => (isEven && ms > OUTLIER * usual ? usual : ms))) / 1000;
  const sampling = Math.max(0, all - others / 1000);
  const evaluations = asked?.evaluations ?? steps.length;
  return {
    model: request.model,
    kind: kindOf(request),
    pixels: request.width * request.height,
    images: request.count,
    guided: request.guidanceScale !== 1,
    steps: steps.length,
    stepSeconds: evaluations > 0 ? sampling / evaluations : 0,
    ...(asked && { work: { ...asked, seconds: sampling } }),
    fixedSeconds: Math.max(0, fixed) + storeSeconds,
    // Neither the first run of a model, nor one that goes on where another was cut short, nor one among others is like
    // all others.
    cold: timings.load_ms > 1 || timings.resumed_steps !== undefined || others > 0,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Middle value; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
