import type { SamplerName, ScheduleName } from '../../engine/names.ts';
import type { GenerateRequest, ModelInfo, Replan } from '../../engine/request.ts';
import { convergenceOf } from '../curve/curve.ts';
import { isMadeForFew } from './few-steps.ts';

/**
 * How many steps one model, sampler and schedule need on this machine until more would change nothing you see.
 * Measured once: for each of 16 prompt and seed pairs the fewest steps of a ladder whose picture has SSIM >= 0.98
 * to the 50-step picture; the calibrated number is the largest of them but one, so that a single odd pair does
 * not decide for all. Most pictures need fewer than the demanding ones: where x̂0 has stopped moving, a run goes on
 * in fewer steps, and how still it has to be is measured on the same pairs (calibrate.ts). Limits: it holds for text-to-image near the model's own size and guidance scale; another
 * prompt can need more (bench/engine/auto-steps.ts counts how often). Samplers that draw new noise in every step have no
 * picture to arrive at, and those that read it from one path are not there at 50 steps (40 steps that held for the 16
 * pairs of dpmpp_2m_sde held for 47 of 64 others): neither is ever calibrated.
 */
export type Calibration = {
  /** of the denoiser: new weights need a new calibration */
  hash: string;
  model: string;
  sampler: SamplerName;
  schedule: ScheduleName;
  guidanceScale: number;
  steps: number;
  /** movement of x̂0 in one step below which the rest is taken in fewer (see Replan); null: never */
  still: number | null;
  /** what each pair needed, in the order of the pairs */
  needs: readonly number[];
  /** one step of one picture at the model's own size */
  secondsPerStep: number;
  /** milliseconds since 1970 when it was measured; absent: an older version measured it */
  at?: number;
  /** nothing was found within the steps and time that may be spent on it: it is not tried again */
  gaveUp?: boolean;
};

/** What auto steps are measured against. */
export const FULL_STEPS = 50;

/** The share that is left of the remaining steps where x̂0 has stopped moving. */
const REST = 0.4;

/** What is re-planned once x̂0 moves by less than `still` (a share of x̂0, RMS). */
export function replanRule(still: number): Replan {
  return { still, share: REST };
}

/** Why a request keeps the model's own number; `few`: it was made for that many, `idle`: it is measured once nobody waits. */
export const AUTO_REASONS = ['init', 'ancestral', 'sde', 'few', 'uncalibrated', 'idle'] as const;
export type AutoReason = (typeof AUTO_REASONS)[number];

/** What `steps: auto` means for a request. */
export type AutoSteps = {
  /** at most */
  steps: number;
  replan: Replan | null;
  /** of the whole order's pictures at their size; null: not calibrated */
  secondsPerStep: number | null;
  /** null: the number is a calibrated one */
  why: AutoReason | null;
};

/**
 * How few steps a request needs by what was measured of its model here; the model's own number, and why, where nothing
 * was.
 */
export function autoSteps(
  request: GenerateRequest,
  model: ModelInfo,
  calibrations: readonly Calibration[],
): AutoSteps {
  const keep = (why: AutoReason): AutoSteps => ({
    steps: model.defaults.steps,
    replan: null,
    secondsPerStep: null,
    why,
  });
  if (request.init !== null) return keep('init');
  const convergence = convergenceOf(request);
  if (convergence !== 'ode') return keep(convergence);
  const found = calibrations.find(
    (one) =>
      one.gaveUp !== true &&
      one.hash === model.hash &&
      one.sampler === request.sampler &&
      one.schedule === request.schedule,
  );
  if (found === undefined) return keep(isMadeForFew(model) ? 'few' : 'uncalibrated');
  const { width, height } = model.nativeSize;
  const pixels = (request.width * request.height * request.count) / (width * height);
  return {
    steps: found.steps,
    replan:
      found.still === null || request.hires || request.refiner ? null : replanRule(found.still),
    secondsPerStep: found.secondsPerStep * pixels,
    why: null,
  };
}

/** What the steps that were really taken saved against full ones. */
export function savedBy(
  { secondsPerStep }: AutoSteps,
  taken: number,
): { steps: number; seconds: number } | null {
  if (secondsPerStep === null) return null;
  const steps = FULL_STEPS - taken;
  return { steps, seconds: steps * secondsPerStep };
}

/** One sentence for the command line. */
export function autoWords(auto: AutoSteps, taken: number, sampler: string | null): string {
  const usual = `auto: ${auto.steps} steps, the model's own number`;
  switch (auto.why) {
    case 'init':
      return `${usual}; a start picture is not calibrated.`;
    case 'ancestral':
      return `${usual}; ${sampler} draws new noise in every step and never settles.`;
    case 'sde':
      return `${usual}; ${sampler} adds noise along one path, so another number of steps is nearly another picture.`;
    case 'few':
      return `auto: ${auto.steps} steps, which the model was made for.`;
    case 'idle':
    case 'uncalibrated':
      return `${usual}; run "npm run calibrate" once to find the fewest for ${sampler}.`;
    case null: {
      const seconds = (savedBy(auto, taken)?.seconds ?? 0).toFixed(1);
      return `auto: ${taken} steps; ${FULL_STEPS} would look the same and take about ${seconds} s more.`;
    }
  }
}
