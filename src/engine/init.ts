/** Start pictures and masks: from the person's files to what the sampler and an inpainting network take. */
import sharp from 'sharp';
import { UserError } from './errors.ts';
import { decodeImage } from './image.ts';
import { maskedRegion, type Region } from './inpaint-region.ts';
import type { LoadedModel } from './model/loader.ts';
import type { GenerateRequest, InitImage } from './request.ts';
import type { LatentShape, NoiseSource, SamplingRun } from './sampling.ts';
import type { Session } from './session.ts';
import { encodePixels, encodePlanes, scaleLatents, type Pixels } from './vae.ts';

export type EncodedInit = {
  start: SamplingRun['init'];
  /** plain models: 1 = repaint, 0 = keep, [B,C,h,w] */
  mask: SamplingRun['mask'];
  /** inpainting models: mask and masked picture, [B,1+C,h,w] */
  extraChannels: Float32Array | null;
  /** Lays the kept part of the start picture over the decoded one. */
  finish(decoded: Pixels): Promise<Pixels>;
};

/** grey levels 0 … 255, one byte a pixel */
type Mask = { data: Uint8Array; width: number; height: number };

/** Null for txt2img. Throws UserError for a picture or mask that cannot serve. */
export async function encodeInit(
  request: GenerateRequest,
  model: LoadedModel,
  noise: NoiseSource,
  shape: LatentShape,
): Promise<EncodedInit | null> {
  const { layout } = model.entry;
  if (request.init === null) {
    if (!layout.inpainting) return null;
    throw new UserError(
      `Model "${layout.name}" is an inpainting model: it needs a start picture and a mask. Give both, or choose another model.`,
    );
  }
  const { init } = request;
  const picture = await decodeImage(init.image);
  const mask = init.mask === null ? null : await readMask(init, picture);
  const size = { width: request.width, height: request.height };
  const frame = await frameOf(init, picture, mask, size);
  const encoder = await model.vaeEncoder();
  const draw = request.profile === 'diffusers' ? () => noise.next() : () => null;

  const posterior = await encodePixels(encoder, layout, frame.source);
  const latents = repeat(scaleLatents(posterior, layout, firstImage(draw(), shape)), shape[0]);
  const start = { latents, strength: init.strength };
  const { finish } = frame;
  if (layout.inpainting) {
    const repaint = frame.mask ?? {
      data: new Uint8Array(size.width * size.height).fill(255),
      ...size,
    };
    const extra = await inpaintingChannels(encoder, model, frame.source, repaint, draw, shape);
    return { start, mask: null, extraChannels: extra, finish };
  }
  const latentMask = frame.mask && { data: shrinkMask(frame.mask, shape) };
  return { start, mask: latentMask, extraChannels: null, finish };
}

type Frame = {
  /** what the network works on, at the request's size */
  source: Pixels;
  mask: Mask | null;
  finish: EncodedInit['finish'];
};

/** The whole picture at the request's size, or the masked region blown up to it. */
async function frameOf(
  init: InitImage,
  picture: Pixels,
  mask: Mask | null,
  size: { width: number; height: number },
): Promise<Frame> {
  if (mask === null) {
    const source = await fit(picture, 3, size);
    return { source, mask, finish: (decoded) => Promise.resolve(decoded) };
  }
  const region = init.onlyMasked ? maskedRegion(mask, size) : null;
  if (region === null) {
    const source = await fit(picture, 3, size);
    const fitted = await fit(mask, 1, size);
    return {
      source,
      mask: fitted,
      finish: (decoded) => Promise.resolve(overlay(decoded, source, fitted, { left: 0, top: 0 })),
    };
  }
  return {
    source: await fit(picture, 3, size, region),
    mask: await fit(mask, 1, size, region),
    finish: async (decoded) => overlay(await fit(decoded, 3, region), picture, mask, region),
  };
}

async function readMask(init: InitImage, picture: Pixels): Promise<Mask> {
  const { data, width, height } = await decodeImage(init.mask as Uint8Array);
  if (width !== picture.width || height !== picture.height) {
    throw new UserError(
      `The mask has ${width}x${height} pixels, the start picture ${picture.width}x${picture.height}. ` +
        'Draw the mask at the size of the picture: white where to repaint, black where to keep.',
    );
  }
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    const [red, green, blue] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    // ITU-R 601 luma in 16-bit fixed point, as Pillow converts to greyscale.
    grey[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
  // libvips takes a standard deviation of at least 0.3.
  if (init.maskBlur < 0.3) return { data: grey, width, height };
  const blurred = await sharp(grey, { raw: { width, height, channels: 1 } })
    .blur(init.maskBlur)
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  return { data: blurred, width, height };
}

/** Crops to the region, if there is one, and resizes. */
async function fit<T extends Pixels | Mask>(
  picture: T,
  channels: 1 | 3,
  { width, height }: { width: number; height: number },
  region?: Region,
): Promise<T> {
  const seen = region ?? picture;
  if (region === undefined && seen.width === width && seen.height === height) return picture;
  let image = sharp(picture.data, {
    raw: { width: picture.width, height: picture.height, channels },
  });
  if (region !== undefined) image = image.extract(region);
  if (seen.width !== width || seen.height !== height) {
    image = image.resize(width, height, {
      fit: 'fill',
      kernel: channels === 1 ? 'linear' : 'lanczos3',
    });
  }
  const data = await image
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
  return { ...picture, data, width, height };
}

/** Mean of the mask under each latent, rounded: a latent is repainted or kept, as A1111 does. */
function shrinkMask(mask: Mask, shape: LatentShape): Float32Array {
  const [batch, channels, height, width] = shape;
  const factor = mask.width / width;
  const plane = new Float32Array(height * width);
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      const at = Math.floor(y / factor) * width + Math.floor(x / factor);
      plane[at]! += (mask.data[y * mask.width + x] as number) / (255 * factor * factor);
    }
  }
  return repeat(plane.map(Math.round), batch * channels);
}

/**
 * What an inpainting network reads beside the noise: the mask at latent size and the latents of the picture with
 * the masked part greyed out (Stable Diffusion Inpainting; diffusers prepare_mask_latents).
 */
async function inpaintingChannels(
  encoder: Session,
  { entry: { layout } }: LoadedModel,
  source: Pixels,
  mask: Mask,
  draw: () => Float32Array | null,
  shape: LatentShape,
): Promise<Float32Array> {
  const [batch, channels, height, width] = shape;
  const pixels = source.width * source.height;
  const masked = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    const keep = (mask.data[i] as number) < 128;
    for (let c = 0; c < 3; c++) {
      masked[c * pixels + i] = keep ? ((source.data[3 * i + c] as number) / 255) * 2 - 1 : 0;
    }
  }
  const posterior = await encodePlanes(encoder, layout, masked, source);
  const latents = scaleLatents(posterior, layout, firstImage(draw(), shape));
  const one = new Float32Array((1 + channels) * height * width);
  const factor = source.width / width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = Math.floor(y * factor) * source.width + Math.floor(x * factor);
      one[y * width + x] = (mask.data[pixel] as number) < 128 ? 0 : 1;
    }
  }
  one.set(latents, height * width);
  return repeat(one, batch);
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

function firstImage(drawn: Float32Array | null, shape: LatentShape): Float32Array | null {
  return drawn && drawn.subarray(0, drawn.length / shape[0]);
}

function repeat(values: Float32Array, times: number): Float32Array {
  const repeated = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) repeated.set(values, i * values.length);
  return repeated;
}
