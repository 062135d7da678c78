import type { Engine } from '../engine/engine.ts';
import type { SamplerName, ScheduleName } from '../engine/names.ts';
import { parseRequest } from '../engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../engine/request.ts';
import { type Calibration, FULL_STEPS, replanRule } from './calibration.ts';
import { convergenceOf, SAME_SSIM } from './curve.ts';
import { type Rgb, ssim } from './measures.ts';
import { toRgb } from './run-sheet.ts';

const LADDER = [6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30, 35, 40, 45, FULL_STEPS];
/** Movement of x̂0 over a whole schedule below which the rest is taken in fewer steps: the bold ones first. */
const STILL = [4, 3, 2.2, 1.6, 1.2];
/** Pairs that may need more than the calibrated number. */
const OUTLIERS = 1;
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
  /** SSIM to the full picture */
  scores: Record<string, number>;
  ms: number;
  steps: number;
};

export function nothingMeasured(): Measured {
  return { scores: {}, ms: 0, steps: 0 };
}

export type CalibrationHooks = {
  signal?: AbortSignal;
  /** pictures judged so far, and steps found so far */
  onProgress?: (done: number, all: number, steps: number) => void;
  /** goes on from here; what is measured is added to it */
  measured?: Measured;
};

/**
 * 16 prompt and seed pairs, one picture at a time, so that whoever waits for the engine waits for one step of one
 * picture only. null for a sampler that does not converge.
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
  if (convergenceOf(base) === 'ancestral') return null;
  const measured = hooks.measured ?? nothingMeasured();
  const pairs = PROMPTS.flatMap((prompt, at) =>
    Array.from({ length: SEEDS }, (_, seed) =>
      openPair(
        engine,
        { ...base, prompt, seed: BigInt(FIRST_SEED + at * SEEDS + seed) },
        measured,
        hooks.signal,
      ),
    ),
  );
  const needs: number[] = [];
  for (const pair of pairs) {
    needs.push(await needOf(pair, calibratedSteps(needs)));
    hooks.onProgress?.(needs.length, 2 * pairs.length, calibratedSteps(needs));
  }
  const steps = calibratedSteps(needs);
  const still = await stillOf(pairs, steps, (done) =>
    hooks.onProgress?.(pairs.length + done, 2 * pairs.length, steps),
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
type Pair = (change: Pick<GenerateRequest, 'steps' | 'replan'>) => Promise<number>;

function openPair(
  engine: Engine,
  request: GenerateRequest,
  measured: Measured,
  signal: AbortSignal | undefined,
): Pair {
  let full: Rgb | null = null;
  const paint = async (change: Partial<GenerateRequest>): Promise<Rgb> => {
    const options = { previews: false, ...(signal === undefined ? {} : { signal }) };
    const { images, timings } = await engine.generate({ ...request, ...change }, options);
    measured.ms += timings.steps_ms.reduce((sum, step) => sum + step, 0);
    measured.steps += timings.steps_ms.length;
    return toRgb(images[0]!.png);
  };
  return async (change) => {
    const key = `${request.seed} ${change.steps} ${JSON.stringify(change.replan ?? null)}`;
    let score = measured.scores[key];
    if (score === undefined) {
      full ??= await paint({ steps: FULL_STEPS });
      score = ssim(await paint(change), full);
      measured.scores[key] = score;
    }
    return score;
  };
}

/** Climbs the ladder from `from`: whether fewer steps do as well would not change the answer. */
async function needOf(pair: Pair, from: number): Promise<number> {
  for (const steps of LADDER) {
    if (steps < from) continue;
    if (steps === FULL_STEPS || (await pair({ steps })) >= SAME_SSIM) return steps;
  }
  return FULL_STEPS;
}

function calibratedSteps(needs: readonly number[]): number {
  return needs.toSorted((a, b) => b - a)[Math.min(OUTLIERS, needs.length - 1)] ?? LADDER[0]!;
}

/** The boldest re-planning under which no more pairs than OUTLIERS look different from their full picture. */
async function stillOf(
  pairs: readonly Pair[],
  steps: number,
  onDone: (done: number) => void,
): Promise<number | null> {
  for (const over of STILL) {
    const still = over / steps;
    let failed = 0;
    for (const [index, pair] of pairs.entries()) {
      if ((await pair({ steps, replan: replanRule(still) })) < SAME_SSIM) failed++;
      if (failed > OUTLIERS) break;
      onDone(index + 1);
    }
    if (failed <= OUTLIERS) return still;
  }
  return null;
}
