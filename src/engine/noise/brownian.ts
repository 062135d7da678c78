import { seedSequence } from './seed-sequence.ts';

/**
 * Brownian motion whose every increment is a function of the seed alone: torchsde's BrownianTree
 * (torchsde/_brownian/brownian_interval.py; halfway_tree, tol 1e-6, pool_size 24) and k-diffusion's
 * BrownianTreeNoiseSampler around it (k_diffusion/sampling.py). Bridges are drawn by halving the interval
 * until the asked time is met to six decimals (Li et al., "Scalable Gradients for SDEs", 2020).
 */

/** Normals of a seed: the first `n` numbers of a fresh generator. */
export type Normals = (seed: bigint, n: number) => Float32Array;

const POOL_SIZE = 24;
/**
 * Increments kept per tree; others are computed anew from the same seeds. A chain of halvings down to the sixth
 * decimal of σ = 14.6 makes 48, and a query of a stochastic solver shares one end with the query before.
 */
const CACHE_SIZE = 112;
/** an interval at the sixth decimal cannot be halved further; 2^52 times 1e-6 exceeds every sigma */
const MAX_DEPTH = 60;

type Node = {
  readonly start: number;
  readonly end: number;
  readonly parent: Node | null;
  readonly isLeft: boolean;
  readonly key: number;
  readonly depth: number;
  middle: number;
  left: Node | null;
  right: Node | null;
};

const f = Math.fround;

/**
 * Python's round(x, 6): to the nearest, ties to even. A binary number lies midway between two six-digit decimals
 * only if it is an odd multiple of 2^-7; toFixed rounds those up and all others to the nearest.
 */
function round6(x: number): number {
  if (Math.abs((x * 128) % 2) !== 1) return Number(x.toFixed(6));
  const below = Math.floor(x * 1e6);
  return (below % 2 === 0 ? below : below + 1) / 1e6;
}

/** One tree over [start, end] for `size` independent motions. */
export class BrownianTree {
  readonly #size: number;
  readonly #entropy: bigint;
  readonly #normals: Normals;
  readonly #root: Node;
  readonly #total: Float32Array;
  readonly #cache = new Map<Node, Float32Array>();
  #last: Node;

  constructor(start: number, end: number, size: number, entropy: bigint, normals: Normals) {
    this.#size = size;
    this.#entropy = entropy;
    this.#normals = normals;
    this.#root = this.#last = {
      start: round6(start),
      end: round6(end),
      parent: null,
      isLeft: true,
      key: 0,
      depth: 0,
      middle: Number.NaN,
      left: null,
      right: null,
    };
    const [seed] = seedSequence(entropy, [], POOL_SIZE, 1);
    const scale = f(Math.sqrt(end - start));
    this.#total = normals(BigInt(seed!), size).map((x) => x * scale);
  }

  /** W(to) - W(from) for from <= to; times outside the tree are moved to its ends */
  increment(from: number, to: number): Float32Array {
    const { start, end } = this.#root;
    const clamp = (t: number): number => round6(Math.min(Math.max(t, start), end));
    const a = clamp(from);
    const b = clamp(to);
    const sum = new Float32Array(this.#size);
    if (a >= b) return sum;
    let node = this.#last;
    while (node.parent !== null && (a < node.start || b > node.end)) node = node.parent;
    const parts: Node[] = [];
    this.#cover(node, a, b, parts);
    this.#last = parts.at(-1)!;
    // Solvers go down in σ: the upper end's chain is the one still known, so it is looked up first.
    const values = parts.toReversed().map((part) => this.#value(part));
    for (const w of values.reverse()) {
      for (let j = 0; j < sum.length; j++) sum[j] = sum[j]! + w[j]!;
    }
    return sum;
  }

  #cover(node: Node, a: number, b: number, parts: Node[]): void {
    if ((a === node.start && b === node.end) || node.depth > MAX_DEPTH) {
      parts.push(node);
      return;
    }
    if (node.left === null || node.right === null) {
      this.#split(node);
      if (node.left === null || node.right === null) return;
    }
    if (b <= node.middle) this.#cover(node.left, a, b, parts);
    else if (a >= node.middle) this.#cover(node.right, a, b, parts);
    else {
      this.#cover(node.left, a, node.middle, parts);
      this.#cover(node.right, node.middle, b, parts);
    }
  }

  #split(node: Node): void {
    node.middle = round6(0.5 * (node.end + node.start));
    const child = (start: number, end: number, isLeft: boolean): Node => ({
      start,
      end,
      parent: node,
      isLeft,
      key: 2 * node.key + (isLeft ? 0 : 1),
      depth: node.depth + 1,
      middle: Number.NaN,
      left: null,
      right: null,
    });
    node.left = child(node.start, node.middle, true);
    node.right = child(node.middle, node.end, false);
  }

  /** the increment over a node's interval, from its parent's by a Brownian bridge */
  #value(node: Node): Float32Array {
    if (node.parent === null) return this.#total;
    const known = this.#cache.get(node);
    if (known !== undefined) return known;
    const parent = node.parent;
    const whole = this.#value(parent);
    const seed = seedSequence(this.#entropy, [parent.key, parent.depth], POOL_SIZE, 1)[0]!;
    const noise = this.#normals(BigInt(seed), this.#size);
    const inverse = 1 / (parent.end - parent.start);
    const leftPart = parent.middle - parent.start;
    const rightPart = parent.end - parent.middle;
    const a = f(leftPart);
    const b = f(inverse);
    const deviation = f(Math.sqrt(leftPart * rightPart * inverse));
    const left = noise;
    const right = new Float32Array(this.#size);
    for (let i = 0; i < left.length; i++) {
      const w = whole[i]!;
      const l = f(f(f(a * w) * b) + f(deviation * noise[i]!));
      left[i] = l;
      right[i] = w - l;
    }
    this.#remember(parent.left!, left);
    this.#remember(parent.right!, right);
    return node.isLeft ? left : right;
  }

  #remember(node: Node, value: Float32Array): void {
    this.#cache.delete(node);
    if (this.#cache.size >= CACHE_SIZE) {
      this.#cache.delete(this.#cache.keys().next().value!);
    }
    this.#cache.set(node, value);
  }
}

/**
 * k-diffusion's BrownianTreeNoiseSampler: (W(σ') - W(σ)) / sqrt|σ' - σ| with one tree per seed.
 * @param size elements per seed; the result has seeds.length * size of them
 */
export function brownianNoise(
  sigmaMin: number,
  sigmaMax: number,
  seeds: readonly bigint[],
  size: number,
  normals: Normals,
): (sigma: number, sigmaNext: number) => Float32Array {
  const low = f(Math.min(sigmaMin, sigmaMax));
  const high = f(Math.max(sigmaMin, sigmaMax));
  const treeSign = sigmaMin < sigmaMax ? 1 : -1;
  const trees = seeds.map((seed) => new BrownianTree(low, high, size, seed, normals));
  return (sigma, sigmaNext) => {
    const from = f(sigma);
    const to = f(sigmaNext);
    const sign = from < to ? treeSign : -treeSign;
    const scale = f(Math.sqrt(f(Math.abs(f(to - from)))));
    const out = new Float32Array(seeds.length * size);
    for (const [i, tree] of trees.entries()) {
      const w = tree.increment(Math.min(from, to), Math.max(from, to));
      const at = i * size;
      for (let j = 0; j < size; j++) out[at + j] = (sign * w[j]!) / scale;
    }
    return out;
  };
}
