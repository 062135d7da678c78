import type { SamplerName } from '../../engine/names.ts';
import type { GenerateRequest, GenerateResult } from '../../engine/request.ts';
import type { Measurement } from '../job.ts';

/** What a job asks of the machine. */
export type Work = {
  model: string;
  pixels: number;
  images: number;
  guided: boolean;
  /** network evaluations per image, guidance not counted */
  evaluations: number;
};

/** These ask the network twice a step; every other sampler once. */
const TWO_EVALUATIONS: ReadonlySet<SamplerName> = new Set([
  'heun',
  'dpm2',
  'dpm2_a',
  'dpmpp_2s_a',
  'dpmpp_sde',
  'restart',
]);

/** Samples kept per model, and how many of them (of one size) a figure is the median of. */
export const SAMPLES_PER_MODEL = 32;
const MEDIAN_OF = 9;

/** Seconds per evaluation, megapixel and image that fairness assumes before anything was measured. */
const PRIOR_RATE = 1;

/** Fairness divides by costs: none may be nothing. */
const LEAST_COST = 0.001;

export function workOf(request: GenerateRequest): Work {
  const share = request.init === null ? 1 : request.init.strength;
  return {
    model: request.model,
    pixels: request.width * request.height,
    images: request.count,
    guided: request.guidanceScale !== 1,
    evaluations: Math.ceil(
      Math.max(1, Math.ceil(request.steps * share)) * evaluationsPerStep(request),
    ),
  };
}

/** Perturbed attention asks one question more, beside one or two. */
function evaluationsPerStep({ sampler, guidanceScale, pagScale }: GenerateRequest): number {
  const asked = sampler !== null && TWO_EVALUATIONS.has(sampler) ? 2 : 1;
  if (!pagScale) return asked;
  return asked * (guidanceScale === 1 ? 2 : 1.5);
}

/**
 * The figures of one finished generation. The step time is the median of its steps (the first steps after a load
 * pay for compilation and allocation) and is given per network evaluation. `storeSeconds`: writing the pictures.
 */
export function measurementOf(result: GenerateResult, storeSeconds: number): Measurement {
  const { request, timings } = result;
  const steps = timings.steps_ms.length;
  const sampling = timings.steps_ms.reduce((sum, step) => sum + step, 0);
  const fixed = (timings.total_ms - timings.load_ms - sampling) / 1000;
  return {
    model: request.model,
    pixels: request.width * request.height,
    images: request.count,
    guided: request.guidanceScale !== 1,
    steps,
    stepSeconds: median(timings.steps_ms) / 1000 / evaluationsPerStep(request),
    fixedSeconds: Math.max(0, fixed) + storeSeconds,
    // Neither the first run of a model nor one that goes on where another was cut short is like all others.
    cold: timings.load_ms > 1 || timings.resumed_steps !== undefined,
  };
}

export type Estimator = {
  add(measurement: Measurement): void;
  /** Seconds for this work; null until its model was measured. */
  seconds(work: Work): number | null;
  /** What fairness charges, > 0: the measured seconds, else those of the other models, else a prior. */
  cost(work: Work): number;
  /** Something was measured on this machine: costs are seconds, not a prior. */
  measured(): boolean;
};

/**
 * Estimates from the last measurements: medians, so that one slow run changes nothing, and of the size nearest to
 * the asked one, so that a size seen before is not scaled from another. Samples of the other guidance mode serve
 * with factor 2.
 */
export function createEstimator(measurements: Iterable<Measurement> = []): Estimator {
  const byModel = new Map<string, Measurement[]>();
  const known = new Map<string, number | null>();

  function add(measurement: Measurement): void {
    if (!usable(measurement)) return;
    const samples = byModel.get(measurement.model) ?? [];
    samples.push(measurement);
    if (samples.length > SAMPLES_PER_MODEL) samples.shift();
    byModel.set(measurement.model, samples);
    known.clear();
  }

  function seconds(work: Work): number | null {
    const { model, pixels, images, guided, evaluations } = work;
    const key = `${model}\n${pixels} ${images} ${guided} ${evaluations}`;
    let value = known.get(key);
    if (value === undefined) {
      value = fromSamples(byModel.get(model) ?? [], work);
      known.set(key, value);
    }
    return value;
  }

  function cost(work: Work): number {
    const own = seconds(work);
    if (own !== null) return Math.max(LEAST_COST, own);
    const others = [...byModel.keys()]
      .map((model) => seconds({ ...work, model }))
      .filter((value) => value !== null);
    const value =
      others.length > 0
        ? median(others)
        : PRIOR_RATE * work.evaluations * size(work) * (work.guided ? 2 : 1);
    return Math.max(LEAST_COST, value);
  }

  for (const measurement of measurements) add(measurement);
  return { add, seconds, cost, measured: () => byModel.size > 0 };
}

function usable({ pixels, images, steps, stepSeconds, fixedSeconds }: Measurement): boolean {
  return (
    [pixels, images, steps, stepSeconds].every((value) => Number.isFinite(value) && value > 0) &&
    Number.isFinite(fixedSeconds) &&
    fixedSeconds >= 0
  );
}

function fromSamples(all: readonly Measurement[], work: Work): number | null {
  const warm = all.filter(({ cold }) => cold !== true);
  const temperate = warm.length > 0 ? warm : all;
  const same = temperate.filter(({ guided }) => guided === work.guided);
  const samples = same.length > 0 ? same : temperate;
  const factor = same.length > 0 ? 1 : work.guided ? 2 : 0.5;
  const distance = (sample: Measurement) => Math.abs(Math.log(size(sample) / size(work)));
  const nearest = Math.min(...samples.map(distance));
  const chosen = samples.filter((sample) => distance(sample) === nearest).slice(-MEDIAN_OF);
  if (chosen.length === 0) return null;
  const rate = median(chosen.map((sample) => sample.stepSeconds / size(sample)));
  const fixedRate = median(chosen.map((sample) => sample.fixedSeconds / size(sample)));
  return size(work) * (rate * factor * work.evaluations + fixedRate);
}

/** Megapixels of the whole batch. */
function size({ pixels, images }: { pixels: number; images: number }): number {
  return (pixels * images) / 1e6;
}

/** Middle value; 0 of nothing. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
