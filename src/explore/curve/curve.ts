import { setImmediate as turn } from 'node:timers/promises';
import type { SamplerName } from '../../engine/names.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { latentDistance, psnr, type Rgb, rmse, ssim } from './measures.ts';
import type { Said } from '../../engine/said.ts';
import { sayOfSheet } from '../sentences.ts';

/** One finished picture, as the curve needs it. */
export type Shot = {
  steps: number;
  /** text, network and VAE; without loading the model and what else the machine did (pace.ts) */
  seconds: number;
  pixels: Rgb;
  /** null where they were not kept */
  latents: Float32Array | null;
};

export type CurvePoint = {
  steps: number;
  seconds: number;
  /** to the reference, see measures.ts */
  latentDistance: number | null;
  rmse: number;
  psnr: number;
  ssim: number;
};

/**
 * What more steps do to one sampler.
 *   ode        solves the probability flow ODE: with the same noise all step counts head for one picture
 *   sde        adds noise, read from one Brownian path: heads for one picture too, but slowly (strong order <= 1)
 *   ancestral  draws new noise in each step: another number of steps is another picture, and there is no limit
 */
export type Convergence = 'ode' | 'sde' | 'ancestral';

export type CurveLine = {
  label: string;
  convergence: Convergence;
  /** by steps, the reference last */
  points: readonly CurvePoint[];
  knee: CurvePoint | null;
};

/** Above this two pictures are the same to the eye: usual for "visually lossless" in SSIM. */
export const SAME_SSIM = 0.98;

const SDE: ReadonlySet<SamplerName> = new Set<SamplerName>([
  'dpmpp_sde',
  'dpmpp_2m_sde',
  'dpmpp_2m_sde_heun',
  'dpmpp_3m_sde',
]);
/** Draw fresh noise unless their eta is 0. */
const ANCESTRAL: ReadonlySet<SamplerName> = new Set<SamplerName>([
  'euler_a',
  'dpm2_a',
  'dpmpp_2s_a',
  'dpm_fast',
  'dpm_adaptive',
  'ddpm',
  'lcm',
  'tcd',
]);

/**
 * Whether more steps lead a sampler to one picture: always (ode), for one seed of noise (sde), or never (ancestral).
 */
export function convergenceOf({
  sampler,
  eta,
}: Pick<GenerateRequest, 'sampler' | 'eta'>): Convergence {
  if (sampler === null || sampler === 'restart') return sampler === null ? 'ode' : 'ancestral';
  if (SDE.has(sampler)) return eta === 0 ? 'ode' : 'sde';
  if (sampler === 'ddim') return eta === null || eta === 0 ? 'ode' : 'ancestral';
  if (!ANCESTRAL.has(sampler)) return 'ode';
  const drawsAlways = sampler === 'ddpm' || sampler === 'lcm';
  return eta === 0 && !drawsAlways ? 'ode' : 'ancestral';
}

/**
 * Distances of every shot to the one with the most steps: the nearest to the converged picture that was painted.
 * The reference's own point has distance 0 by definition.
 * @throws Error without a picture
 */
export async function measureLine(
  label: string,
  convergence: Convergence,
  shots: readonly Shot[],
): Promise<CurveLine> {
  const sorted = shots.toSorted((a, b) => a.steps - b.steps);
  const reference = sorted.at(-1);
  if (reference === undefined) throw new Error('a curve needs a picture');
  const points: CurvePoint[] = [];
  for (const shot of sorted) {
    // SSIM takes its milliseconds: others on this thread get their turn in between.
    await turn();
    points.push(measure(shot, reference));
  }
  return { label, convergence, points, knee: findKnee(convergence, points) };
}

function measure(shot: Shot, reference: Shot): CurvePoint {
  const { steps, seconds, pixels, latents } = shot;
  return {
    steps,
    seconds,
    latentDistance:
      latents === null || reference.latents === null
        ? null
        : latentDistance(latents, reference.latents),
    rmse: rmse(pixels, reference.pixels),
    psnr: psnr(pixels, reference.pixels),
    ssim: ssim(pixels, reference.pixels),
  };
}

/**
 * The fewest painted steps from which on every painted picture looks like the reference (SSIM >= 0.98). Nothing
 * is interpolated: between two painted step counts nobody has looked. null when only the reference itself
 * qualifies, and for ancestral samplers, which have no picture to arrive at.
 */
export function findKnee(
  convergence: Convergence,
  points: readonly CurvePoint[],
): CurvePoint | null {
  if (convergence === 'ancestral') return null;
  let knee: CurvePoint | null = null;
  for (const point of points.slice(0, -1).toReversed()) {
    if (point.ssim < SAME_SSIM) break;
    knee = point;
  }
  return knee;
}

/** One sentence a line. */
export function kneeWords(line: CurveLine): string {
  return kneeSentence(line).words;
}

/** What a line says in words: from how many steps on nothing changes. @throws Error for a line without points */
export function kneeSentence({ label, convergence, points, knee }: CurveLine): Said {
  const last = points.at(-1);
  if (last === undefined) throw new Error('a curve needs a point');
  if (points.length < 2) return sayOfSheet('no-curve', label);
  if (convergence === 'ancestral') return sayOfSheet('never-arrives', label);
  const slow = convergence === 'sde';
  if (knee === null) {
    const code = slow ? 'still-changes-slowly' : 'still-changes';
    return sayOfSheet(code, label, last.steps, points.at(-2)?.steps ?? last.steps);
  }
  const alike = points.filter(({ steps }) => steps >= knee.steps && steps < last.steps);
  return sayOfSheet(
    slow ? 'knee-slowly' : 'knee',
    label,
    knee.steps,
    secondsWords(knee.seconds),
    last.steps,
    secondsWords(last.seconds),
    points.findLast(({ steps }) => steps < knee.steps)?.steps ?? null,
    // How many pictures say so beside the reference.
    alike.length,
  );
}

/** Writes seconds with two decimal places below 1, one below 10, none above. */
export function secondsWords(seconds: number): string {
  if (seconds >= 10) return `${Math.round(seconds)} s`;
  return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
}
