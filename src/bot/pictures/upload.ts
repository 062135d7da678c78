import sharp from 'sharp';
import { webpCopy } from '../../engine/picture/webp-copy.ts';
import type { Picture } from '../render/render.ts';

/** Room for the JSON part and the form's own lines beside the pictures. */
const FORM_RESERVE = 256 * 1024;
/** Discord's limit for a whole request, all files together. */
const REQUEST_LIMIT = 25 * 1024 * 1024;
const QUALITIES = [95, 88, 78, 65, 50];

/**
 * PNGs -> what fits in one message. A picture over the limit becomes a WebP copy of the best quality that
 * fits, at last a smaller one; the original stays in the store.
 */
export async function fitForUpload(
  pngs: readonly Uint8Array[],
  attachmentLimit: number,
): Promise<Picture[]> {
  const share = Math.floor((REQUEST_LIMIT - FORM_RESERVE) / Math.max(1, pngs.length));
  const total = pngs.reduce((sum, png) => sum + png.byteLength, 0);
  const limit =
    total <= REQUEST_LIMIT - FORM_RESERVE ? attachmentLimit : Math.min(attachmentLimit, share);
  const pictures: Picture[] = [];
  for (const png of pngs) {
    pictures.push(
      png.byteLength <= limit
        ? { data: png, format: 'png', reduced: false }
        : { data: await smallerCopy(png, limit), format: 'webp', reduced: true },
    );
  }
  return pictures;
}

async function smallerCopy(png: Uint8Array, limit: number): Promise<Uint8Array> {
  const { width = 0 } = await sharp(png).metadata();
  for (let shrink = 1; ; shrink *= 2) {
    const target = Math.max(1, Math.round(width / shrink));
    for (const quality of QUALITIES) {
      const copy = await webpCopy(png, { width: target, quality });
      if (copy.byteLength <= limit || target === 1) return copy;
    }
  }
}
