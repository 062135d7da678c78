/** The networks of a checkpoint with a UNet, in one file or in a diffusers folder. */
import type { Facts, Json, TextRole } from '../checkpoint.ts';
import { splitFile, type TextPart, textTensors, unetTensors, vaeTensors } from '../names/split.ts';
import type { PartTensors } from '../tensors.ts';

export type FoundText = TextPart & {
  config: Json;
  tokenizer: string | null;
  place: TextRole | null;
};

export type FoundParts = {
  unet: PartTensors;
  vae: PartTensors | null;
  texts: readonly FoundText[];
  safetyChecker: PartTensors | null;
};

/**
 * Finds UNet, VAE, text encoders and safety checker in a checkpoint, renamed to diffusers' names. In one file they
 * are told apart by their tensors' prefixes, in a folder by its subfolders.
 */
export function partsOf({ tensors, folder }: Facts): FoundParts {
  if (folder === null) {
    const { unet, vae, texts } = splitFile(tensors);
    const bare = { config: {}, tokenizer: null, place: null };
    return {
      unet: unet?.tensors ?? new Map(),
      vae,
      texts: texts.map((text) => ({ ...text, ...bare })),
      safetyChecker: null,
    };
  }
  const vae = folder.parts.get('vae');
  const texts: FoundText[] = [];
  for (const place of ['text_encoder', 'text_encoder_2'] as const) {
    const part = folder.parts.get(place);
    if (part === undefined) continue;
    const tokenizer = `tokenizer${place.slice('text_encoder'.length)}`;
    texts.push({
      role: place === 'text_encoder' ? 'clip_l' : 'clip_g',
      style: 'clip',
      tensors: textTensors(part.tensors, 'clip'),
      config: part.config,
      tokenizer: folder.tokenizers.get(tokenizer) ?? null,
      place,
    });
  }
  return {
    unet: unetTensors(tensors),
    vae: vae === undefined ? null : vaeTensors(vae.tensors),
    texts,
    safetyChecker: folder.parts.get('safety_checker')?.tensors ?? null,
  };
}
