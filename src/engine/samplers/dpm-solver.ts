import type { Denoiser } from '../sampling/sampling.ts';
import { linspace32 } from '../sampling/float32.ts';
import { addTo, sum2, sum3, sum3Twice, sum4, type Triple } from './linear.ts';
import { ancestralStep, type SamplerOptions } from './sampler.ts';

/**
 * DPM-Solver in t = -ln σ, for a budget of evaluations (fast) or by error control (adaptive).
 * Lu et al., "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps" (2022);
 * reference k_diffusion/sampling.py, class DPMSolver.
 */

/** The network's word at one point: the derivative is (x - denoised) / sigma, kept apart to save passes over latents. */
type Slope = { denoised: Float32Array; sigma: number };
type SlopeAt = (x: Float32Array, t: number) => Promise<Slope>;
/** the word at a point on the line from x along e, that is at (1 + lean) x - lean e.denoised */
type InnerSlope = Slope & { lean: number };

const f = Math.fround;

/** times and levels are float32, as in the reference: its step control and noise share their rounding */
const sigmaOf = (t: number): number => f(Math.exp(-t));
const timeOf = (sigma: number): number => f(-f(Math.log(f(sigma))));

function slopeOf(denoise: Denoiser): SlopeAt {
  return async (x, t) => ({ denoised: await denoise(x, sigmaOf(t)), sigma: sigmaOf(t) });
}

/** x + gain e, e taken at x itself */
function along(x: Float32Array, gain: number, e: Slope): Float32Array {
  return sum2(1 + gain / e.sigma, x, -gain / e.sigma, e.denoised);
}

/** x + gain e + gain1 e1 by the factors of x, e.denoised and e1.denoised */
function factors(gain: number, e: Slope, gain1: number, e1: InnerSlope): Triple {
  const [a, b] = [gain / e.sigma, gain1 / e1.sigma];
  return [1 + a + b * (1 + e1.lean), -a - b * e1.lean, -b];
}

function combine3([a, b, c]: Triple, x: Float32Array, e: Slope, e1: Slope): Float32Array {
  return sum3(a, x, b, e.denoised, c, e1.denoised);
}

function order1(x: Float32Array, t: number, next: number, e: Slope): Float32Array {
  return along(x, -sigmaOf(next) * Math.expm1(next - t), e);
}

/** the inner evaluation of orders 2 and 3 at t + r (next - t), which both may share */
async function inner(
  slopeAt: SlopeAt,
  x: Float32Array,
  t: number,
  h: number,
  r: number,
  e: Slope,
): Promise<InnerSlope> {
  const s = f(t + f(r * h));
  const gain = -sigmaOf(s) * Math.expm1(r * h);
  const { denoised, sigma } = await slopeAt(along(x, gain, e), s);
  return { denoised, sigma, lean: gain / e.sigma };
}

/** where order 2 arrives */
function order2(t: number, next: number, e: Slope, e1: InnerSlope, r1: number): Triple {
  const gain = sigmaOf(next) * Math.expm1(next - t);
  const half = gain / (2 * r1);
  return factors(half - gain, e, -half, e1);
}

const R1 = 1 / 3;
const R2 = 2 / 3;

/** the point of order 3's last evaluation, at t + R2 h */
function thirdPoint(t: number, h: number, e: Slope, e1: InnerSlope): { s2: number; at: Triple } {
  const s2 = f(t + f(R2 * h));
  const first = sigmaOf(s2) * Math.expm1(R2 * h);
  const second = sigmaOf(s2) * (R2 / R1) * (Math.expm1(R2 * h) / (R2 * h) - 1);
  return { s2, at: factors(second - first, e, -second, e1) };
}

/** where order 3 arrives, by the network's word e2 at x2 */
function order3(
  x: Float32Array,
  x2: Float32Array,
  { next, h }: { next: number; h: number },
  e: Slope,
  e2: Slope,
): Float32Array {
  const gain = sigmaOf(next) * Math.expm1(h);
  const curve = (sigmaOf(next) / R2) * (Math.expm1(h) / h - 1);
  const [a, b] = [(curve - gain) / e.sigma, -curve / e2.sigma];
  return sum4(1 + a, x, -a, e.denoised, b, x2, -b, e2.denoised);
}

/** where to aim below `next` when noise is put back after the step, and how much */
function stochasticTarget(
  t: number,
  next: number,
  end: number,
  eta: number,
): { aim: number; up: number } {
  if (eta === 0) return { aim: next, up: 0 };
  const { down } = ancestralStep(sigmaOf(t), sigmaOf(next), eta);
  const aim = Math.min(end, timeOf(down));
  return { aim, up: f(Math.sqrt(Math.max(0, f(f(sigmaOf(next) ** 2) - f(sigmaOf(aim) ** 2))))) };
}

export type DpmSolverOptions = SamplerOptions & { sigmaMin: number; sigmaMax: number };

type FastStep = { order: number; t: number; next: number; aim: number; up: number; h: number };

function fastSteps(
  evaluations: number,
  { eta, sigmaMin, sigmaMax }: Required<Pick<DpmSolverOptions, 'eta' | 'sigmaMin' | 'sigmaMax'>>,
): FastStep[] {
  const start = timeOf(sigmaMax);
  const end = timeOf(sigmaMin);
  const m = Math.floor(evaluations / 3) + 1;
  const times = linspace32(start, end, m + 1);
  const orders: number[] =
    evaluations % 3 === 0
      ? [...Array<number>(Math.max(m - 2, 0)).fill(3), 2, 1]
      : [...Array<number>(m - 1).fill(3), evaluations % 3];
  return orders.map((order, i) => {
    const t = times[i]!;
    const next = times[i + 1]!;
    const { aim, up } = stochasticTarget(t, next, end, eta);
    return { order, t, next, aim, up, h: f(aim - t) };
  });
}

/** Where DPM fast evaluates: at the start of every step, and inside those of second and third order. */
export function dpmFastAsks(
  evaluations: number,
  range: Required<Pick<DpmSolverOptions, 'eta' | 'sigmaMin' | 'sigmaMax'>>,
): number[] {
  const inside: Readonly<Record<number, readonly number[]>> = { 1: [], 2: [1 / 2], 3: [R1, R2] };
  return fastSteps(evaluations, range).flatMap(({ order, t, h }) => [
    sigmaOf(t),
    ...inside[order]!.map((r) => sigmaOf(f(t + f(r * h)))),
  ]);
}

/**
 * DPM fast: `evaluations` network calls in steps of third order, the rest in lower orders; noise only for
 * eta > 0. 0 < sigmaMin < sigmaMax; x is at sigmaMax, the result at sigmaMin.
 */
export async function sampleDpmFast(
  denoise: Denoiser,
  x: Float32Array,
  evaluations: number,
  { noise, onStep, eta = 0, noiseScale = 1, sigmaMin, sigmaMax }: DpmSolverOptions,
): Promise<Float32Array> {
  const slopeAt = slopeOf(denoise);
  const steps = fastSteps(evaluations, { eta, sigmaMin, sigmaMax });
  for (const [i, { t, next, aim, up, h, order }] of steps.entries()) {
    const e = await slopeAt(x, t);
    onStep(i, sigmaOf(t), e.denoised);
    if (order === 1) {
      x = order1(x, t, aim, e);
    } else if (order === 2) {
      const e1 = await inner(slopeAt, x, t, h, 1 / 2, e);
      x = combine3(order2(t, aim, e, e1, 1 / 2), x, e, e1);
    } else {
      const e1 = await inner(slopeAt, x, t, h, R1, e);
      const { s2, at } = thirdPoint(t, h, e, e1);
      const x2 = combine3(at, x, e, e1);
      x = order3(x, x2, { next: aim, h }, e, await slopeAt(x2, s2));
    }
    if (eta > 0) addTo(x, up * noiseScale, noise(sigmaOf(t), sigmaOf(next)));
  }
  return x;
}

/** Söderlind's PID controller on the step size, as k-diffusion limits it. */
function stepController(h: number, order: number, [p, i, d]: readonly [number, number, number]) {
  const b1 = (p + i + d) / order;
  const b2 = -(p + 2 * d) / order;
  const b3 = d / order;
  let errors: [number, number, number] | null = null;
  return {
    h,
    /** takes the error of the last step (1 = at tolerance); changes h; false: reject the step */
    propose(error: number): boolean {
      const inverse = 1 / (error + 1e-8);
      errors ??= [inverse, inverse, inverse];
      errors[0] = inverse;
      const factor = 1 + Math.atan(errors[0] ** b1 * errors[1] ** b2 * errors[2] ** b3 - 1);
      this.h *= factor;
      if (factor < 0.81) return false;
      errors[2] = errors[1];
      errors[1] = errors[0];
      return true;
    },
  };
}

export type AdaptiveOptions = DpmSolverOptions & { order?: 2 | 3; rtol?: number; atol?: number };

/**
 * DPM adaptive: DPM-Solver-12 or -23 with error control; the number of evaluations follows the picture.
 * `x` is at sigmaMax, the result at sigmaMin.
 */
export async function sampleDpmAdaptive(
  denoise: Denoiser,
  x: Float32Array,
  options: AdaptiveOptions,
): Promise<Float32Array> {
  const { noise, onStep, eta = 0, noiseScale = 1, order = 3, rtol = 0.05, atol = 0.0078 } = options;
  const slopeAt = slopeOf(denoise);
  const end = timeOf(options.sigmaMin);
  let s = timeOf(options.sigmaMax);
  let previous = x;
  const controller = stepController(0.05, eta > 0 ? 1.5 : order, [0, 1, 0]);
  for (let i = 0; s < end - 1e-5; i++) {
    const t = Math.min(end, f(s + f(controller.h)));
    const { aim, up } = stochasticTarget(s, t, end, eta);
    const h = f(aim - s);
    const e = await slopeAt(x, s);
    let low: Float32Array;
    let high: Float32Array;
    if (order === 2) {
      low = order1(x, s, aim, e);
      const e1 = await inner(slopeAt, x, s, h, 1 / 2, e);
      high = combine3(order2(s, aim, e, e1, 1 / 2), x, e, e1);
    } else {
      const e1 = await inner(slopeAt, x, s, h, R1, e);
      const { s2, at } = thirdPoint(s, h, e, e1);
      const arrived = order2(s, aim, e, e1, R1);
      const [first, x2] = sum3Twice(arrived, at, x, e.denoised, e1.denoised);
      low = first;
      high = order3(x, x2, { next: aim, h }, e, await slopeAt(x2, s2));
    }
    if (controller.propose(relativeError(low, high, previous, atol, rtol))) {
      previous = low;
      x = high;
      if (eta > 0) addTo(x, up * noiseScale, noise(sigmaOf(s), sigmaOf(t)));
      s = t;
    }
    onStep(i, sigmaOf(s), e.denoised);
  }
  return x;
}

/** root mean square of (low - high) / max(atol, rtol max(|low|, |previous|)) */
function relativeError(
  low: Float32Array,
  high: Float32Array,
  previous: Float32Array,
  atol: number,
  rtol: number,
): number {
  let sum = 0;
  for (let i = 0; i < low.length; i++) {
    const a = low[i]!;
    const scale = Math.max(atol, rtol * Math.max(Math.abs(a), Math.abs(previous[i]!)));
    const share = (a - high[i]!) / scale;
    sum += share * share;
  }
  return Math.sqrt(sum / low.length);
}
