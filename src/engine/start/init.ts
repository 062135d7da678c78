/** Start pictures and masks as latents: what the sampler starts from and what an inpainting network reads. */
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { latentsToEdit, repeat } from './edited-picture.ts';
import { frameInit, type Frame } from './frame.ts';
import { type Mask, shrinkToLatents } from './mask.ts';
import { extraChannelsOf, type ModelLayout } from '../model/layout.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { ProfileName } from '../names.ts';
import type { GenerateRequest } from '../request.ts';
import type { LatentShape, NoiseSource, SamplingRun } from '../sampling/sampling.ts';
import type { Session } from '../network/session.ts';
import { encodePixels, encodePlanes, scaleLatents, type Pixels } from '../network/vae.ts';

export type EncodedInit = {
  start: SamplingRun['init'];
  /** plain models: 1 = repaint, 0 = keep, [B,C,h,w] */
  mask: SamplingRun['mask'];
  /**
   * inpainting models: mask and masked picture, [B,1+C,h,w], transformers the other way round, [B,C+f·f,h,w]; those that edit:
   * the picture, [B,C,h,w]
   */
  extraChannels: Float32Array | null;
  /** the same source; start noise that had to be drawn already is kept for the sampler */
  noise: NoiseSource;
  finish: Frame['finish'];
};

/**
 * Null for txt2img. The order of draws is part of the result: diffusers samples the picture's latents first, then the
 * start noise, then the masked picture's latents, all from one generator; A1111 and ComfyUI take the distribution's
 * mode and draw nothing.
 * @throws UserError for a picture or mask that cannot serve
 */
export async function encodeInit(
  request: GenerateRequest,
  model: LoadedModel,
  noise: NoiseSource,
  shape: LatentShape,
): Promise<EncodedInit | null> {
  const { layout } = model.entry;
  const { init, profile } = request;
  if (init === null) {
    if (layout.inpainting) throw new UserError(say('needs-picture-and-mask', layout.name));
    return null;
  }
  const frame = await frameInit(request, init);
  const encoder = await model.vaeEncoder();
  const draw = (): Float32Array | null => noise.single?.() ?? null;

  const posterior = await encodePixels(encoder, layout, frame.source);
  // An inpainting network at full strength starts from pure noise in diffusers: the picture's own latents go unused.
  const startsFromNoise = profile === 'diffusers' && layout.inpainting && init.strength >= 1;
  // A transformer's pipeline draws for them all the same.
  const drawn = startsFromNoise && layout.transformer === undefined ? null : draw();
  const latents = repeat(scaleLatents(posterior, layout, drawn), shape[0]);
  const start = startsFromNoise ? null : { latents, strength: init.strength };
  const { mask, finish } = frame;
  const edited = layout.edits ? latentsToEdit(posterior, layout, shape) : null;
  if (mask === null && !layout.inpainting) {
    return { start, mask: null, extraChannels: edited, noise, finish };
  }

  const initial = noise.initial();
  const kept: NoiseSource = { ...noise, initial: () => initial };
  if (layout.inpainting) {
    const repaint = mask ?? whiteMask(frame.source);
    const drawnMasked = draw();
    const extra = await inpaintingChannels(
      encoder,
      layout,
      frame.source,
      repaint,
      drawnMasked,
      shape,
    );
    return { start, mask: null, extraChannels: extra, noise: kept, finish };
  }
  // diffusers encodes the masked picture for every model and lets a plain one ignore it.
  draw();
  const latentMask = shrinkMask(mask as Mask, shape, profile);
  return { start, mask: { data: latentMask }, extraChannels: edited, noise: kept, finish };
}

function whiteMask({ width, height }: Pixels): Mask {
  return { data: new Uint8Array(width * height).fill(255), width, height };
}

/**
 * The mask at latent size. A1111 shrinks and rounds it, diffusers takes the pixel at each latent's corner, ComfyUI
 * the mean of the four in its middle (bilinear without smoothing).
 */
function shrinkMask(mask: Mask, shape: LatentShape, profile: ProfileName): Float32Array {
  const [batch, channels, height, width] = shape;
  if (profile === 'a1111') {
    return repeat(shrinkToLatents(mask, { width, height }), batch * channels);
  }
  const factor = mask.width / width;
  const middle = factor >> 1;
  const [from, to] = profile === 'diffusers' ? [0, 1] : [Math.max(0, middle - 1), middle + 1];
  const plane = new Float32Array(height * width);
  for (let at = 0; at < plane.length; at++) {
    const left = (at % width) * factor;
    const top = Math.floor(at / width) * factor;
    let sum = 0;
    for (let y = top + from; y < top + to; y++) {
      for (let x = left + from; x < left + to; x++) sum += mask.data[y * mask.width + x] as number;
    }
    const mean = sum / (255 * (to - from) ** 2);
    plane[at] = profile === 'comfy' ? mean : Math.round(mean);
  }
  return repeat(plane, batch * channels);
}

/**
 * What an inpainting network reads beside the noise: the mask at latent size and the latents of the picture with
 * the masked part greyed out (Stable Diffusion Inpainting; diffusers prepare_mask_latents).
 */
async function inpaintingChannels(
  encoder: Session,
  layout: ModelLayout,
  source: Pixels,
  mask: Mask,
  noise: Float32Array | null,
  shape: LatentShape,
): Promise<Float32Array> {
  const [batch, channels, height, width] = shape;
  const pixels = source.width * source.height;
  const masked = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    if ((mask.data[i] as number) >= 128) continue;
    for (let c = 0; c < 3; c++) {
      masked[c * pixels + i] = ((source.data[3 * i + c] as number) / 255) * 2 - 1;
    }
  }
  const posterior = await encodePlanes(encoder, layout, masked, source);
  const plane = height * width;
  const own = new Float32Array(extraChannelsOf(layout) * plane);
  const latents = scaleLatents(posterior, layout, noise);
  if (layout.transformer === undefined) {
    own.set(shrinkMask(mask, [1, 1, height, width], 'diffusers'));
    own.set(latents, plane);
  } else {
    own.set(latents);
    own.set(maskChannels(mask, layout.vaeFactor), channels * plane);
  }
  return repeat(own, batch);
}

/** 1 where to paint, for each pixel of a latent a channel: [f·f,h,w] (diffusers, FluxFillPipeline.prepare_mask_latents). */
function maskChannels({ data, width, height }: Mask, factor: number): Float32Array {
  const columns = width / factor;
  const plane = columns * (height / factor);
  const channels = new Float32Array(width * height);
  for (let at = 0; at < channels.length; at++) {
    const [y, x] = [Math.floor(at / width), at % width];
    const channel = (y % factor) * factor + (x % factor);
    const latent = Math.floor(y / factor) * columns + Math.floor(x / factor);
    channels[channel * plane + latent] = (data[at] as number) >= 128 ? 1 : 0;
  }
  return channels;
}
