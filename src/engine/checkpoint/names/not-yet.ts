/** Families that are known by their tensors' names and cannot be painted with yet: so that the sentence can name them. */
import { type TensorPatterns, somePattern } from '../kinds.ts';

const SIGNS: readonly (readonly [title: string, signs: readonly RegExp[]])[] = [
  ['FLUX.2', [/(?:^|\.)double_stream_modulation_img\./, /(?:^|\.)single_stream_modulation\./]],
  ['Chroma', [/(?:^|\.)distilled_guidance_layer\./]],
  [
    'Hunyuan Video',
    [/(?:^|\.)double_blocks\.\d+\.img_attn_qkv\./, /(?:^|\.)txt_in\.individual_token_refiner\./],
  ],
  [
    'FLUX.1',
    [
      /(?:^|\.)double_blocks\.\d+\.(?:img|txt)_(?:attn|mod|mlp)\./,
      /^single_transformer_blocks\.\d+\.proj_mlp\./,
    ],
  ],
  ['Stable Diffusion 3', [/(?:^|\.)joint_blocks\.\d+\./, /^pos_embed\.pos_embed$/]],
  ['Z-Image', [/(?:^|\.)cap_pad_token$/, /(?:^|\.)noise_refiner\.\d+\.adaLN_modulation\./]],
  ['Lumina 2', [/(?:^|\.)cap_embedder\./]],
  ['Qwen-Image', [/(?:^|\.)transformer_blocks\.\d+\.img_mod\.\d\./]],
  ['PixArt', [/(?:^|\.)t_block\.\d\./, /(?:^|\.)adaln_single\.linear\./]],
  ['AuraFlow', [/(?:^|\.)double_layers\.\d+\.attn\.w\dq\./, /(?:^|\.)cond_seq_linear\./]],
  ['Stable Cascade', [/(?:^|\.)clip_txt_pooled_mapper\./, /(?:^|\.)clip_mapper\.weight$/]],
  ['Hunyuan-DiT', [/(?:^|\.)text_embedding_padding$/, /(?:^|\.)mlp_t\d\.\d\./]],
  ['Wan', [/(?:^|\.)blocks\.\d+\.cross_attn\.(?:norm_)?[qk]\./]],
  [
    'Stable Video Diffusion',
    [/\.time_stack\.|\.time_mixer\./, /(?:^|\.)temporal_transformer_blocks\./],
  ],
  ['Stable Zero123', [/^cc_projection\./]],
  ['Stable Diffusion 2.1 unCLIP', [/^embedder\.model\.visual\./, /^noise_augmentor\./]],
];

/** The title of the family, as people say it; null: none of these. */
export function familyNotYet(patterns: TensorPatterns): string | null {
  return SIGNS.find(([, signs]) => somePattern(patterns, signs))?.[0] ?? null;
}
