/** Hires fix: the second pass of a picture, painted over the enlarged first one (A1111 processing.py, sample_hr_pass). */
import type { ModelLayout } from '../model/layout.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { GenerateRequest, HiresFix } from '../request.ts';
import { UserError } from '../errors.ts';
import type { RgbImage } from '../picture/image.ts';
import { latentUpscaler } from '../request/fields/labels.ts';
import { unknownName } from '../request/fields/request-values.ts';
import { openUpscalerNetwork, type UpscalerNetwork } from '../upscale/network.ts';
import { upscalerFile, upscalersIn } from '../upscale/on-disk.ts';
import { resizeBytes, resizeLatents } from '../picture/pixels/resample.ts';
import { SAMPLER_TABLE } from '../samplers/samplers.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import type { RunClock } from '../network/session.ts';
import { decodeLatents, encodePixels, scaleLatents } from '../network/vae.ts';

/**
 * The second pass as a request of its own: larger, and from a start picture, which is the first pass's result. Its
 * seeds are the first pass's, so that its noise is a new draw of the same streams at the new size.
 */
export function secondPass(
  request: GenerateRequest,
  hires: HiresFix,
  { sizeFactor }: Pick<ModelLayout, 'sizeFactor'>,
): GenerateRequest {
  const enlarge = (side: number): number =>
    Math.floor(Math.trunc(side * hires.scale) / sizeFactor) * sizeFactor;
  const { steps, strength } = exactSteps(request, hires);
  return {
    ...request,
    width: enlarge(request.width),
    height: enlarge(request.height),
    steps,
    init: {
      image: new Uint8Array(0),
      strength,
      mask: null,
      maskBlur: 0,
      onlyMasked: false,
    },
    hires: null,
  };
}

/**
 * A1111's second pass runs exactly the steps asked for, the last ones of a schedule of int(steps / strength); plain
 * img2img shortens the schedule instead. Half a step keeps the way back from the strength to the count exact.
 */
function exactSteps(
  { profile, sampler }: GenerateRequest,
  { steps, strength }: HiresFix,
): { steps: number; strength: number } {
  if (profile !== 'a1111' || sampler === null || strength === 0) return { steps, strength };
  const all = Math.trunc(steps / Math.min(strength, 0.999));
  const runsAll = SAMPLER_TABLE[sampler].by === 'diffusers';
  return { steps: all, strength: Math.min(1, (steps + (runsAll ? 0.5 : -0.5)) / all) };
}

/** Latents [B,C,h,w] of the first pass -> what the second starts from, at the shape of the second. */
export async function enlargeLatents(
  latents: Float32Array,
  from: LatentShape,
  to: LatentShape,
  passes: { first: GenerateRequest; second: GenerateRequest; hires: HiresFix },
  model: LoadedModel,
  clock: RunClock,
): Promise<Float32Array> {
  const { upscaler } = passes.hires;
  const stretch = latentUpscaler(upscaler);
  if (stretch !== null) {
    const sizeOf = ([, , height, width]: LatentShape) => ({ width, height });
    return resizeLatents(latents, sizeOf(from), sizeOf(to), stretch);
  }
  const { layout } = model.entry;
  const { first, second } = passes;
  const encoder = await model.vaeEncoder();
  const network = upscaler === 'pixel' ? null : await openNamed(upscaler, model, clock);
  const [batch] = from;
  const enlarged = new Float32Array(to[0] * to[1] * to[2] * to[3]);
  try {
    for (let index = 0; index < batch; index++) {
      const own = latents.subarray(
        (index * latents.length) / batch,
        ((index + 1) * latents.length) / batch,
      );
      const small = await decodeLatents(model.vaeDecoder, layout, own, first, first.profile);
      const { width, height } = second;
      const large = network === null ? small : await enlargeTo(small, second, network);
      const data = resizeBytes(large.data, large, second, 3);
      const posterior = await encodePixels(encoder, layout, { data, width, height });
      enlarged.set(scaleLatents(posterior, layout, null), (index * enlarged.length) / batch);
    }
  } finally {
    await network?.release();
  }
  return enlarged;
}

/** @throws UserError for a network that is not there any more, with those that are, and for a file that is none */
async function openNamed(
  name: string,
  { entry }: LoadedModel,
  clock: RunClock,
): Promise<UpscalerNetwork> {
  const names = await upscalersIn(entry.upscalersDir);
  if (!names.includes(name)) throw new UserError(unknownName('hires upscaler', name, names));
  return openUpscalerNetwork(upscalerFile(entry.upscalersDir, name), name, clock);
}

/** As often as it takes, at most thrice (A1111 modules/upscaler.py, Upscaler.upscale); the caller makes it fit. */
async function enlargeTo(
  picture: RgbImage,
  to: { width: number; height: number },
  network: UpscalerNetwork,
): Promise<RgbImage> {
  let large = picture;
  for (let time = 0; time < 3; time++) {
    if (large.width >= to.width && large.height >= to.height) break;
    large = await network.enlarge(large);
  }
  return large;
}
