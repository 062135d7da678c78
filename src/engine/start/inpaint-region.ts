/** "Only masked" inpainting: the part around the mask is painted at full size and set back into the picture. */

export type Region = { left: number; top: number; width: number; height: number };

type Size = { width: number; height: number };

/** Pixels of surroundings that the network sees around the mask: A1111's default. */
const PADDING = 32;

/**
 * The smallest region that holds every white pixel of the mask and its padding, widened to the aspect ratio of
 * `target` as far as the picture allows (A1111 modules/masking.py). Null when the mask is black throughout.
 */
export function maskedRegion(mask: Size & { data: Uint8Array }, target: Size): Region | null {
  let [left, top, right, bottom] = [mask.width, mask.height, -1, -1];
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if (mask.data[y * mask.width + x] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return null;
  const wide = widen(left - PADDING, right + 1 + PADDING, mask.width);
  const tall = widen(top - PADDING, bottom + 1 + PADDING, mask.height);
  const ratio = target.width / target.height;
  const width = wide.end - wide.start;
  const height = tall.end - tall.start;
  const isWider = width / height > ratio;
  const horizontal = isWider ? wide : grow(wide, height * ratio, mask.width);
  const vertical = isWider ? grow(tall, width / ratio, mask.height) : tall;
  return {
    left: horizontal.start,
    top: vertical.start,
    width: horizontal.end - horizontal.start,
    height: vertical.end - vertical.start,
  };
}

type Span = { start: number; end: number };

function widen(start: number, end: number, limit: number): Span {
  return { start: Math.max(0, start), end: Math.min(limit, end) };
}

/** The span made `length` long around its middle (expand_crop_region), moved inside 0 … limit and cut off there. */
function grow(span: Span, length: number, limit: number): Span {
  const added = Math.trunc(length - (span.end - span.start));
  let start = span.start - Math.floor(added / 2);
  let end = span.end + added - Math.floor(added / 2);
  if (end >= limit) [start, end] = [start - (end - limit), limit];
  if (start < 0) [start, end] = [0, end - start];
  return { start, end: Math.min(end, limit) };
}
