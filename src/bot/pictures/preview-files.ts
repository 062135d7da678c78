import sharp from 'sharp';
import type { Preview } from '../../engine/result.ts';

/** Discord shows a picture of its own size at most: a preview as large as this stands as the finished picture will. */
const LONGEST = 1024;
const QUALITY = 80;

/**
 * A preview, whose pictures stand side by side, as one JPEG a picture at the size of the finished ones, so that the
 * gallery already has its final layout. `size`: of one finished picture, pixels.
 */
export async function previewFiles(
  { jpeg, width, height }: Preview,
  count: number,
  size: { width: number; height: number },
): Promise<Uint8Array[]> {
  const scale = Math.min(1, LONGEST / Math.max(size.width, size.height));
  const [wide, high] = [size.width, size.height].map((side) =>
    Math.max(1, Math.round(side * scale)),
  ) as [number, number];
  const whole = sharp(jpeg);
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const left = Math.floor((width * index) / count);
      const own = Math.max(1, Math.floor((width * (index + 1)) / count) - left);
      return whole
        .clone()
        .extract({ left, top: 0, width: own, height })
        .resize(wide, high, { fit: 'fill', kernel: 'cubic' })
        .jpeg({ quality: QUALITY })
        .toBuffer();
    }),
  );
}
