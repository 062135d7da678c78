/**
 * Networks that a model lacks, or has others for: a VAE or text encoders in files of their own, named by somebody,
 * beside the model, or in the folders where people keep them.
 */
import type { Shelf } from './companions/shelf.ts';
import { type CompanionText, textsFor } from './companions/texts.ts';
import { type CompanionVae, vaeFor } from './companions/vaes.ts';
import type { OpenedCheckpoint } from './detect.ts';

/** What somebody asks for in place of the model's own; null and none: nothing. */
export type Wishes = {
  /** a name in models/vae, or a path; `automatic` and `baked` mean the model's own */
  vae: string | null;
  /** paths */
  textEncoders: readonly string[];
  /** of a diffusion transformer: folders with tokenizers; absent: none */
  tokenizers?: readonly string[];
};

export const NO_WISHES: Wishes = { vae: null, textEncoders: [] };

export type Complete = {
  vae: CompanionVae;
  texts: readonly CompanionText[];
  /** changes when a file does that is not the model's own */
  stamp: string;
  /** of each of those files */
  stamps: ReadonlyMap<string, string>;
  bytes: number;
};

/**
 * The model's networks, all of them. `modelsDir`: where the folders of VAEs and text encoders are; null: nowhere.
 * @throws UserError for a wish that cannot be met, and for a network that is nowhere to be found
 */
export async function complete(
  model: OpenedCheckpoint,
  modelsDir: string | null,
  wishes: Wishes = NO_WISHES,
): Promise<Complete> {
  const used = new Map<string, { stamp: string; bytes: number }>();
  const shelf: Shelf = { model, modelsDir, used };
  const vae = await vaeFor(shelf, wishes.vae);
  const texts = await textsFor(shelf, wishes.textEncoders);
  return {
    vae,
    texts,
    stamp: [...used].map(([path, { stamp }]) => `${path}=${stamp}`).join(' '),
    stamps: new Map([...used].map(([path, { stamp }]) => [path, stamp])),
    bytes: [...used.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
