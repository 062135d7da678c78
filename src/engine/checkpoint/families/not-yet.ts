/** Families that are known by their tensors' names and cannot be painted with yet: so that the sentence can name them. */
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { someLook } from '../kinds.ts';
import type { FamilyReader } from './family.ts';

const NAMES: readonly (readonly [id: string, name: string, signs: readonly RegExp[]])[] = [
  [
    'flux2',
    'FLUX.2',
    [/(?:^|\.)double_stream_modulation_img\./, /(?:^|\.)single_stream_modulation\./],
  ],
  ['chroma', 'Chroma', [/(?:^|\.)distilled_guidance_layer\./]],
  [
    'hunyuan-video',
    'Hunyuan Video',
    [/(?:^|\.)double_blocks\.\d+\.img_attn_qkv\./, /(?:^|\.)txt_in\.individual_token_refiner\./],
  ],
  [
    'flux',
    'FLUX.1',
    [
      /(?:^|\.)double_blocks\.\d+\.(?:img|txt)_(?:attn|mod|mlp)\./,
      /^single_transformer_blocks\.\d+\.proj_mlp\./,
    ],
  ],
  ['sd3', 'Stable Diffusion 3', [/(?:^|\.)joint_blocks\.\d+\./, /^pos_embed\.pos_embed$/]],
  [
    'z-image',
    'Z-Image',
    [/(?:^|\.)cap_pad_token$/, /(?:^|\.)noise_refiner\.\d+\.adaLN_modulation\./],
  ],
  ['lumina2', 'Lumina 2', [/(?:^|\.)cap_embedder\./]],
  ['qwen-image', 'Qwen-Image', [/(?:^|\.)transformer_blocks\.\d+\.img_mod\.\d\./]],
  ['pixart', 'PixArt', [/(?:^|\.)t_block\.\d\./, /(?:^|\.)adaln_single\.linear\./]],
  [
    'auraflow',
    'AuraFlow',
    [/(?:^|\.)double_layers\.\d+\.attn\.w\dq\./, /(?:^|\.)cond_seq_linear\./],
  ],
  [
    'cascade',
    'Stable Cascade',
    [/(?:^|\.)clip_txt_pooled_mapper\./, /(?:^|\.)clip_mapper\.weight$/],
  ],
  ['hunyuan-dit', 'Hunyuan-DiT', [/(?:^|\.)text_embedding_padding$/, /(?:^|\.)mlp_t\d\.\d\./]],
  ['wan', 'Wan', [/(?:^|\.)blocks\.\d+\.cross_attn\.(?:norm_)?[qk]\./]],
  [
    'video',
    'Stable Video Diffusion',
    [/\.time_stack\.|\.time_mixer\./, /(?:^|\.)temporal_transformer_blocks\./],
  ],
  ['unclip', 'Stable Diffusion 2.1 unCLIP', [/^embedder\.model\.visual\./, /^noise_augmentor\./]],
];

export const NOT_YET: readonly FamilyReader[] = NAMES.map(([id, name, signs]) => ({
  id,
  fits: ({ looks }) => someLook(looks, signs),
  read: async ({ name: file }) => {
    throw new RunError(say('family-not-yet', file, name));
  },
}));
