/** Which autoencoder a transformer is opened with: the one that is asked for, its own, one on the shelf that fits. */
import { basename } from 'node:path';
import type { Json } from '../../../checkpoint/checkpoint.ts';
import type { PartTensors } from '../../../checkpoint/tensors.ts';
import { RunError } from '../../../errors.ts';
import { say } from '../../../sentences.ts';
import { autoencoderIn, fitsFamily, likeliestFirst } from './autoencoders.ts';
import { type FoundTransformer, jsonBeside, openNetwork } from './own-files.ts';
import { FOLDERS, namedVae, openQuietly, shelved } from './shelf.ts';

export type OpenedVae = { tensors: PartTensors; path: string; config: Json };

/**
 * Finds an autoencoder; `wish`: a file's name, "none", "automatic" and the like for the model's own, null: none.
 * @throws RunError for a wish that does not fit the transformer's latents, and where there is none
 */
export async function vaeFor(found: FoundTransformer, wish: string | null): Promise<OpenedVae> {
  const { family, name, path, modelsDir, used, files } = found;
  if (wish !== null && !/^(?:|automatic|baked|none)$/i.test(wish)) {
    const file = await namedVae(wish, { model: path, modelsDir });
    const opened = await openNetwork(file, used, 'vae');
    const config = await jsonBeside(opened.path);
    const tensors = autoencoderIn(opened.tensors);
    if (tensors === null) throw new RunError(say('file-has-no-vae', basename(file)));
    checkVae(found, basename(file), tensors);
    return { tensors, path: opened.path, config };
  }
  const own = files.parts.get('vae') ?? files.parts.get('');
  const inside = own === undefined ? null : autoencoderIn(own.tensors);
  if (own !== undefined && inside !== null) {
    return { tensors: inside, path: own.path, config: own.config };
  }
  for (const file of likeliestFirst(family, await shelved(modelsDir, FOLDERS.vae))) {
    const opened = await openQuietly(file);
    const tensors = opened === null ? null : autoencoderIn(opened.tensors);
    if (opened === null || tensors === null) continue;
    if (!fitsFamily(family, tensors, channelsOf(found))) continue;
    used.set(opened.path, opened);
    return { tensors, path: opened.path, config: {} };
  }
  throw new RunError(say('family-needs-vae', name, family.title, family.vae.usual, 'models/vae'));
}

function channelsOf({ family, tensors }: FoundTransformer): number {
  return family.channels(tensors);
}

/** @throws RunError where its latents are not the transformer's */
function checkVae(found: FoundTransformer, file: string, tensors: PartTensors): void {
  const { family, name } = found;
  if (fitsFamily(family, tensors, channelsOf(found))) return;
  throw new RunError(say('family-vae-misfit', file, name, family.title, family.vae.usual));
}
