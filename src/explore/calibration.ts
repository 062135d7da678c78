import { readFile } from 'node:fs/promises';
import type { Engine } from '../engine/engine.ts';
import { parseRequest } from '../engine/request-codec.ts';
import type { SamplerName, ScheduleName } from '../engine/names.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../engine/request.ts';
import { convergenceOf, SAME_SSIM } from './curve.ts';
import { type Rgb, ssim } from './measures.ts';
import { toRgb } from './run-sheet.ts';

/**
 * How many steps one model, sampler and schedule need on this machine until more would change nothing you see.
 * Measured once: for each of 16 prompt and seed pairs the fewest steps of a ladder whose picture has SSIM >= 0.98
 * to the 50-step picture; the calibrated number is the largest of them but one, so that a single odd pair does
 * not decide for all. Limits: it holds for text-to-image near the model's own size and guidance scale; another
 * prompt can need more (bench/explore.ts counts how often), and samplers that draw new noise in every step have
 * no picture to arrive at, so they are never calibrated.
 */
export type Calibration = {
  /** of the denoiser: new weights need a new calibration */
  hash: string;
  model: string;
  sampler: SamplerName;
  schedule: ScheduleName;
  guidanceScale: number;
  steps: number;
  /** what each pair needed, in the order of the pairs */
  needs: readonly number[];
  /** one step of one picture at the model's own size */
  secondsPerStep: number;
};

/** What auto steps are measured against. */
export const FULL_STEPS = 50;
const LADDER = [6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30, 35, 40, 45, FULL_STEPS];
/** Pairs that may need more than the calibrated number. */
const OUTLIERS = 1;
const BATCH = 4;
const FIRST_SEED = 4000;

const PROMPTS = [
  'a red heart on a meadow',
  'a blue fish in the sea',
  'an owl at night',
  'a house in the snow at sunset',
];

export type CalibrationHooks = {
  signal?: AbortSignal;
  /** pairs done and steps found so far */
  onProgress?: (done: number, all: number, steps: number) => void;
};

/** null for a sampler that does not converge. */
export async function calibrate(
  engine: Engine,
  model: ModelInfo,
  wanted: { sampler: SamplerName; schedule: ScheduleName },
  hooks: CalibrationHooks = {},
): Promise<Calibration | null> {
  const input: RequestInput = { ...wanted, model: model.name, count: BATCH };
  const base = parseRequest({ ...input, prompt: '', seed: 0n }, model);
  if (convergenceOf(base) === 'ancestral') return null;
  const needs: number[] = [];
  let spent = { ms: 0, steps: 0 };
  const paint = async (request: GenerateRequest, steps: number): Promise<Rgb[]> => {
    const { signal } = hooks;
    const options = { previews: false, ...(signal === undefined ? {} : { signal }) };
    const { images, timings } = await engine.generate({ ...request, steps }, options);
    const ms = timings.steps_ms.reduce((sum, step) => sum + step, 0);
    spent = { ms: spent.ms + ms, steps: spent.steps + timings.steps_ms.length * images.length };
    return Promise.all(images.map(({ png }) => toRgb(png)));
  };
  const all = PROMPTS.length * BATCH;
  for (const [index, prompt] of PROMPTS.entries()) {
    const request = { ...base, prompt, seed: BigInt(FIRST_SEED + index * BATCH) };
    const own = await needsOf(request, calibratedSteps(needs), paint);
    needs.push(...own);
    hooks.onProgress?.(needs.length, all, calibratedSteps(needs));
  }
  return {
    hash: model.hash,
    model: model.name,
    sampler: wanted.sampler,
    schedule: wanted.schedule,
    guidanceScale: base.guidanceScale,
    steps: calibratedSteps(needs),
    needs,
    secondsPerStep: spent.ms / spent.steps / 1000,
  };
}

/**
 * Climbs the ladder from `from`: fewer steps than are already needed would not change the answer, so they are not
 * tried. Every picture of the batch gets the rung on which it first looks like the full one.
 */
async function needsOf(
  request: GenerateRequest,
  from: number,
  paint: (request: GenerateRequest, steps: number) => Promise<Rgb[]>,
): Promise<number[]> {
  const full = await paint(request, FULL_STEPS);
  const needs: number[] = full.map(() => 0);
  for (const steps of LADDER.filter((rung) => rung >= from)) {
    const pictures = steps === FULL_STEPS ? full : await paint(request, steps);
    for (const [index, picture] of pictures.entries()) {
      if (needs[index] === 0 && ssim(picture, full[index]!) >= SAME_SSIM) needs[index] = steps;
    }
    if (!needs.includes(0)) break;
  }
  return needs;
}

function calibratedSteps(needs: readonly number[]): number {
  return needs.toSorted((a, b) => b - a)[Math.min(OUTLIERS, needs.length - 1)] ?? LADDER[0]!;
}

/** Why a request keeps the model's own number of steps. */
export const AUTO_REASONS = ['init', 'ancestral', 'uncalibrated'] as const;
export type AutoReason = (typeof AUTO_REASONS)[number];

/** What `steps: auto` means for a request, in numbers and in words. */
export type AutoSteps = {
  steps: number;
  saved: { steps: number; seconds: number } | null;
  /** null: the number is a calibrated one */
  why: AutoReason | null;
  words: string;
};

export function autoSteps(
  request: GenerateRequest,
  model: ModelInfo,
  calibrations: readonly Calibration[],
): AutoSteps {
  const usual = model.defaults.steps;
  const keep = (why: AutoReason, words: string): AutoSteps => ({
    steps: usual,
    saved: null,
    why,
    words,
  });
  if (request.init !== null) {
    return keep(
      'init',
      `auto: ${usual} steps, the model's own number; a start picture is not calibrated.`,
    );
  }
  if (convergenceOf(request) === 'ancestral') {
    return keep(
      'ancestral',
      `auto: ${usual} steps, the model's own number; ${request.sampler} draws new noise in every step and never settles.`,
    );
  }
  const found = calibrations.find(
    (one) =>
      one.hash === model.hash &&
      one.sampler === request.sampler &&
      one.schedule === request.schedule,
  );
  if (found === undefined) {
    return keep(
      'uncalibrated',
      `auto: ${usual} steps, the model's own number; run "npm run calibrate" once to find the fewest for ` +
        `${request.sampler} ${request.schedule}.`,
    );
  }
  const steps = FULL_STEPS - found.steps;
  const { width, height } = model.nativeSize;
  const pixels = (request.width * request.height * request.count) / (width * height);
  const seconds = steps * found.secondsPerStep * pixels;
  return {
    steps: found.steps,
    saved: { steps, seconds },
    why: null,
    words: `auto: ${found.steps} steps; ${FULL_STEPS} would look the same and take about ${seconds.toFixed(1)} s more.`,
  };
}

const VERSION = 1;

/** The calibrations in a file; none when there is no file, or one that another version wrote. */
export async function readCalibrations(file: string): Promise<readonly Calibration[]> {
  try {
    const stored: unknown = JSON.parse(await readFile(file, 'utf8'));
    const { version, calibrations } = stored as { version: unknown; calibrations: unknown };
    return version === VERSION && Array.isArray(calibrations) ? calibrations.filter(isGood) : [];
  } catch {
    return [];
  }
}

function isGood(value: unknown): value is Calibration {
  const one = value as Partial<Calibration> | null;
  return (
    typeof one?.hash === 'string' &&
    typeof one.sampler === 'string' &&
    typeof one.schedule === 'string' &&
    typeof one.secondsPerStep === 'number' &&
    typeof one.steps === 'number' &&
    one.steps >= 1 &&
    one.steps <= FULL_STEPS
  );
}

/** The file's new content: a calibration takes the place of an older one of the same kind. */
export function withCalibration(
  all: readonly Calibration[],
  fresh: Calibration,
): { calibrations: readonly Calibration[]; json: string } {
  const isOther = (one: Calibration): boolean =>
    one.model !== fresh.model || one.sampler !== fresh.sampler || one.schedule !== fresh.schedule;
  const calibrations = [...all.filter(isOther), fresh];
  return { calibrations, json: `${JSON.stringify({ version: VERSION, calibrations }, null, 1)}\n` };
}
