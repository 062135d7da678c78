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

/** Makes the measurement that a calibration begins with. */
export function nothingMeasured(): Measured {
  return { scores: {}, ms: 0, steps: 0 };
}

/** Steps of one picture, and milliseconds of the machine. */
export type Budget = { steps: number; ms: number };

/** With a budget so many pairs are measured, one a prompt: the most demanding of them decides. */
const BUDGET_PAIRS = PROMPTS.length;

/** A timer takes no more. */
const LONGEST_MS = 2 ** 31 - 1;

class SpentError extends Error {}

export type CalibrationHooks = {
  signal?: AbortSignal;
  /** pairs done so far, and steps found so far: what the demanding ones need, then what all take on average */
  onProgress?: (done: number, all: number, steps: number) => void;
  /** goes on from here; what is measured is added to it */
  measured?: Measured;
  /** of the 16, for tests */
  pairs?: number;
  /** the most that may be spent, what was measured before included; absent: as much as it takes */
  budget?: Budget;
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
  const { budget } = hooks;
  const all = PROMPTS.flatMap((prompt, at) =>
    Array.from({ length: SEEDS }, (_, seed) => ({
      ...base,
      prompt,
      seed: BigInt(FIRST_SEED + at * SEEDS + seed),
    })),
  );
  const chosen =
    budget === undefined
      ? all
      : all.filter((_, index) => index % SEEDS === 0).slice(0, BUDGET_PAIRS);
  const pairs = chosen
    .slice(0, hooks.pairs)
    .map((request) => openPair(engine, request, measured, hooks));
  const needs: number[] = [];
  let found: { steps: number; still: number | null } | null = null;
  try {
    for (const pair of pairs) {
      needs.push(await needOf(pair, calibratedSteps(needs, pairs.length)));
      const steps = calibratedSteps(needs, pairs.length);
      hooks.onProgress?.(needs.length, pairs.length, steps);
    }
    found = { steps: calibratedSteps(needs, pairs.length), still: null };
    found = await replanned(pairs, found.steps, (mean) =>
      hooks.onProgress?.(pairs.length, pairs.length, Math.round(mean)),
    );
  } catch (error) {
    // What was found before the budget was spent holds; half of the pairs say nothing.
    if (!(error instanceof SpentError)) throw error;
  }
  const { steps, still } = found ?? { steps: FULL_STEPS, still: null };
  return {
    hash: model.hash,
    model: model.name,
    ...wanted,
    guidanceScale: base.guidanceScale,
    steps,
    still,
    needs,
    secondsPerStep: measured.ms / Math.max(1, measured.steps) / 1000,
    at: Date.now(),
    ...(found === null && { gaveUp: true }),
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
  { signal, budget }: Pick<CalibrationHooks, 'signal' | 'budget'>,
): Pair {
  let full: Rgb | null = null;
  const paint = async (change: Partial<GenerateRequest>) => {
    const planned = { ...request, ...change };
    const left = budget && remaining(budget, measured);
    if (left && (planned.steps > left.steps || left.ms <= 0)) throw new SpentError();
    const clock = left && AbortSignal.timeout(Math.min(LONGEST_MS, Math.ceil(left.ms)));
    const signals = [signal, clock].filter((one) => one !== undefined);
    const began = performance.now();
    const { images, timings } = await engine
      .generate(planned, {
        previews: false,
        ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
      })
      .catch((error: unknown) => {
        if (clock?.aborted !== true || signal?.aborted === true) throw error;
        measured.ms += performance.now() - began;
        throw new SpentError();
      });
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

/** What the budget still allows; a step costs what steps have cost. */
function remaining({ steps, ms }: Budget, measured: Measured): Budget {
  return { steps: steps - measured.steps, ms: ms - measured.ms };
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
