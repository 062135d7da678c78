/**
 * A1111's `NV` random numbers (modules/rng_philox.py): Philox 4x32-10 of Salmon et al., "Parallel Random Numbers:
 * As Easy as 1, 2, 3" (2011), laid out as torch.randn lays it out on CUDA, with Box-Muller in double precision.
 */

import { BLOCK, compilePhilox, type PhiloxBlock } from './fast-philox.ts';

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const INV = Math.fround(2.3283064e-10);
const INV_2PI = Math.fround(2.3283064e-10 * 6.2831855);

let block: PhiloxBlock | null = null;

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
    block ??= compilePhilox({ factors: [M0, M1], steps: [W0, W1] });
    for (let first = 0; first < n; first += BLOCK) {
      const count = Math.min(BLOCK, n - first);
      const words = block(count, first, draw, this.#key0, this.#key1);
      for (let i = 0; i < count; i++) {
        const u = words[2 * i]! * INV + INV / 2;
        const v = words[2 * i + 1]! * INV_2PI + INV_2PI / 2;
        out[first + i] = Math.sqrt(-2 * Math.log(u)) * Math.sin(v);
      }
    }
    return out;
  }
}
