/**
 * A1111's `NV` random numbers (modules/rng_philox.py): Philox 4x32-10 of Salmon et al., "Parallel Random Numbers:
 * As Easy as 1, 2, 3" (2011), laid out as torch.randn lays it out on CUDA, with Box-Muller in double precision.
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const INV = Math.fround(2.3283064e-10);
const INV_2PI = Math.fround(2.3283064e-10 * 6.2831855);

/** the high 32 bits of a 32 x 32 bit product, by 16-bit halves; no partial sum exceeds 32 bits */
function mulHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) >>> 0;
  const other = (Math.imul(aLow, bHigh) + (middle & 0xffff)) >>> 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) >>> 0;
}

/** A stream of draws; draw number n of a shape depends on the seed, n and the element's index alone. */
export class PhiloxGenerator {
  readonly #key0: number;
  readonly #key1: number;
  #draw = 0;

  /** @param seed 0 <= seed < 2^64 */
  constructor(seed: bigint) {
    this.#key0 = Number(seed & 0xffffffffn);
    this.#key1 = Number((seed >> 32n) & 0xffffffffn);
  }

  /** n float32 normals */
  randn(n: number): Float32Array {
    const out = new Float32Array(n);
    const draw = this.#draw++;
    for (let i = 0; i < n; i++) {
      let c0 = draw;
      let c1 = 0;
      let c2 = i;
      let c3 = 0;
      let key0 = this.#key0;
      let key1 = this.#key1;
      for (let round = 0; round < 10; round++) {
        const high0 = mulHigh(c0, M0);
        const low0 = Math.imul(c0, M0);
        const high1 = mulHigh(c2, M1);
        const low1 = Math.imul(c2, M1);
        c0 = (high1 ^ c1 ^ key0) >>> 0;
        c1 = low1;
        c2 = (high0 ^ c3 ^ key1) >>> 0;
        c3 = low0;
        key0 = (key0 + W0) >>> 0;
        key1 = (key1 + W1) >>> 0;
      }
      const u = c0 * INV + INV / 2;
      const v = (c1 >>> 0) * INV_2PI + INV_2PI / 2;
      out[i] = Math.sqrt(-2 * Math.log(u)) * Math.sin(v);
    }
    return out;
  }
}
