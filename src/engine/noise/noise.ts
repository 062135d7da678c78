import { brownianNoise } from './brownian.ts';
import { TorchGenerator, type HalfType } from './mt19937.ts';
import { PhiloxGenerator } from './philox.ts';
import type { RngName } from '../names.ts';
import type { GenerateRequest } from '../request.ts';
import type { LatentShape, NoiseSource } from '../sampling/sampling.ts';

/** Every random number of the project's pictures. */

type Generator = { randn(n: number): Float32Array };

const MASK_64 = (1n << 64n) - 1n;

function createGenerator(rng: RngName, seed: bigint): Generator {
  const wrapped = seed & MASK_64;
  return rng === 'nv' ? new PhiloxGenerator(wrapped) : new TorchGenerator(wrapped);
}

/** The seed of each picture of a batch; a variation (strength > 0) keeps the seed and counts the variation seed. */
export function imageSeeds(
  request: Pick<GenerateRequest, 'seed' | 'count' | 'variation' | 'each'>,
): {
  seeds: bigint[];
  variationSeeds: bigint[];
} {
  if (request.each) return { seeds: request.each.map(({ seed }) => seed), variationSeeds: [] };
  const varied = request.variation !== null && request.variation.strength !== 0;
  const seeds: bigint[] = [];
  const variationSeeds: bigint[] = [];
  for (let i = 0n; i < BigInt(request.count); i++) {
    seeds.push((request.seed + (varied ? 0n : i)) & MASK_64);
    if (request.variation !== null) variationSeeds.push((request.variation.seed + i) & MASK_64);
  }
  return { seeds, variationSeeds };
}

export type NoiseRequest = Pick<
  GenerateRequest,
  'seed' | 'count' | 'rng' | 'profile' | 'variation' | 'seedResize' | 'etaNoiseSeedDelta' | 'each'
>;

/**
 * The random numbers of one generation. Profile a1111: one generator per picture (seed + i), first draw with
 * variation seed and seed resize, ancestral noise continuing it or starting anew at seed + delta (A1111
 * modules/rng.py, ImageRNG). Profile diffusers: one generator, a batch is one stream. Profile comfy: see comfyStream.
 * @param shape [B,C,h,w] of the latents; B = request.count
 * @param options.dtype draws in the half type the reference pipeline would use (diffusers, fp16 weights)
 * @param options.sizeFactor pixels per latent cell, for seedResize; default 8
 */
export function createNoiseSource(
  request: NoiseRequest,
  shape: LatentShape,
  options: { dtype?: 'float32' | HalfType; sizeFactor?: number } = {},
): NoiseSource {
  if (request.profile === 'a1111') return perImage(request, shape, options.sizeFactor ?? 8);
  if (request.profile === 'comfy') return comfyStream(request, shape);
  return oneStream(request, shape, options.dtype ?? 'float32');
}

function oneStream(
  request: NoiseRequest,
  shape: LatentShape,
  dtype: 'float32' | HalfType,
): NoiseSource {
  const [batch, channels, height, width] = shape;
  const size = batch * channels * height * width;
  let draw: (count: number) => Float32Array;
  if (request.rng === 'cpu' && dtype !== 'float32') {
    const generator = new TorchGenerator(request.seed);
    draw = (count) => generator.randnHalf(count, dtype);
  } else {
    const generator = createGenerator(request.rng, request.seed);
    draw = (count) => generator.randn(count);
  }
  return {
    initial: () => draw(size),
    next: () => draw(size),
    single: () => draw(size / batch),
    brownian: (sigmaMin, sigmaMax) =>
      brownianNoise(sigmaMin, sigmaMax, [request.seed], size, normalsOf(request.rng)),
  };
}

/**
 * ComfyUI: start noise always from torch's CPU generator (comfy/sample.py, prepare_noise); the samplers' noise from
 * a fresh one, at seed + 1 on the CPU and at the seed itself on a GPU (k_diffusion/sampling.py,
 * default_noise_sampler), which `nv` stands for. Brownian trees grow over the whole batch, on the CPU.
 */
function comfyStream(
  request: NoiseRequest,
  [batch, channels, height, width]: LatentShape,
): NoiseSource {
  const size = batch * channels * height * width;
  const { rng, seed } = request;
  let later: Generator | null = null;
  return {
    initial: () => new TorchGenerator(seed).randn(size),
    next: () => {
      later ??= createGenerator(rng, rng === 'cpu' ? seed + 1n : seed);
      return later.randn(size);
    },
    brownian: (sigmaMin, sigmaMax) =>
      brownianNoise(sigmaMin, sigmaMax, [seed], size, normalsOf('cpu')),
  };
}

function normalsOf(rng: RngName): (seed: bigint, n: number) => Float32Array {
  return (seed, n) => createGenerator(rng, seed).randn(n);
}

function perImage(request: NoiseRequest, shape: LatentShape, sizeFactor: number): NoiseSource {
  const [batch, channels, height, width] = shape;
  const size = channels * height * width;
  const { seeds, variationSeeds } = imageSeeds({ ...request, count: batch });
  const { rng } = request;
  let generators = seeds.map((seed) => createGenerator(rng, seed));
  const join = (parts: readonly Float32Array[]): Float32Array => {
    const out = new Float32Array(batch * size);
    for (const [i, part] of parts.entries()) out.set(part, i * size);
    return out;
  };
  const resized = request.seedResize;
  const from =
    resized !== null && resized.width > 0 && resized.height > 0
      ? {
          height: Math.floor(resized.height / sizeFactor),
          width: Math.floor(resized.width / sizeFactor),
        }
      : { height, width };
  const foreign = from.height !== height || from.width !== width;
  const fromSize = channels * from.height * from.width;
  const strength = request.variation?.strength ?? 0;

  const initial = (): Float32Array => {
    const parts = seeds.map((seed, i) => {
      let noise = foreign ? createGenerator(rng, seed).randn(fromSize) : generators[i]!.randn(size);
      if (strength !== 0) {
        const other = createGenerator(rng, variationSeeds[i]!).randn(fromSize);
        noise = slerp(strength, noise, other, [channels, from.height, from.width]);
      }
      if (!foreign) return noise;
      return placeCentred(noise, from, generators[i]!.randn(size), { height, width }, channels);
    });
    if (request.etaNoiseSeedDelta !== 0) {
      const delta = BigInt(request.etaNoiseSeedDelta);
      generators = seeds.map((seed) => createGenerator(rng, seed + delta));
    }
    return join(parts);
  };
  return {
    initial,
    next: () => join(generators.map((generator) => generator.randn(size))),
    brownian: (sigmaMin, sigmaMax) =>
      brownianNoise(sigmaMin, sigmaMax, seeds, size, normalsOf(rng)),
  };
}

/**
 * Spherical interpolation from `low` (t = 0) to `high` (t = 1) as A1111 does it (modules/rng.py, slerp): norms
 * are taken over dimension 1, which for a single picture [C,h,w] is the height.
 */
export function slerp(
  t: number,
  low: Float32Array,
  high: Float32Array,
  [channels, height, width]: readonly [number, number, number],
): Float32Array {
  const columns = channels * width;
  const dots = new Float64Array(columns);
  let total = 0;
  for (let column = 0; column < columns; column++) {
    const base = Math.floor(column / width) * height * width + (column % width);
    let ll = 0;
    let hh = 0;
    let lh = 0;
    for (let y = 0; y < height; y++) {
      const a = low[base + y * width]!;
      const b = high[base + y * width]!;
      ll += a * a;
      hh += b * b;
      lh += a * b;
    }
    dots[column] = lh / Math.sqrt(ll * hh);
    total += dots[column]!;
  }
  const out = new Float32Array(low.length);
  if (total / columns > 0.9995) {
    // A1111 swaps the ends here; nearly equal tensors make it harmless.
    for (let i = 0; i < out.length; i++) out[i] = low[i]! * t + high[i]! * (1 - t);
    return out;
  }
  for (let column = 0; column < columns; column++) {
    const omega = Math.acos(dots[column]!);
    const sine = Math.sin(omega);
    const a = Math.sin((1 - t) * omega) / sine;
    const b = Math.sin(t * omega) / sine;
    const base = Math.floor(column / width) * height * width + (column % width);
    for (let y = 0; y < height; y++) {
      const i = base + y * width;
      out[i] = a * low[i]! + b * high[i]!;
    }
  }
  return out;
}

type Plane = { height: number; width: number };

/** Lays the middle of `noise` over the middle of `canvas` (which it changes and returns): A1111's seed resize. */
function placeCentred(
  noise: Float32Array,
  from: Plane,
  canvas: Float32Array,
  to: Plane,
  channels: number,
): Float32Array {
  const dx = Math.floor((to.width - from.width) / 2);
  const dy = Math.floor((to.height - from.height) / 2);
  const w = dx >= 0 ? from.width : from.width + 2 * dx;
  const h = dy >= 0 ? from.height : from.height + 2 * dy;
  const toX = Math.max(dx, 0);
  const toY = Math.max(dy, 0);
  const fromX = Math.max(-dx, 0);
  const fromY = Math.max(-dy, 0);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const source = (c * from.height + fromY + y) * from.width + fromX;
      canvas.set(noise.subarray(source, source + w), (c * to.height + toY + y) * to.width + toX);
    }
  }
  return canvas;
}
