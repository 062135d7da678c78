import sharp from 'sharp';
import type { Job } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';

/** Discord shows a thumbnail at 85 pixels, on sharp screens with twice as many. */
const SIDE = 170;

/** A small WebP of a stored picture; null when it is gone or cannot be read. */
export async function thumbnailOf(
  job: Pick<Job, 'result'>,
  index: number,
  pictures: PictureStore,
  side: number = SIDE,
): Promise<Uint8Array | null> {
  const key = job.result?.images[index]?.key;
  const png = key === undefined ? null : await pictures.get(key);
  return png === null ? null : thumbnailIn(png, side);
}

/** The same of a picture in hand. */
export function thumbnailIn(picture: Uint8Array, side: number = SIDE): Promise<Uint8Array | null> {
  return sharp(picture)
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer()
    .catch(() => null);
}
