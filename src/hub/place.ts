import type { Inspected } from '../engine/inspect.ts';

/** Parts of models by the sentence that says what they are, and the folder beside the models that is theirs. */
const SHELVES: Readonly<Record<string, string>> = {
  'file-is-lora': 'loras',
  'file-is-embedding': 'embeddings',
  'file-is-vae': 'vae',
  'file-is-text-encoder': 'text_encoders',
  'file-is-onnx': 'upscalers',
  'file-is-upscaler': 'upscalers',
};

/**
 * Where something that was fetched goes, below the models folder; null: nothing here can use it. A transformer by itself
 * lies where ComfyUI keeps those.
 */
export function placeOf(
  found: Inspected,
  { layout, name, file }: { layout: 'folder' | 'file'; name: string; file: string },
): string | null {
  if (layout === 'folder') return 'refused' in found ? null : name;
  const ending = /\.\w+$/.exec(file)?.[0].toLowerCase() ?? '';
  if (!('refused' in found)) {
    const isAlone = found.layout === 'transformer' && found.parts.length === 1;
    return isAlone ? `diffusion_models/${name}${ending}` : `${name}${ending}`;
  }
  const shelf = SHELVES[found.refused.code];
  return shelf === undefined ? null : `${shelf}/${name}${ending}`;
}
