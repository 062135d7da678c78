/** The tensors of CLIP's text encoders by transformers' names, without `text_model.` in front. */
import { rowsOf, type TensorSlice } from '../tensors.ts';

/** transformers' own, of any age: with `text_model.` in front, twice, or without. Null for what is no weight of it. */
export function clipName(name: string): string | null {
  const bare = name.replace(/^(?:text_model\.)+/, '');
  if (/(?:^|\.)position_ids$/.test(bare) || bare === 'logit_scale') return null;
  return /^(?:embeddings|encoder|final_layer_norm|text_projection)\b/.test(bare) ? bare : null;
}

const OUTER: Readonly<Record<string, string>> = {
  'token_embedding.weight': 'embeddings.token_embedding.weight',
  positional_embedding: 'embeddings.position_embedding.weight',
  'ln_final.weight': 'final_layer_norm.weight',
  'ln_final.bias': 'final_layer_norm.bias',
  // A bare matrix [in, out] in the original; a layer's [out, in] where diffusers' converter wrote it.
  text_projection: 'text_projection',
  'text_projection.weight': 'text_projection.weight',
};

const IN_LAYER: readonly (readonly [RegExp, string])[] = [
  [/^ln_1\./, 'layer_norm1.'],
  [/^ln_2\./, 'layer_norm2.'],
  [/^attn\.out_proj\./, 'self_attn.out_proj.'],
  [/^mlp\.c_fc\./, 'mlp.fc1.'],
  [/^mlp\.c_proj\./, 'mlp.fc2.'],
];

/**
 * OpenCLIP's: its three projections of attention lie packed in one tensor, one after the other. None for what is no
 * weight of the text encoder.
 */
export function openClipTensors(name: string, tensor: TensorSlice): [string, TensorSlice][] {
  const outer = Object.hasOwn(OUTER, name) ? OUTER[name] : undefined;
  if (outer !== undefined) return [[outer, tensor]];
  const layer = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(name);
  if (!layer) return [];
  const [, number, rest = ''] = layer;
  const path = `encoder.layers.${number}`;
  const packed = /^attn\.in_proj_(weight|bias)$/.exec(rest);
  if (packed) {
    const [rows = 0] = tensor.shape;
    // Rows that do not divide are left whole under their own name: what is missing then is said by the check.
    if (rows === 0 || rows % 3 !== 0) return [[`${path}.${rest}`, tensor]];
    return ['q_proj', 'k_proj', 'v_proj'].map((projection, i) => [
      `${path}.self_attn.${projection}.${packed[1]}`,
      rowsOf(tensor, (i * rows) / 3, ((i + 1) * rows) / 3),
    ]);
  }
  return [[`${path}.${IN_LAYER.reduce((own, [from, to]) => own.replace(from, to), rest)}`, tensor]];
}
