/** Start picture and mask at the size the network works at, and the way back into the picture. */
import { decodeImage } from './image.ts';
import { maskedRegion, type Region } from './inpaint-region.ts';
import { resizeBytes } from './resample.ts';
import { type Mask, readMask } from './mask.ts';
import type { GenerateRequest, InitImage } from './request.ts';
import type { Pixels } from './vae.ts';

export type { Mask };

export type Frame = {
  /** what the network works on, at the request's size */
  source: Pixels;
  mask: Mask | null;
  /** Lays the kept part of the start picture over the decoded one. */
  finish(decoded: Pixels): Promise<Pixels>;
};

/**
 * The whole picture at the request's size, or the masked region blown up to it. Profile a1111 blends the kept part
 * back in; the others leave the decoded picture as it is. Throws UserError for a picture or mask that cannot serve.
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
      source: fit(picture, 3, size, region),
      mask: fit(mask, 1, size, region),
      finish: (decoded) => Promise.resolve(overlay(fit(decoded, 3, region), picture, mask, region)),
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

/** Crops to the region, if there is one, and resizes as Pillow does, whose resampling every reference uses. */
function fit<T extends Pixels | Mask>(
  picture: T,
  channels: 1 | 3,
  size: { width: number; height: number },
  region?: Region,
): T {
  const seen = region === undefined ? picture : crop(picture, channels, region);
  if (seen.width === size.width && seen.height === size.height) return seen;
  const data = resizeBytes(seen.data, seen, size, channels);
  return { ...seen, data, width: size.width, height: size.height };
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

/** `painted` laid over `base` at a corner, as strongly as the mask (at the base's size) is white. */
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
      const share = (mask.data[pixel] as number) / 255;
      for (let c = 0; c < 3; c++) {
        const over = painted.data[3 * (y * painted.width + x) + c] as number;
        const under = base.data[3 * pixel + c] as number;
        data[3 * pixel + c] = Math.round(share * over + (1 - share) * under);
      }
    }
  }
  return { data, width: base.width, height: base.height };
}
