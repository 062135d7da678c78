/** Linear combinations of latents: double precision inside, one rounding to float32 per element. */

/** a x + b y */
export function sum2(a: number, x: Float32Array, b: number, y: Float32Array): Float32Array {
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]!;
  return out;
}

/** a x + b y + c z */
export function sum3(
  a: number,
  x: Float32Array,
  b: number,
  y: Float32Array,
  c: number,
  z: Float32Array,
): Float32Array {
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]!;
  return out;
}

/** Factors of three latents. */
export type Triple = readonly [a: number, b: number, c: number];

/** two combinations of the same x, y and z: reading them once is what it saves */
export function sum3Twice(
  [a, b, c]: Triple,
  [d, e, g]: Triple,
  x: Float32Array,
  y: Float32Array,
  z: Float32Array,
): [Float32Array, Float32Array] {
  const first = new Float32Array(x.length);
  const second = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const u = x[i]!;
    const v = y[i]!;
    const w = z[i]!;
    first[i] = a * u + b * v + c * w;
    second[i] = d * u + e * v + g * w;
  }
  return [first, second];
}

/** a x + b y + c z + d w */
export function sum4(
  a: number,
  x: Float32Array,
  b: number,
  y: Float32Array,
  c: number,
  z: Float32Array,
  d: number,
  w: Float32Array,
): Float32Array {
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]! + d * w[i]!;
  return out;
}

/** the sum of every pair's factor times its latents; at least two pairs */
export function combine(terms: readonly (readonly [number, Float32Array])[]): Float32Array {
  const [first, second, third, fourth, ...rest] = terms;
  const [a, x] = first!;
  const [b, y] = second!;
  if (third === undefined) return sum2(a, x, b, y);
  if (fourth === undefined) return sum3(a, x, b, y, ...third);
  if (rest.length === 0) return sum4(a, x, b, y, ...third, ...fourth);
  // Rounding in between would show: the terms of high orders are large and cancel.
  const sum = new Float64Array(x.length);
  for (const [factor, values] of terms) {
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + factor * values[i]!;
  }
  return new Float32Array(sum);
}

/** adds a y to x in place */
export function addTo(x: Float32Array, a: number, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + a * y[i]!;
}

/** (x - denoised) / sigma, the derivative dx/dσ of the probability flow */
export function slope(x: Float32Array, denoised: Float32Array, sigma: number): Float32Array {
  return sum2(1 / sigma, x, -1 / sigma, denoised);
}

/** a x */
export function scaled(a: number, x: Float32Array): Float32Array {
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]!;
  return out;
}
