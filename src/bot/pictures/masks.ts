import sharp from 'sharp';
import { UserError } from '../../engine/errors.ts';
import { decodeImage } from '../../engine/picture/image.ts';
import type { ImageSize } from '../../engine/request.ts';
import type { Text } from '../text/text.ts';

/** A mask at its picture's size: PNG or as it came, and the share of the picture that it has painted anew, 0-1. */
export type FittedMask = { bytes: Uint8Array; coverage: number };

/** How far apart two ratios of sides may be: a pixel of rounding in a small picture. */
const SAME_RATIO = 0.02;
/** Below this a level is black with the noise of a JPEG. */
const DARK = 16;

/**
 * A mask that somebody drew, for a picture of this size: scaled where its ratio of sides is the picture's.
 * @throws UserError where it is not, or where the mask holds nothing to paint
 */
export async function fitMask(
  bytes: Uint8Array,
  picture: ImageSize,
  text: Text,
): Promise<FittedMask> {
  const { data, alpha, width, height } = await decodeImage(bytes);
  const ratio = width / height / (picture.width / picture.height);
  if (Math.abs(Math.log(ratio)) > SAME_RATIO) {
    throw new UserError(
      text.maskMisfit(`${width}x${height}`, `${picture.width}x${picture.height}`),
    );
  }
  const grey = greyOf(data, alpha, width * height);
  const coverage = coverageOf(grey);
  if (grey.every((level) => level < DARK)) throw new UserError(text.maskEmpty);
  if (width === picture.width && height === picture.height) return { bytes, coverage };
  const scaled = await sharp(grey, { raw: { width, height, channels: 1 } })
    .resize(picture.width, picture.height, { fit: 'fill', kernel: 'cubic' })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  return { bytes: scaled, coverage };
}

/** Light is painted; in a picture that is transparent somewhere, what is not transparent, as A1111 reads it. */
function greyOf(data: Uint8Array, alpha: Uint8Array | null, pixels: number): Uint8Array {
  const drawn = alpha?.some((opacity) => opacity !== 255) === true ? alpha : null;
  const grey = new Uint8Array(pixels);
  for (let at = 0; at < pixels; at += 1) {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * at, 3 * at + 3);
    const luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    grey[at] = drawn === null ? luma : (drawn[at] ?? 0) > 128 ? 255 : 0;
  }
  return grey;
}

/** Of grey levels, one byte a pixel: soft edges count as far as they are light. */
export function coverageOf(grey: Uint8Array): number {
  let sum = 0;
  for (const level of grey) sum += level;
  return sum / 255 / Math.max(1, grey.length);
}
