import type { Cost } from '../../engine/request/cost.ts';
import { type Measurement, median } from '../measurement.ts';

/** What a job asks of the machine: the figures of its cost that seconds are made of, and on which model. */
export type Work = Pick<Cost, 'kind' | 'evaluations' | 'rows' | 'rowPixels' | 'vaePixels'> & {
  model: string;
  /** jobs of equal keys may be painted together (engine/sharing.ts); null or absent: alone */
  share?: string | null;
};

/** What is kept of a count for estimates. */
export function workOf(
  model: string,
  { kind, evaluations, rows, rowPixels, vaePixels }: Cost,
): Work {
  return { model, kind, evaluations, rows, rowPixels, vaePixels };
}

/** Samples kept per model, and how many of them (of one size) a figure is the median of. */
export const SAMPLES_PER_MODEL = 32;
const MEDIAN_OF = 9;

/** Seconds per row and megapixel that fairness assumes before anything was measured. */
const PRIOR_RATE = 1;

/** Copies of pictures are measured under names that begin so: no model's seconds say anything of theirs. */
export const COPIES = 'copy: ';
/** Seconds per megapixel of a copy before one was measured. */
const PRIOR_COPY_RATE = 0.3;

/** Fairness divides by costs: none may be nothing. */
const LEAST_COST = 0.001;

export type Estimator = {
  add(measurement: Measurement): void;
  /** Seconds for this work; null until its model was measured. */
  seconds(work: Work): number | null;
  /** What fairness charges, > 0: the measured seconds, else those of the other models, else a prior. */
  cost(work: Work): number;
  /** Something was measured on this machine: costs are seconds, not a prior. */
  measured(): boolean;
  /** Another number whenever costs may be others. */
  revision(): number;
};

/** A measurement as rates: seconds for each megapixel of a row, and of the VAE. */
type Sample = {
  kind: string;
  rate: number;
  fixedRate: number;
  /** megapixels of one evaluation's rows: what the machine has to do at once */
  atOnce: number;
  cold: boolean;
};

/**
 * Estimates from the last measurements: medians, so that one slow run changes nothing, of the kind of order that is
 * asked for, and of the size nearest to it, so that a size seen before is not scaled from another. Other kinds serve
 * until the first of its own was measured, plain ones before all.
 */
export function createEstimator(measurements: Iterable<Measurement> = []): Estimator {
  const byModel = new Map<string, Sample[]>();
  const known = new Map<string, number | null>();
  let revision = 0;

  function add(measurement: Measurement): void {
    const sample = sampleOf(measurement);
    if (sample === null) return;
    const samples = byModel.get(measurement.model) ?? [];
    samples.push(sample);
    if (samples.length > SAMPLES_PER_MODEL) samples.shift();
    byModel.set(measurement.model, samples);
    known.clear();
    revision++;
  }

  function seconds(work: Work): number | null {
    const { model, kind, evaluations, rowPixels, vaePixels } = work;
    const key = `${model}\n${kind}\n${evaluations} ${rowPixels} ${vaePixels}`;
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
    if (work.kind === 'copy') {
      return Math.max(LEAST_COST, PRIOR_COPY_RATE * (work.rowPixels / 1e6));
    }
    const others = painters()
      .map((model) => seconds({ ...work, model }))
      .filter((value) => value !== null);
    const value = others.length > 0 ? median(others) : PRIOR_RATE * (work.rowPixels / 1e6);
    return Math.max(LEAST_COST, value);
  }

  const painters = () => [...byModel.keys()].filter((model) => !model.startsWith(COPIES));

  for (const measurement of measurements) add(measurement);
  return { add, seconds, cost, measured: () => painters().length > 0, revision: () => revision };
}

/** Null for figures that say nothing. Those of older versions know neither kind nor rows. */
function sampleOf(measurement: Measurement): Sample | null {
  const { kind = 'plain', pixels, images, steps, guided, stepSeconds, work } = measurement;
  const atOnce = pixels * images * (guided ? 2 : 1);
  const {
    evaluations = steps,
    rowPixels = atOnce * steps,
    vaePixels = pixels * images,
    seconds = stepSeconds * steps,
  } = work ?? {};
  const sample: Sample = {
    kind,
    rate: seconds / (rowPixels / 1e6),
    fixedRate: measurement.fixedSeconds / (vaePixels / 1e6),
    atOnce: rowPixels / evaluations / 1e6,
    cold: measurement.cold === true,
  };
  const { rate, fixedRate } = sample;
  const isUsable =
    [rate, sample.atOnce].every((value) => Number.isFinite(value) && value > 0) &&
    Number.isFinite(fixedRate) &&
    fixedRate >= 0;
  return isUsable ? sample : null;
}

function fromSamples(all: readonly Sample[], work: Work): number | null {
  const chosen = nearest(warmest(ofKind(all, work.kind)), work);
  if (chosen.length === 0) return null;
  const rate = median(chosen.map((sample) => sample.rate));
  const fixedRate = median(chosen.map((sample) => sample.fixedRate));
  return (work.rowPixels * rate + work.vaePixels * fixedRate) / 1e6;
}

function ofKind(samples: readonly Sample[], wanted: string): readonly Sample[] {
  const own = samples.filter(({ kind }) => kind === wanted);
  if (own.length > 0) return own;
  const plain = samples.filter(({ kind }) => kind === 'plain');
  return plain.length > 0 ? plain : samples;
}

function warmest(samples: readonly Sample[]): readonly Sample[] {
  const warm = samples.filter(({ cold }) => !cold);
  return warm.length > 0 ? warm : samples;
}

function nearest(
  samples: readonly Sample[],
  { rowPixels, evaluations }: Pick<Work, 'rowPixels' | 'evaluations'>,
): readonly Sample[] {
  const asked = rowPixels / Math.max(1, evaluations) / 1e6;
  const distance = ({ atOnce }: Sample) => Math.abs(Math.log(atOnce / Math.max(asked, 1e-6)));
  const least = Math.min(...samples.map(distance));
  return samples.filter((sample) => distance(sample) === least).slice(-MEDIAN_OF);
}
