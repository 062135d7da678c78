/** Resizing planes of numbers and pictures exactly as the references' libraries do: torch for latents, Pillow for pixels. */
import type { UpscalerName } from '../../names.ts';

/** How latents are resized; the names and settings of A1111's latent_upscale_modes (modules/shared.py). */
export type LatentMode = Exclude<UpscalerName, 'pixel'>;

type Kernel = { support: number; at(x: number): number };

/** What one value of the result is made of: weights[k] of source[indices[k]]. */
type Taps = { indices: readonly number[]; weights: readonly number[] };

const TRIANGLE: Kernel = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };
/** a = -0.5 where torch smooths, -0.75 where it interpolates */
const CUBIC_SMOOTH: Kernel = { support: 2, at: (x) => cubic(Math.abs(x), -0.5) };
const LANCZOS: Kernel = {
  support: 3,
  at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0),
};

function cubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The kernel widened to the scale when shrinking, its weights normalised: Pillow, and torch with antialias. */
function smoothTaps(from: number, to: number, kernel: Kernel): Taps[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = kernel.support * stretch;
  return Array.from({ length: to }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const indices = Array.from({ length: end - first }, (_unused, k) => first + k);
    const raw = indices.map((index) => kernel.at((index - centre + 0.5) / stretch));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { indices, weights: raw.map((weight) => weight / sum) };
  });
}

/** Interpolation at (i + 0.5) from / to - 0.5, whatever the scale: torch without antialias. */
function pointTaps(from: number, to: number, mode: LatentMode): Taps[] {
  const scale = Math.fround(from / to);
  const clamp = (index: number): number => Math.min(from - 1, Math.max(0, index));
  return Array.from({ length: to }, (_, at) => {
    if (mode === 'latent_nearest') {
      return { indices: [clamp(Math.floor(Math.fround(at * scale)))], weights: [1] };
    }
    const centre = Math.fround((at + 0.5) * scale);
    if (mode === 'latent_nearest_exact')
      return { indices: [clamp(Math.floor(centre))], weights: [1] };
    if (mode === 'latent_bicubic') {
      const left = Math.floor(centre - 0.5);
      const share = centre - 0.5 - left;
      return {
        indices: [-1, 0, 1, 2].map((k) => clamp(left + k)),
        weights: [1 + share, share, 1 - share, 2 - share].map((x) => cubic(x, -0.75)),
      };
    }
    const place = Math.max(0, centre - 0.5);
    const left = Math.floor(place);
    return { indices: [left, clamp(left + 1)], weights: [1 - (place - left), place - left] };
  });
}

function latentTaps(from: number, to: number, mode: LatentMode): Taps[] {
  if (mode === 'latent_antialiased') return smoothTaps(from, to, TRIANGLE);
  if (mode === 'latent_bicubic_antialiased') return smoothTaps(from, to, CUBIC_SMOOTH);
  return pointTaps(from, to, mode);
}

type Size = { width: number; height: number };

/**
 * Planes [N,h,w] (latents [B,C,h,w] with N = B C) at another size, as torch.nn.functional.interpolate computes them
 * (align_corners off).
 */
export function resizeLatents(
  planes: Float32Array,
  from: Size,
  to: Size,
  mode: LatentMode,
): Float32Array {
  const columns = latentTaps(from.width, to.width, mode);
  const rows = latentTaps(from.height, to.height, mode);
  const count = planes.length / (from.width * from.height);
  const narrow = new Float32Array(count * from.height * to.width);
  for (let row = 0; row < count * from.height; row++) {
    for (let x = 0; x < to.width; x++) {
      const { indices, weights } = columns[x]!;
      let sum = 0;
      for (let k = 0; k < indices.length; k++) {
        sum += weights[k]! * planes[row * from.width + indices[k]!]!;
      }
      narrow[row * to.width + x] = sum;
    }
  }
  const resized = new Float32Array(count * to.height * to.width);
  for (let plane = 0; plane < count; plane++) {
    const source = plane * from.height;
    for (let y = 0; y < to.height; y++) {
      const { indices, weights } = rows[y]!;
      const target = (plane * to.height + y) * to.width;
      for (let k = 0; k < indices.length; k++) {
        const line = (source + indices[k]!) * to.width;
        for (let x = 0; x < to.width; x++) resized[target + x]! += weights[k]! * narrow[line + x]!;
      }
    }
  }
  return resized;
}

/** Pillow keeps weights of 8-bit pictures as integers of this many bits behind the point (Resample.c). */
const FIXED_POINT = 2 ** 22;

function fixedTaps(from: number, to: number, kernel: Kernel): Taps[] {
  return smoothTaps(from, to, kernel).map(({ indices, weights }) => ({
    indices,
    // C's cast after adding a half away from zero.
    weights: weights.map((weight) => Math.trunc(weight * FIXED_POINT + (weight < 0 ? -0.5 : 0.5))),
  }));
}

/** To a whole level 0 … 255, as Pillow's clip8. */
function toLevel(sum: number): number {
  return Math.min(255, Math.max(0, Math.floor((sum + FIXED_POINT / 2) / FIXED_POINT)));
}

/** Interleaved bytes [h,w,channels] at another size: Pillow's Image.resize, to the level. */
export function resizeBytes(
  data: Uint8Array,
  from: Size,
  to: Size,
  channels: number,
  filter: 'lanczos' | 'bicubic' = 'lanczos',
): Uint8Array {
  const kernel = filter === 'lanczos' ? LANCZOS : CUBIC_SMOOTH;
  let columns: Uint8Array = data;
  if (from.width !== to.width) {
    columns = new Uint8Array(from.height * to.width * channels);
    const taps = fixedTaps(from.width, to.width, kernel);
    for (let y = 0; y < from.height; y++) {
      for (let x = 0; x < to.width; x++) {
        const { indices, weights } = taps[x]!;
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let k = 0; k < indices.length; k++) {
            sum += weights[k]! * data[(y * from.width + indices[k]!) * channels + c]!;
          }
          columns[(y * to.width + x) * channels + c] = toLevel(sum);
        }
      }
    }
  }
  if (from.height === to.height) return columns;
  const line = to.width * channels;
  const resized = new Uint8Array(to.height * line);
  const taps = fixedTaps(from.height, to.height, kernel);
  for (let y = 0; y < to.height; y++) {
    const { indices, weights } = taps[y]!;
    for (let at = 0; at < line; at++) {
      let sum = 0;
      for (let k = 0; k < indices.length; k++)
        sum += weights[k]! * columns[indices[k]! * line + at]!;
      resized[y * line + at] = toLevel(sum);
    }
  }
  return resized;
}
