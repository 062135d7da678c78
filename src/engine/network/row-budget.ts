import { totalmem } from 'node:os';
import type { ProviderName } from '../names.ts';

/**
 * Memory at the peak of a run for each latent pixel of a row, in bytes: float32 attention over 64 x 64 latents with the
 * layers' activations beside it takes about a gigabyte. Half of that in float16.
 */
const PER_LATENT_PIXEL = 256 * 1024;

/** A guided picture's two rows are asked together, whatever they take: the size of one picture is its own limit. */
const LEAST_ROWS = 2;

/** What the drivers of graphics cards leave open: a card for pictures of this kind has as much. */
const ON_A_CARD = 16 * 1024 ** 3;

/** Memory that one evaluation of the network may take on this machine, bytes. */
export function evaluationBytes(provider: ProviderName): number {
  const half = totalmem() / 2;
  return provider === 'cpu' ? half : Math.min(half, ON_A_CARD);
}

/** Memory at the peak of a run of one row of so many latent pixels, bytes. */
export function runBytes(latentPixels: number, isHalf: boolean): number {
  return latentPixels * PER_LATENT_PIXEL * (isHalf ? 0.5 : 1);
}

/** Rows of latents [C,h,w] that one run may have. */
export function rowsWithin(
  bytes: number,
  { height, width }: { height: number; width: number },
  dtype: 'float32' | 'float16',
): number {
  const share = dtype === 'float16' ? 0.5 : 1;
  return Math.max(LEAST_ROWS, Math.floor(bytes / (height * width * PER_LATENT_PIXEL * share)));
}
