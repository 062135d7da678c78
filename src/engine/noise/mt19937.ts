/**
 * torch.Generator('cpu'): the Mersenne Twister of Matsumoto and Nishimura (1998) with ATen's ways of making
 * uniforms and normals of it, bit for bit (aten/src/ATen/core/MT19937RNGEngine.h,
 * native/cpu/DistributionTemplates.h and avx_mathfun.h; the AVX2 and AVX-512 builds agree).
 */

import { fma } from '../sampling/float32.ts';
import { compileNormals } from './fast-normals.ts';

const STATE = 624;
const SHIFT = 397;
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

let fillBlocks: typeof boxMullerBlocks | null = null;

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

/** the recurrence's step: the highest bit of one word, the others of the next, times the matrix A */
function twist(word: number, next: number): number {
  const y = (word & 0x80000000) | (next & 0x7fffffff);
  return (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
}

/** the output transform of a word of state */
function temper(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >>> 18);
}

export type HalfType = 'float16' | 'bfloat16';

const roundHalf = {
  float16: Math.f16round,
  bfloat16: (x: number): number => {
    asFloat[0] = x;
    const raw = asInt[0]!;
    asInt[0] = (raw + 0x7fff + ((raw >>> 16) & 1)) & 0xffff0000;
    return asFloat[0]!;
  },
} as const;

/** A stream of torch CPU random numbers. Only the low 32 bits of the seed count, as in torch. */
export class TorchGenerator {
  readonly #state = new Int32Array(STATE);
  #next = STATE;
  /** the sine half of the last double pair, kept by torch between calls */
  #spare: number | null = null;

  /** @param seed 0 <= seed < 2^64 */
  constructor(seed: bigint) {
    const state = this.#state;
    state[0] = Number(seed & 0xffffffffn);
    for (let j = 1; j < STATE; j++) {
      const previous = state[j - 1]! ^ (state[j - 1]! >>> 30);
      state[j] = Math.imul(1812433253, previous) + j;
    }
  }

  /** the next 32 random bits, 0 … 2^32 - 1 */
  uint32(): number {
    if (this.#next === STATE) this.#refill();
    return temper(this.#state[this.#next++]!) >>> 0;
  }

  /** float32 uniforms of 24 bits in [0, 1) into out[from, to), a stretch of the state at a time */
  #uniforms(out: Float32Array, from: number, to: number): void {
    const state = this.#state;
    for (let at = from; at < to;) {
      if (this.#next === STATE) this.#refill();
      const next = this.#next;
      const count = Math.min(STATE - next, to - at);
      for (let i = 0; i < count; i++) {
        out[at + i] = (temper(state[next + i]!) & 0xffffff) * 2 ** -24;
      }
      this.#next = next + count;
      at += count;
    }
  }

  /** torch.randn(n): n float32 normals */
  randn(n: number): Float32Array {
    return this.#normals(n, n);
  }

  /** torch.randn(n, dtype=…): ATen draws in float32 and rounds to the half type; the result holds those values */
  randnHalf(n: number, type: HalfType): Float32Array {
    // Only whole blocks are filled before the odd end is drawn anew; in float32 the odd end is filled twice.
    const out = this.#normals(n, n - (n % 16));
    const round = roundHalf[type];
    for (let i = 0; i < n; i++) out[i] = round(out[i]!);
    return out;
  }

  /** @param filled uniforms drawn before the last sixteen slots are drawn again, where n is no multiple of 16 */
  #normals(n: number, filled: number): Float32Array {
    const out = new Float32Array(n);
    if (n < 16) {
      for (let i = 0; i < n; i++) out[i] = this.#normalDouble();
      return out;
    }
    this.#uniforms(out, 0, filled);
    fillBlocks ??= chooseBlocks();
    fillBlocks(out, 0, Math.floor(n / 16));
    if (n % 16 !== 0) {
      // ATen redraws the last sixteen slots rather than finish a part of a block.
      this.#uniforms(out, n - 16, n);
      fillBlocks(out, n - 16, 1);
    }
    return out;
  }

  #refill(): void {
    const s = this.#state;
    const turn = STATE - SHIFT;
    for (let k = 0; k < turn; k++) s[k] = s[k + SHIFT]! ^ twist(s[k]!, s[k + 1]!);
    for (let k = turn; k < STATE - 1; k++) s[k] = s[k - turn]! ^ twist(s[k]!, s[k + 1]!);
    s[STATE - 1] = s[SHIFT - 1]! ^ twist(s[STATE - 1]!, s[0]!);
    this.#next = 0;
  }

  /** 53 random bits in [0, 1); of two draws the first is the high word */
  #uniformDouble(): number {
    const high = this.uint32();
    const low = this.uint32();
    return ((high & 0x1fffff) * 2 ** 32 + low) * 2 ** -53;
  }

  #normalDouble(): number {
    if (this.#spare !== null) {
      const value = this.#spare;
      this.#spare = null;
      return value;
    }
    const u1 = this.#uniformDouble();
    const u2 = this.#uniformDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    const theta = 2 * Math.PI * u1;
    this.#spare = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }
}
