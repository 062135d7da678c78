/**
 * torch.Generator('cpu'): the Mersenne Twister of Matsumoto and Nishimura (1998) with ATen's ways of making
 * uniforms and normals of it, bit for bit (aten/src/ATen/core/MT19937RNGEngine.h,
 * native/cpu/DistributionTemplates.h).
 */
import { type boxMullerBlocks, chooseBlocks } from './box-muller.ts';

const STATE = 624;
const SHIFT = 397;

/** chosen when normals are asked for the first time */
let fillBlocks: typeof boxMullerBlocks | null = null;

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

const bits = new ArrayBuffer(4);
const asFloat = new Float32Array(bits);
const asInt = new Int32Array(bits);

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
