/**
 * Pictures of an unfinished generation: x̂0 latents become colours by a linear map (four latent channels to RGB,
 * 12 multiply-adds a pixel). Rough, but three orders of magnitude cheaper than the VAE.
 */
import { join } from 'node:path';
import type { ModelLayout } from '../model/layout.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import type { Pixels } from '../network/vae.ts';
import { type PreviewFactors, publishedFactors } from './published.ts';
import { readTextFile } from '../text/text-file.ts';

/** preview.json of the model folder, else the published fit for its VAE, else null: no previews yet. */
export async function readPreviewFactors(layout: ModelLayout): Promise<PreviewFactors | null> {
  const text = await readTextFile(join(layout.folder, 'preview.json')).catch(() => null);
  if (text !== null) {
    const factors = parseFactors(text, layout.latentChannels);
    if (factors !== null) return factors;
  }
  return publishedFactors(layout);
}

function parseFactors(text: string, channels: number): PreviewFactors | null {
  try {
    const json = JSON.parse(text) as { latent_rgb_factors: unknown; bias: unknown };
    const rows = json.latent_rgb_factors as PreviewFactors['rows'];
    const bias = json.bias as PreviewFactors['bias'];
    const triple = (row: unknown): boolean =>
      Array.isArray(row) && row.length === 3 && row.every((value) => Number.isFinite(value));
    return rows.length === channels && rows.every(triple) && triple(bias) ? { rows, bias } : null;
  } catch {
    return null;
  }
}

/** All images of the batch side by side, one pixel per latent, or one for each place of its patch. */
export function renderPreview(
  latents: Float32Array,
  shape: LatentShape,
  { rows, bias, patch }: PreviewFactors,
): Pixels {
  const [batch, channels, height, width] = patchesApart(shape, patch ?? 1);
  const denoised = patch === undefined ? latents : withPatchesApart(latents, shape, patch);
  const plane = height * width;
  const stride = 3 * batch * width;
  const data = new Uint8Array(batch * plane * 3);
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < height; y++) {
      let at = y * stride + image * width * 3;
      for (let x = 0; x < width; x++) {
        let [red, green, blue] = bias;
        for (let channel = 0; channel < channels; channel++) {
          const value = denoised[(image * channels + channel) * plane + y * width + x] as number;
          const row = rows[channel] as readonly [number, number, number];
          red += value * row[0];
          green += value * row[1];
          blue += value * row[2];
        }
        data[at++] = toByte(red);
        data[at++] = toByte(green);
        data[at++] = toByte(blue);
      }
    }
  }
  return { data, width: batch * width, height };
}

function patchesApart([batch, channels, height, width]: LatentShape, patch: number): LatentShape {
  return [batch, channels / (patch * patch), patch * height, patch * width];
}

/** [B,C·p·p,h,w] -> [B,C,p·h,p·w] @throws Error where the patches are not whole */
export function withPatchesApart(
  latents: Float32Array,
  shape: LatentShape,
  patch: number,
): Float32Array {
  const [batch, channels, height, width] = patchesApart(shape, patch);
  const apart = new Float32Array(latents.length);
  const [inside, plane] = [patch * patch, shape[2] * shape[3]];
  for (let at = 0; at < apart.length; at++) {
    const x = at % width;
    const y = Math.floor(at / width) % height;
    const channel = Math.floor(at / (width * height));
    const own = channel * inside + (y % patch) * patch + (x % patch);
    const place = Math.floor(y / patch) * shape[3] + Math.floor(x / patch);
    apart[at] = latents[own * plane + place]!;
  }
  if (apart.length !== batch * channels * height * width) throw new Error('no whole patches');
  return apart;
}

function toByte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(127.5 * value + 127.5)));
}

export type PreviewClock = {
  /** Is a preview due after this many finished steps? */
  due(finished: number, total: number, now: number): boolean;
};

const INTERVAL_MS = 1000;

/**
 * The first preview by a quarter of the steps, then about one a second, none for a picture that takes less than a
 * second, none for the last step (the picture itself follows). `start` is when the first step began.
 */
export function createPreviewClock(start: number): PreviewClock {
  let last: number | null = null;
  return {
    due(finished, total, now) {
      if (finished >= total) return false;
      const elapsed = now - start;
      if ((elapsed / finished) * total < INTERVAL_MS) return false;
      const first = finished >= Math.max(1, Math.floor(total / 4)) || elapsed >= INTERVAL_MS;
      if (last === null ? !first : now - last < INTERVAL_MS) return false;
      last = now;
      return true;
    },
  };
}

/** A decoded picture with the latents [C,h,w] it came from. */
export type Sample = { latents: Float32Array; pixels: Pixels };

/**
 * Least-squares fit of the map over every latent of the samples: normal equations of [latents, 1] against the
 * mean colour of the pixels under each latent.
 */
export function fitPreviewFactors(samples: readonly Sample[], channels: number): PreviewFactors {
  const size = channels + 1;
  const normal = Array.from({ length: size }, () => new Float64Array(size + 3));
  for (const { latents, pixels } of samples) {
    const factor = Math.round(
      Math.sqrt((pixels.width * pixels.height * channels) / latents.length),
    );
    const width = pixels.width / factor;
    const plane = width * (pixels.height / factor);
    const input = new Float64Array(size).fill(1);
    for (let at = 0; at < plane; at++) {
      for (let c = 0; c < channels; c++) input[c] = latents[c * plane + at] as number;
      const colour = meanColour(pixels, at % width, Math.floor(at / width), factor);
      for (let i = 0; i < size; i++) {
        const row = normal[i] as Float64Array;
        for (let j = 0; j < size; j++) row[j]! += (input[i] as number) * (input[j] as number);
        for (let j = 0; j < 3; j++) row[size + j]! += (input[i] as number) * (colour[j] as number);
      }
    }
  }
  const solved = solve(normal, size);
  return { rows: solved.slice(0, channels), bias: solved[channels] as [number, number, number] };
}

function meanColour(pixels: Pixels, column: number, line: number, factor: number): number[] {
  const sum = [0, 0, 0];
  for (let y = line * factor; y < (line + 1) * factor; y++) {
    for (let x = column * factor; x < (column + 1) * factor; x++) {
      const at = 3 * (y * pixels.width + x);
      for (let j = 0; j < 3; j++) sum[j]! += pixels.data[at + j] as number;
    }
  }
  return sum.map((value) => value / (factor * factor) / 127.5 - 1);
}

/** Gaussian elimination with pivoting; a ridge keeps a constant channel solvable. */
function solve(normal: Float64Array[], size: number): [number, number, number][] {
  for (let i = 0; i < size; i++) normal[i]![i]! += 1e-6;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(normal[row]![column]!) > Math.abs(normal[pivot]![column]!)) pivot = row;
    }
    [normal[column], normal[pivot]] = [normal[pivot]!, normal[column]!];
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const ratio = normal[row]![column]! / normal[column]![column]!;
      for (let j = column; j < size + 3; j++) normal[row]![j]! -= ratio * normal[column]![j]!;
    }
  }
  return normal.map((row, i) => {
    const scale = row[i] as number;
    return [row[size]! / scale, row[size + 1]! / scale, row[size + 2]! / scale];
  });
}
