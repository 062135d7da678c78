/** The picture that a model edits by a sentence (InstructPix2Pix), as channels beside the noise. */
import { UserError } from '../errors.ts';
import { decodeImage } from '../picture/image.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { ConditionedModel } from '../guidance/conditioner.ts';
import { encodePixels, type Posterior } from '../network/vae.ts';
import type { GenerateRequest } from '../request.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import { say } from '../sentences.ts';
import { fit } from './frame.ts';

/**
 * [B,C,h,w] of a request's reference; null for models that edit nothing, and where the start picture is what is edited.
 * @throws UserError where there is none, or more than one
 */
export async function pictureToEdit(
  { references = [], init, width, height }: GenerateRequest,
  model: ConditionedModel,
  shape: LatentShape,
): Promise<Float32Array | null> {
  const { layout } = model.entry;
  if (layout.edits === undefined) return null;
  const [picture, ...more] = references;
  if (more.length > 0) throw new UserError(say('too-many-references', 1, references.length));
  if (picture === undefined) {
    if (init === null) throw new UserError(say('needs-picture-to-edit', layout.name));
    return null;
  }
  const pixels = fit(await decodeImage(picture), 3, { width, height });
  return latentsToEdit(await encodePixels(await model.vaeEncoder(), layout, pixels), layout, shape);
}

/** Their mode in the VAE's own scale, as the network was trained with; the same for every image of the batch. */
export function latentsToEdit(
  { mean }: Posterior,
  { edits, latentScale }: ModelLayout,
  [batch]: LatentShape,
): Float32Array {
  return repeat(edits?.scaled ? mean.map((value) => value * latentScale.scale) : mean, batch);
}

/** Writes the same values `times` times one after another: one image's latents for a whole batch. */
export function repeat(values: Float32Array, times: number): Float32Array {
  const repeated = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) repeated.set(values, i * values.length);
  return repeated;
}
