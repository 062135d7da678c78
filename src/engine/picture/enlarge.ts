import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { DEFAULT_DECODE_LIMITS, inWords, markPng, readImageSize } from './image.ts';
import { readInfotext } from './recipe-texts.ts';
import type { ImageSize } from '../request.ts';

const FACTOR = 2;
/** Longest side of the result, pixels. */
const MAX_SIDE = 8192;

/**
 * A stored picture at twice its size: Lanczos (three lobes), lightly sharpened; no pixel is imagined anew. The PNG
 * keeps its recipe, with `Upscaled` added, and its mark; one that is not ours gets none.
 * @throws UserError when the result would be too large
 */
export async function enlargePicture(
  png: Uint8Array,
  { isOurs = true }: { isOurs?: boolean } = {},
): Promise<Uint8Array> {
  const { width, height } = await sharp(png).metadata();
  const [wide, high] = [width * FACTOR, height * FACTOR];
  if (Math.max(wide, high) > MAX_SIDE) {
    throw new UserError(say('picture-too-large-to-double', width, height, MAX_SIDE));
  }
  const enlarged = await sharp(png)
    .removeAlpha()
    .toColourspace('srgb')
    .resize(wide, high, { kernel: 'lanczos3', fit: 'fill' })
    .sharpen({ sigma: 0.6, m1: 0.2, m2: 0.6 })
    .png({ compressionLevel: 2, adaptiveFiltering: true })
    .toBuffer();
  // Who or what made it is not known: no mark says that a model did.
  if (!isOurs) return enlarged;
  const recipe = readInfotext(png) ?? '';
  const note = `Upscaled: ${FACTOR}x Lanczos`;
  const infotext = recipe === '' ? note : `${recipe}, ${note}`;
  return markPng(enlarged, { infotext });
}

/** A start picture or mask as it is stored with an order, and the sides of what was given, upright. */
export type StorablePicture = { bytes: Uint8Array; size: ImageSize };

/** A picture that would be stored with an order is kept no larger than this. */
const KEPT_SIDE = 2048;
const KEPT_BYTES = 2 * 1024 * 1024;

/**
 * A start picture or mask as it is stored with an order: unchanged when it is small, else fitted into 2048 x 2048,
 * upright. Every pixel is decoded.
 * @throws UserError as decodeImage does
 */
export async function storablePicture(bytes: Uint8Array): Promise<StorablePicture> {
  const { maxSide } = DEFAULT_DECODE_LIMITS;
  const size = await readImageSize(bytes);
  const upright = sharp(bytes, { limitInputPixels: maxSide ** 2, failOn: 'error' }).autoOrient();
  if (bytes.byteLength <= KEPT_BYTES && Math.max(size.width, size.height) <= KEPT_SIDE) {
    await inWords(() => upright.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer());
    return { bytes, size };
  }
  const fitted = upright
    .resize(KEPT_SIDE, KEPT_SIDE, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 95 });
  return { bytes: await inWords(() => fitted.toBuffer()), size };
}
