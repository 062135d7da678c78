/** From latents to pictures, each with its recipe inside. */
import { encodePng } from '../picture/image.ts';
import { imageSeed, writeInfotext } from '../recipe/infotext.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { SafetyChecker } from '../network/safety.ts';
import { decodeLatents, type Pixels } from '../network/vae.ts';
import { fitPreviewFactors } from '../preview/preview.ts';
import type { GenerateRequest } from '../request.ts';
import type { GeneratedImage, WithheldImage } from '../result.ts';
import type { EncodedInit } from '../start/init.ts';
import type { UsedEmbedding } from '../text/text-encoder.ts';
import type { PaintHooks } from './options.ts';
import { letMessagesIn } from './pass.ts';
import type { Pass } from './start.ts';

export type Painted = {
  /** the last pass, whose latents these are */
  pass: Pass;
  latents: Float32Array;
  /** what is kept and written into the pictures: what happened, so that it repeats them anywhere */
  request: GenerateRequest;
  init: EncodedInit | null;
  embeddings: readonly UsedEmbedding[];
};

/**
 * One at a time: the VAE's memory does not grow with the batch. While one is packed as PNG, on threads of its own, the
 * next is decoded. What `safety` flags is kept back.
 * @throws CancelledError
 */
export async function decodePictures(
  painted: Painted,
  model: LoadedModel,
  safety: SafetyChecker | null,
  hooks: PaintHooks,
): Promise<{ images: GeneratedImage[]; withheld: WithheldImage[] }> {
  const { request, embeddings } = painted;
  const { loras, entry } = model;
  const packing: Promise<GeneratedImage>[] = [];
  const withheld: WithheldImage[] = [];
  for (let index = 0; index < request.count; index++) {
    hooks.onProgress({ phase: 'decoding', step: index, steps: request.count });
    await letMessagesIn(hooks);
    const pixels = await decodePicture(painted, model, hooks, index);
    const infotext = writeInfotext(request, entry.info, index, { embeddings, loras });
    const seed = imageSeed(request, index);
    if (await safety?.flags(pixels)) {
      withheld.push({ index, seed, infotext });
      continue;
    }
    const packed = packImage(pixels, infotext, seed);
    // A cancelled order leaves it behind unheard.
    packed.catch(() => {});
    packing.push(packed);
  }
  return { images: await Promise.all(packing), withheld };
}

async function decodePicture(
  { pass: { request, shape }, latents, init }: Painted,
  model: LoadedModel,
  { vaeDecoder = model.vaeDecoder }: PaintHooks,
  index: number,
): Promise<Pixels> {
  const size = latents.length / shape[0];
  const own = latents.subarray(index * size, (index + 1) * size);
  const { width, height, profile } = request;
  const layout = asPipeline(model.entry.layout, request);
  const decoded = await decodeLatents(vaeDecoder, layout, own, { width, height }, profile);
  model.preview ??= fitPreviewFactors([{ latents: own, pixels: decoded }], shape[1]);
  return init === null ? decoded : init.finish(decoded);
}

/** In profile diffusers what its pipeline does wrong counts, too. */
function asPipeline(layout: ModelLayout, { profile, init }: GenerateRequest): ModelLayout {
  const { latentScale } = layout;
  const forgets = profile === 'diffusers' && init?.mask && latentScale.unshiftedByInpainting;
  return forgets ? { ...layout, latentScale: { ...latentScale, shift: 0 } } : layout;
}

async function packImage(pixels: Pixels, infotext: string, seed: bigint): Promise<GeneratedImage> {
  const { width, height } = pixels;
  return { png: await encodePng(pixels, { infotext }), infotext, seed, width, height };
}
