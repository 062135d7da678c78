/**
 * The arithmetic of sampler steps, once: samplers/ and diffusers/ each lay out their own levels and ask the network in
 * their own order, and take their steps with these. Letters are the papers': σ noise level, ᾱ cumulative product,
 * λ = ln(α/σ), h a step in λ, D0 … the model's answers newest first, d = (x - x̂0)/σ the slope of the probability flow.
 */
import { combine, sum2, sum3 } from './linear.ts';

type Term = readonly [factor: number, values: Float32Array];

/** From σ to σʹ towards x̂0 (Karras et al. 2022, Algorithm 2): x̂0 + σʹ/σ (x - x̂0). */
export function eulerStep(x: Float32Array, x0: Float32Array, σ: number, σʹ: number): Float32Array {
  const ratio = σʹ / σ;
  return sum2(ratio, x, 1 - ratio, x0);
}

/** The same, with noise of deviation `up` on top. */
export function ancestralEulerStep(
  x: Float32Array,
  x0: Float32Array,
  [σ, σʹ]: readonly [from: number, down: number],
  up: number,
  noise: Float32Array,
): Float32Array {
  const ratio = σʹ / σ;
  return sum3(ratio, x, 1 - ratio, x0, up, noise);
}

/** x + Δσ d */
export function alongSlope(x: Float32Array, Δσ: number, d: Float32Array): Float32Array {
  return sum2(1, x, Δσ, d);
}

/** Heun's step: x + Δσ (d + dʹ)/2, by the slopes at both ends. */
export function heunCorrected(
  x: Float32Array,
  Δσ: number,
  d: Float32Array,
  dʹ: Float32Array,
): Float32Array {
  return sum3(1, x, Δσ / 2, d, Δσ / 2, dʹ);
}

/** x + Σ factor_k d_k: the step of multistep methods on slopes. */
export function alongSlopes(
  x: Float32Array,
  slopes: readonly Float32Array[],
  factors: readonly number[],
): Float32Array {
  return combine([[1, x], ...slopes.map((d, k): Term => [factors[k]!, d])]);
}

/** From σ back up to a higher level: x + s √(σʹ² - σ²) n. */
export function raisedTo(
  x: Float32Array,
  σ: number,
  σʹ: number,
  s: number,
  noise: Float32Array,
): Float32Array {
  return sum2(1, x, s * Math.sqrt(σʹ ** 2 - σ ** 2), noise);
}

/** Deviation of the noise of a stochastic step of length h that ends at σ: σ √(1 - e^(-2ηh)). */
export function sdeDeviation(σ: number, ηh: number): number {
  // Respaced levels may end an ulp below the final one.
  return σ * Math.sqrt(Math.max(0, -Math.expm1(-2 * ηh)));
}

/** Weights of D0 and D1 where the answers change linearly over λ; `slope`: the linear term's factor per difference. */
export function secondOrder(flat: number, slope: number): [number, number] {
  return [flat + slope, -slope];
}

/**
 * Weights of D0, D1 and D2 where they change quadratically (DPM-Solver++, Lu et al. 2022): flat D0 + linear D¹ -
 * curved D², with the steps before as shares of this one, r0 the last and r1 the one before it.
 * D¹ = D10 + r0/(r0 + r1) (D10 - D11), D² = (D10 - D11)/(r0 + r1), D10 = (D0 - D1)/r0, D11 = (D1 - D2)/r1.
 */
export function thirdOrder(
  flat: number,
  linear: number,
  curved: number,
  [r0, r1]: readonly [number, number],
): [number, number, number] {
  const on10 = (linear * (1 + r0 / (r0 + r1)) - curved / (r0 + r1)) / r0;
  const on11 = ((-linear * r0) / (r0 + r1) + curved / (r0 + r1)) / r1;
  return [flat + on10, on11 - on10, -on11];
}

/** Adams-Bashforth on up to four answers of even spacing, newest first (Liu et al. 2022, F-PNDM). */
export function adamsBashforth([e1, e2, e3, e4]: readonly Float32Array[]): Float32Array {
  if (e2 === undefined) return e1!;
  if (e3 === undefined) return sum2(3 / 2, e1!, -1 / 2, e2);
  if (e4 === undefined) {
    return combine([
      [23 / 12, e1!],
      [-16 / 12, e2],
      [5 / 12, e3],
    ]);
  }
  return combine([
    [55 / 24, e1!],
    [-59 / 24, e2],
    [37 / 24, e3],
    [-9 / 24, e4],
  ]);
}

/** DDIM's deviation from ᾱ down to ᾱʹ (Song et al. 2021, eq. 16). */
export function ddimDeviation(η: number, ᾱ: number, ᾱʹ: number): number {
  return η === 0 ? 0 : η * Math.sqrt(((1 - ᾱʹ) / (1 - ᾱ)) * (1 - ᾱ / ᾱʹ));
}

/** DDIM's step to ᾱʹ (eq. 12): √ᾱʹ x̂0 + √(1 - ᾱʹ - dev²) ε + dev n; null: no noise is drawn. */
export function ddimStep(
  x0: Float32Array,
  ε: Float32Array,
  ᾱʹ: number,
  deviation: number,
  noise: Float32Array | null,
): Float32Array {
  const terms: Term[] = [
    [Math.sqrt(ᾱʹ), x0],
    [Math.sqrt(1 - ᾱʹ - deviation ** 2), ε],
  ];
  if (noise !== null) terms.push([deviation, noise]);
  return combine(terms);
}

/**
 * UniPC's update (Zhao et al. 2023): keep x + gain D0 + Σ factor_k (D_k - D0). `newest`: the answer at the step's end,
 * whose factor is the last, which makes it the corrector; null: the predictor.
 */
export function unipcUpdate(
  x: Float32Array,
  { keep, gain }: { keep: number; gain: number },
  factors: readonly number[],
  history: readonly Float32Array[],
  newest: Float32Array | null,
): Float32Array {
  let base = gain;
  const terms: Term[] = [[keep, x]];
  for (const [k, factor] of factors.entries()) {
    base -= factor;
    const isNewest = newest !== null && k === factors.length - 1;
    terms.push([factor, isNewest ? newest : history[k + 1]!]);
  }
  terms.push([base, history[0]!]);
  return combine(terms);
}
