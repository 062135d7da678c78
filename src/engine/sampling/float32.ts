/** Single-precision arithmetic as the references compute it, where the last bit decides something. */

const f = Math.fround;

const double = new Float64Array(1);
const doubleLow = new Int32Array(double.buffer);

/**
 * a * b + c in float32 with one rounding. The product of two float32 is exact in a double; the sum may be
 * rounded to a double that lies midway between two float32, and then the lost part decides. Kept small: seventeen
 * of these make a pair of normals, and the compiler inlines them only up to a budget.
 */
export function fma(a: number, b: number, c: number): number {
  const sum = a * b + c;
  double[0] = sum;
  // The 29 bits that float32 drops: a one and zeros is a tie.
  return (doubleLow[0]! & 0x1fffffff) === 0x10000000 ? breakTie(a * b, c, sum) : f(sum);
}

/** The rounding of a tie: Knuth's two-sum tells on which side of it the exact product + c lies. */
function breakTie(product: number, c: number, sum: number): number {
  const rounded = f(sum);
  const rest = sum - rounded;
  const back = sum - product;
  const lost = product - (sum - back) + (c - back);
  if (lost === 0) return rounded;
  return lost > 0 === rest > 0 ? f(sum + rest) : rounded;
}

const bits = new DataView(new ArrayBuffer(4));

const NUMERATOR = [
  0.025899791179079226, 0.3808837741388408, 1.4800006335765066, 2.112677543073053,
  0.9999999999999999, 0,
].map(f);
const DENOMINATOR = [
  0.005875095403124574, 0.15464763749839067, 0.9864942958519419, 2.453006071784736,
  2.6126775430731093, 1,
].map(f);
const LN_2 = f(Math.LN2);

/**
 * numpy.log of a normal float32 x > 0 (numpy/_core/src/umath/loops_exponent_log.dispatch.c.src): a rational minimax
 * approximation in fused multiply-adds. It is off by up to an ulp, and so decides whether the highest noise level
 * lies at training timestep 999 or just below it.
 */
export function numpyLog(x: number): number {
  bits.setFloat32(0, x);
  const raw = bits.getInt32(0);
  let exponent = (raw >>> 23) - 127;
  bits.setInt32(0, (raw & 0x7fffff) | 0x3f800000);
  let mantissa = bits.getFloat32(0);
  if (mantissa > f(Math.SQRT2)) {
    mantissa /= 2;
    exponent += 1;
  }
  const z = f(mantissa - 1);
  const polynomial = (factors: readonly number[]): number =>
    factors.reduce((sum, factor) => fma(sum, z, factor));
  return fma(exponent, LN_2, f(polynomial(NUMERATOR) / polynomial(DENOMINATOR)));
}

/** i-th of n points from start to end as torch.linspace computes float32 ones on the CPU. */
export function linspace32(start: number, end: number, n: number): Float32Array {
  const a = f(start);
  const b = f(end);
  const out = new Float32Array(n);
  if (n === 1) out[0] = a;
  if (n < 2) return out;
  const step = f(f(b - a) / (n - 1));
  const half = Math.floor(n / 2);
  for (let i = 0; i < n; i++) out[i] = i < half ? step * i + a : b - step * (n - 1 - i);
  return out;
}
