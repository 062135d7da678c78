/** Between pixels and latents. Both directions work one picture at a time: memory stays flat whatever the batch. */
import { RunError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { ProfileName } from '../names.ts';
import type { Session } from './session.ts';

export type Pixels = { data: Uint8Array; width: number; height: number };

/**
 * One picture of latents [C,h,w], still in the sampler's scale -> RGB bytes. Profile diffusers rounds 255 x, the
 * others truncate it (diffusers image_processor.py numpy_to_pil; A1111 processing.py process_images_inner; ComfyUI
 * nodes.py SaveImage).
 * @throws RunError when the picture has numbers that are none
 */
export async function decodeLatents(
  decoder: Session,
  layout: ModelLayout,
  latents: Float32Array,
  size: { width: number; height: number },
  profile: ProfileName,
): Promise<Pixels> {
  const height = size.height / layout.vaeFactor;
  const width = size.width / layout.vaeFactor;
  const input = firstName(decoder.inputs);
  const output = firstName(decoder.outputs);
  const { toVae } = channelScales(layout, latents.length);
  if (!latents.every(Number.isFinite)) throw new RunError(say('latents-not-finite', layout.name));
  const unscaled = latents.map(toVae);
  const results = await decoder.run(
    { [input]: { data: unscaled, shape: [1, layout.latentChannels, height, width] } },
    [output],
  );
  const decoded = results[output];
  const pixels = size.width * size.height;
  if (decoded === undefined || decoded.data.length !== 3 * pixels) {
    throw new RunError(
      say(
        'vae-shape',
        layout.name,
        decoder.path,
        decoded?.shape.join(', ') ?? '',
        `1, 3, ${size.height}, ${size.width}`,
      ),
    );
  }
  return { data: toBytes(decoded.data, pixels, profile === 'diffusers'), ...size };
}

/** Planar [3,H,W] in -1 … 1 -> interleaved RGB bytes. A NaN becomes an error: a black picture would hide it. */
function toBytes(planes: Float32Array, pixels: number, rounded: boolean): Uint8Array {
  const bytes = new Uint8Array(3 * pixels);
  const bias = rounded ? 0.5 : 0;
  let sum = 0;
  for (let channel = 0; channel < 3; channel++) {
    const offset = channel * pixels;
    for (let i = 0, at = channel; i < pixels; i++, at += 3) {
      const value = planes[offset + i] as number;
      sum += value;
      const unit = value <= -1 ? 0 : value >= 1 ? 1 : value * 0.5 + 0.5;
      bytes[at] = unit * 255 + bias;
    }
  }
  if (!Number.isFinite(sum)) {
    throw new RunError(say('vae-not-finite'));
  }
  return bytes;
}

export type Posterior = {
  /** [C,h,w], unscaled */
  mean: Float32Array;
  /** standard deviation, [C,h,w]; null when the graph samples by itself (old exports) */
  std: Float32Array | null;
};

/** RGB bytes -> the VAE's distribution over latents. */
export async function encodePixels(
  encoder: Session,
  layout: ModelLayout,
  picture: Pixels,
): Promise<Posterior> {
  const pixels = picture.width * picture.height;
  const planes = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    for (let channel = 0; channel < 3; channel++) {
      planes[channel * pixels + i] = ((picture.data[3 * i + channel] as number) / 255) * 2 - 1;
    }
  }
  return encodePlanes(encoder, layout, planes, picture);
}

/** The same for planar [3,H,W] in -1 … 1 (a masked picture holds values that bytes cannot). */
export async function encodePlanes(
  encoder: Session,
  layout: ModelLayout,
  planes: Float32Array,
  size: { width: number; height: number },
): Promise<Posterior> {
  const input = firstName(encoder.inputs);
  const output = firstName(encoder.outputs);
  const results = await encoder.run(
    { [input]: { data: planes, shape: [1, 3, size.height, size.width] } },
    [output],
  );
  const { data, shape } = results[output] as { data: Float32Array; shape: readonly number[] };
  if (shape[1] === layout.latentChannels) return { mean: data, std: null };
  const half = data.length / 2;
  const std = data.slice(half);
  // Clamp of diffusers' DiagonalGaussianDistribution.
  for (let i = 0; i < half; i++) {
    std[i] = Math.exp(0.5 * Math.min(20, Math.max(-30, std[i] as number)));
  }
  return { mean: data.slice(0, half), std };
}

/** Latents in the sampler's scale; `noise` [C,h,w] draws from the posterior, null takes its mode. */
export function scaleLatents(
  posterior: Posterior,
  layout: ModelLayout,
  noise: Float32Array | null,
): Float32Array {
  const { mean, std } = posterior;
  const { fromVae } = channelScales(layout, mean.length);
  return mean.map((value, i) => {
    const drawn =
      noise === null || std === null
        ? value
        : Math.fround(value + Math.fround((std[i] as number) * (noise[i] as number)));
    return fromVae(drawn, i);
  });
}

/** Between the VAE's values and the sampler's, for element i of one picture's latents [C,h,w] of `length`. */
function channelScales(
  { latentScale: { scale, shift, channels }, latentChannels }: ModelLayout,
  length: number,
): Record<'toVae' | 'fromVae', (value: number, i: number) => number> {
  if (channels === null) {
    return {
      toVae: (value) => value / scale + shift,
      fromVae: (value) => (value - shift) * scale,
    };
  }
  const plane = length / latentChannels;
  const of = (values: readonly number[], i: number): number =>
    values[Math.floor(i / plane)] as number;
  const { means, deviations } = channels;
  return {
    toVae: (value, i) => (value * of(deviations, i)) / scale + of(means, i),
    fromVae: (value, i) => ((value - of(means, i)) * scale) / of(deviations, i),
  };
}

function firstName(ports: ReadonlyMap<string, unknown>): string {
  return ports.keys().next().value as string;
}
