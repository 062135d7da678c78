/**
 * ATen's normals of pairs of uniforms, bit for bit (native/cpu/DistributionTemplates.h and avx_mathfun.h; the AVX2 and
 * AVX-512 builds agree).
 */
import { fma } from '../sampling/float32.ts';
import { compileNormals } from './fast-normals.ts';

const f = Math.fround;

/** 2π in float32, the factor ATen multiplies the second uniform with. */
const TWO_PI = f(2 * Math.PI);

const bits = new ArrayBuffer(4);
const asFloat = new Float32Array(bits);
const asInt = new Int32Array(bits);

const SQRT_HALF = f(0.7071067811865476);
const P0 = f(7.0376836292e-2);
const P1 = f(-1.151461031e-1);
const P2 = f(1.167699874e-1);
const P3 = f(-1.2420140846e-1);
const P4 = f(1.4249322787e-1);
const P5 = f(-1.6668057665e-1);
const P6 = f(2.0000714765e-1);
const P7 = f(-2.4999993993e-1);
const P8 = f(3.3333331174e-1);
const Q1 = f(-2.1219444e-4);
const Q2 = f(0.693359375);

/** ln x for a normal float32 x > 0: the cephes polynomial, as compiled with multiply-adds contracted. */
function log32(x: number): number {
  asFloat[0] = x;
  const raw = asInt[0]!;
  let e = (raw >>> 23) - 126;
  asInt[0] = (raw & 0x7fffff) | 0x3f000000;
  let m = asFloat[0]!;
  if (m < SQRT_HALF) {
    e -= 1;
    m = f(f(m - 1) + m);
  } else {
    m = f(m - 1);
  }
  const z = f(m * m);
  let y = fma(P0, m, P1);
  y = fma(y, m, P2);
  y = fma(y, m, P3);
  y = fma(y, m, P4);
  y = fma(y, m, P5);
  y = fma(y, m, P6);
  y = fma(y, m, P7);
  y = fma(y, m, P8);
  y = f(y * m);
  y = fma(y, z, f(e * Q1));
  y = fma(z, -0.5, y);
  return fma(e, Q2, f(m + y));
}

const FOUR_OVER_PI = f(1.27323954473516);
const DP1 = f(-0.78515625);
const DP2 = f(-2.4187564849853516e-4);
const DP3 = f(-3.774894977445941e-8);
const COS0 = f(2.443315711809948e-5);
const COS1 = f(-1.388731625493765e-3);
const COS2 = f(4.166664568298827e-2);
const SIN0 = f(-1.9515295891e-4);
const SIN1 = f(8.3321608736e-3);
const SIN2 = f(-1.6666654611e-1);

/**
 * Box-Muller on one pair of uniforms: writes r cos θ at `at` and r sin θ at `at + 8`, where
 * r = sqrt(-2 ln(1 - u1)), θ = 2π u2; θ is in [0, 2π).
 */
function boxMuller(out: Float32Array, at: number): void {
  const radius = f(Math.sqrt(f(-2 * log32(f(1 - out[at]!)))));
  const theta = f(TWO_PI * out[at + 8]!);
  const octant = (Math.trunc(f(theta * FOUR_OVER_PI)) + 1) & ~1;
  let x = fma(octant, DP1, theta);
  x = fma(octant, DP2, x);
  x = fma(octant, DP3, x);
  const z = f(x * x);
  let c = fma(COS0, z, COS1);
  c = fma(c, z, COS2);
  c = f(c * z);
  c = f(fma(c, z, -f(z * 0.5)) + 1);
  let s = fma(SIN0, z, SIN1);
  s = fma(s, z, SIN2);
  s = f(s * z);
  s = fma(s, x, x);
  const swap = (octant & 2) !== 0;
  const sine = (octant & 4) === 0 ? (swap ? c : s) : -(swap ? c : s);
  const cosine = ((octant - 2) & 4) !== 0 ? (swap ? s : c) : -(swap ? s : c);
  out[at] = radius * cosine;
  out[at + 8] = radius * sine;
}

/** Turns blocks of sixteen uniforms, from `at` on, into normals: the plain form. */
export function boxMullerBlocks(out: Float32Array, at: number, blocks: number): void {
  for (let block = at; block < at + 16 * blocks; block += 16) {
    for (let j = 0; j < 8; j++) boxMuller(out, block + j);
  }
}

/** The vectorised form where it gives the very same floats on this machine, else the plain one. */
export function chooseBlocks(): typeof boxMullerBlocks {
  const compiled = compileNormals({
    sqrtHalf: SQRT_HALF,
    log: [P0, P1, P2, P3, P4, P5, P6, P7, P8],
    q1: Q1,
    q2: Q2,
    twoPi: TWO_PI,
    fourOverPi: FOUR_OVER_PI,
    reduce: [DP1, DP2, DP3],
    cos: [COS0, COS1, COS2],
    sin: [SIN0, SIN1, SIN2],
  });
  if (compiled === null) return boxMullerBlocks;
  // A multiplicative sequence over the 24-bit grid, with both its ends.
  const uniforms = Float32Array.from({ length: 1024 }, (_, i) =>
    i === 0 ? 0 : i === 1 ? 1 - 2 ** -24 : ((i * 7_368_787) % 2 ** 24) * 2 ** -24,
  );
  const plain = uniforms.slice();
  boxMullerBlocks(plain, 0, 64);
  compiled(uniforms, 0, 64);
  return plain.every((value, i) => Object.is(value, uniforms[i])) ? compiled : boxMullerBlocks;
}
