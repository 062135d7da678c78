import type { Engine } from '../../engine/engine.ts';
import type { SamplerName, ScheduleName } from '../../engine/names.ts';
import { parseRequest } from '../../engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../engine/request.ts';
import { type Calibration, FULL_STEPS, replanRule } from './calibration.ts';
import { convergenceOf, SAME_SSIM } from '../curve/curve.ts';
import { type Rgb, ssim } from '../curve/measures.ts';
import { toRgb } from '../sheet/run-sheet.ts';

const LADDER = [6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30, 35, 40, 45, FULL_STEPS];
/** Movement of x̂0 over a whole schedule below which the rest is taken in fewer steps: the bold ones first. */
const STILL = [4, 3, 2.2, 1.6, 1.2];
/** Step counts that are tried as a beginning for re-planning: with more to begin with, more can be left out. */
const BASES = 3;
/** One pair of so many may need more than the calibrated number. */
const OUTLIER_OF = 16;
const SEEDS = 4;
const FIRST_SEED = 4000;

const PROMPTS = [
  'a red heart on a meadow',
  'a blue fish in the sea',
  'an owl at night',
  'a house in the snow at sunset',
];

/** What was measured before an interruption; plain data, filled while it goes on. */
export type Measured = {
  /** SSIM to the full picture, and the steps that were taken */
  scores: Record<string, readonly [ssim: number, taken: number]>;
  ms: number;
  steps: number;
};

export function nothingMeasured(): Measured {
  return { scores: {}, ms: 0, steps: 0 };
}

export type CalibrationHooks = {
  signal?: AbortSignal;
  /** pairs done so far, and steps found so far: what the demanding ones need, then what all take on average */
  onProgress?: (done: number, all: number, steps: number) => void;
  /** goes on from here; what is measured is added to it */
  measured?: Measured;
  /** of the 16, for tests */
  pairs?: number;
};

/**
 * 16 prompt and seed pairs, one picture at a time, so that whoever waits for the engine waits for one step of one
 * picture only. null for a sampler that adds noise.
 * @throws CancelledError when the signal fires; `hooks.measured` holds what was found until then
 */
export async function calibrate(
  engine: Engine,
  model: ModelInfo,
  wanted: { sampler: SamplerName; schedule: ScheduleName },
  hooks: CalibrationHooks = {},
): Promise<Calibration | null> {
  const input: RequestInput = { ...wanted, model: model.name };
  const base = parseRequest({ ...input, prompt: '', seed: 0n }, model);
  if (convergenceOf(base) !== 'ode') return null;
  const measured = hooks.measured ?? nothingMeasured();
  const pairs = PROMPTS.flatMap((prompt, at) =>
    Array.from({ length: SEEDS }, (_, seed) => ({
      ...base,
      prompt,
      seed: BigInt(FIRST_SEED + at * SEEDS + seed),
    })),
  )
    .slice(0, hooks.pairs)
    .map((request) => openPair(engine, request, measured, hooks.signal));
  const needs: number[] = [];
  for (const pair of pairs) {
    needs.push(await needOf(pair, calibratedSteps(needs, pairs.length)));
    const steps = calibratedSteps(needs, pairs.length);
    hooks.onProgress?.(needs.length, pairs.length, steps);
  }
  const upFront = calibratedSteps(needs, pairs.length);
  const { steps, still } = await replanned(pairs, upFront, (mean) =>
    hooks.onProgress?.(pairs.length, pairs.length, Math.round(mean)),
  );
  return {
    hash: model.hash,
    model: model.name,
    ...wanted,
    guidanceScale: base.guidanceScale,
    steps,
    still,
    needs,
    secondsPerStep: measured.ms / measured.steps / 1000,
  };
}

/** Answers how alike the picture with these steps is to the full one, painting what it does not know yet. */
type Pair = (
  change: Pick<GenerateRequest, 'steps' | 'replan'>,
) => Promise<readonly [ssim: number, taken: number]>;

function openPair(
  engine: Engine,
  request: GenerateRequest,
  measured: Measured,
  signal: AbortSignal | undefined,
): Pair {
  let full: Rgb | null = null;
  const paint = async (change: Partial<GenerateRequest>) => {
    const options = { previews: false, ...(signal === undefined ? {} : { signal }) };
    const { images, timings } = await engine.generate({ ...request, ...change }, options);
    measured.ms += timings.steps_ms.reduce((sum, step) => sum + step, 0);
    measured.steps += timings.steps_ms.length;
    return { pixels: await toRgb(images[0]!.png), taken: timings.steps_ms.length };
  };
  return async (change) => {
    const key = `${request.seed} ${change.steps} ${JSON.stringify(change.replan ?? null)}`;
    let score = measured.scores[key];
    if (score === undefined) {
      full ??= (await paint({ steps: FULL_STEPS })).pixels;
      const { pixels, taken } = await paint(change);
      score = [ssim(pixels, full), taken];
      measured.scores[key] = score;
    }
    return score;
  };
}

/** Climbs the ladder from `from`: whether fewer steps do as well would not change the answer. */
async function needOf(pair: Pair, from: number): Promise<number> {
  for (const steps of LADDER) {
    if (steps < from) continue;
    if (steps === FULL_STEPS || (await pair({ steps }))[0] >= SAME_SSIM) return steps;
  }
  return FULL_STEPS;
}

function calibratedSteps(needs: readonly number[], of: number): number {
  return needs.toSorted((a, b) => b - a)[outliers(of)] ?? LADDER[0]!;
}

function outliers(of: number): number {
  return Math.floor(of / OUTLIER_OF);
}

/**
 * The beginning and the stillness of x̂0 with which the pairs take the fewest steps on average, while no more of them
 * than a chosen number up front allows look different from their full picture. `still` null: nothing beats that number.
 */
async function replanned(
  pairs: readonly Pair[],
  upFront: number,
  onBetter: (mean: number) => void,
): Promise<{ steps: number; still: number | null }> {
  let best: { steps: number; still: number | null } = { steps: upFront, still: null };
  let mean = upFront;
  // A sampler that cannot follow takes all its steps however still x̂0 is.
  const probe = await pairs[0]?.({ steps: upFront, replan: replanRule(1) });
  if (probe === undefined || probe[1] >= upFront) return best;
  for (const steps of LADDER.filter((rung) => rung >= upFront).slice(0, BASES)) {
    let bolder = false;
    for (const over of STILL) {
      const still = over / steps;
      const own = await meanOf(pairs, { steps, replan: replanRule(still) });
      const holds = own !== null;
      // What only just holds for these pairs fails for others: the next more careful one is taken.
      if (holds && bolder && own < mean) {
        best = { steps, still };
        mean = own;
        onBetter(mean);
      }
      if (holds && bolder) break;
      bolder = holds;
    }
  }
  return best;
}

/** Steps taken on average; null when too many pairs look different. */
async function meanOf(
  pairs: readonly Pair[],
  change: Pick<GenerateRequest, 'steps' | 'replan'>,
): Promise<number | null> {
  let failed = 0;
  let sum = 0;
  for (const pair of pairs) {
    const [score, taken] = await pair(change);
    if (score < SAME_SSIM) failed++;
    sum += taken;
    if (failed > outliers(pairs.length)) return null;
  }
  return sum / pairs.length;
}
