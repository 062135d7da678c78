/** Start picture and mask at the size the network works at, and the way back into the picture. */
import { fitInside, fitOver } from './aspect-fit.ts';
import { decodeImage } from '../picture/image.ts';
import { maskedRegion, type Region } from './inpaint-region.ts';
import { resizeBytes } from '../picture/pixels/resample.ts';
import { type Mask, readMask } from './mask.ts';
import type { GenerateRequest, InitImage } from '../request.ts';
import type { Pixels } from '../network/vae.ts';

export type { Mask };

export type Frame = {
  /** what the network works on, at the request's size */
  source: Pixels;
  mask: Mask | null;
  /** Lays the kept part of the start picture over the decoded one. */
  finish(decoded: Pixels): Promise<Pixels>;
};

/**
 * The whole picture at the request's size, or the masked region blown up to it. Profile a1111 blends the kept part back
 * in; the others leave the decoded picture as it is.
 * @throws UserError for a picture or mask that cannot serve
 */
export async function frameInit(request: GenerateRequest, init: InitImage): Promise<Frame> {
  const picture = await decodeImage(init.image);
  const size = { width: request.width, height: request.height };
  const asDecoded: Frame['finish'] = (decoded) => Promise.resolve(decoded);
  if (init.mask === null) {
    return { source: fit(picture, 3, size), mask: null, finish: asDecoded };
  }
  const mask = await readMask(init.mask, init.maskBlur, picture);
  const region = init.onlyMasked ? maskedRegion(mask, size) : null;
  if (region !== null) {
    return {
      source: inside(crop(picture, 3, region), 3, size),
      mask: inside(crop(mask, 1, region), 1, size),
      finish: (decoded) => {
        const { width, height } = region;
        const painted = { data: fitOver(decoded, region, 3), width, height };
        return Promise.resolve(overlay(painted, picture, mask, region));
      },
    };
  }
  const source = fit(picture, 3, size);
  const fitted = fit(mask, 1, size);
  const corner = { left: 0, top: 0 };
  // A1111 lets the blurred edge count twice here: what the mask covers by half or more is all new.
  const doubled = { ...fitted, data: fitted.data.map((level) => Math.min(255, 2 * level)) };
  const blend: Frame['finish'] = (decoded) =>
    Promise.resolve(overlay(decoded, source, doubled, corner));
  return { source, mask: fitted, finish: request.profile === 'a1111' ? blend : asDecoded };
}

/** Resizes as Pillow does, whose resampling every reference uses. */
export function fit<T extends Pixels | Mask>(
  picture: T,
  channels: 1 | 3,
  { width, height }: { width: number; height: number },
): T {
  if (picture.width === width && picture.height === height) return picture;
  const data = resizeBytes(picture.data, picture, { width, height }, channels);
  return { ...picture, data, width, height };
}

function inside<T extends Pixels | Mask>(
  picture: T,
  channels: 1 | 3,
  { width, height }: { width: number; height: number },
): T {
  const data = fitInside(picture, { width, height }, channels);
  return { ...picture, data, width, height };
}

function crop<T extends Pixels | Mask>(picture: T, channels: 1 | 3, region: Region): T {
  const line = region.width * channels;
  const data = new Uint8Array(region.height * line);
  for (let y = 0; y < region.height; y++) {
    const start = ((region.top + y) * picture.width + region.left) * channels;
    data.set(picture.data.subarray(start, start + line), y * line);
  }
  return { ...picture, data, width: region.width, height: region.height };
}

/**
 * The kept part of `base` laid over `painted`, which stands at a corner; the mask has the base's size. In Pillow's
 * whole numbers: the kept part has been through premultiplied colours (processing.py, apply_overlay).
 */
function overlay(
  painted: Pixels,
  base: Pixels,
  mask: Mask,
  { left, top }: { left: number; top: number },
): Pixels {
  const data = Uint8Array.from(base.data);
  for (let y = 0; y < painted.height; y++) {
    for (let x = 0; x < painted.width; x++) {
      const pixel = (y + top) * base.width + x + left;
      const kept = 255 - (mask.data[pixel] as number);
      if (kept === 255) continue;
      for (let c = 0; c < 3; c++) {
        const under = painted.data[3 * (y * painted.width + x) + c] as number;
        const over = base.data[3 * pixel + c] as number;
        data[3 * pixel + c] = kept === 0 ? under : composite(over, kept, under);
      }
    }
  }
  return { data, width: base.width, height: base.height };
}

/** ImagingAlphaComposite over an opaque pixel, of a colour that was premultiplied by its alpha and divided again. */
function composite(over: number, alpha: number, under: number): number {
  const premultiplied = by255(over * alpha + 128);
  const colour = Math.min(255, Math.floor((255 * premultiplied) / alpha));
  // 7 bits more than a level has
  const factor = alpha * 128;
  const sum = colour * factor + under * (255 * 128 - factor) + (128 << 7);
  return by255(sum) >> 7;
}

/** x / 255 for sums of rounded bytes, as Pillow's SHIFTFORDIV255 */
function by255(x: number): number {
  return ((x >> 8) + x) >> 8;
}
