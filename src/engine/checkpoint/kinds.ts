/** What a file of tensors is when it is no model to paint with, by the names it uses, and where it belongs. */
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { isTinyEncoder, tinyDecoder } from './names/tiny-vae.ts';
import { upscalerTensors } from './names/upscaler.ts';
import type { TensorSlice } from './tensors.ts';

/** The names of a file's tensors with every number made 0: some hundred of them, however deep the networks are. */
export type TensorPatterns = ReadonlySet<string>;

/** Collects the tensors' names with every number in them as 0, which is one name for all layers. */
export function patternsOf(tensors: ReadonlyMap<string, TensorSlice>): TensorPatterns {
  const patterns = new Set<string>();
  for (const name of tensors.keys()) patterns.add(name.replaceAll(/\d+/g, '0'));
  return patterns;
}

type Kind = {
  fits: (patterns: TensorPatterns, tensors: ReadonlyMap<string, TensorSlice>) => boolean;
  sentence: (file: string, tensors: ReadonlyMap<string, TensorSlice>) => Said;
};

/** Does any name match any of the signs? */
export function somePattern(patterns: TensorPatterns, signs: readonly RegExp[]): boolean {
  for (const name of patterns) {
    if (signs.some((sign) => sign.test(name))) return true;
  }
  return false;
}

const some =
  (...signs: readonly RegExp[]) =>
  (patterns: TensorPatterns): boolean =>
    somePattern(patterns, signs);

/** Folders beside the models, in which Darkroom looks by itself. */
export const IN = {
  loras: 'models/loras',
  embeddings: 'models/embeddings',
  vae: 'models/vae',
  texts: 'models/text_encoders',
  upscalers: 'models/upscalers',
  tinyVae: 'models/vae_approx',
} as const;

/** Those whose names are part of other kinds' names come first. */
const KINDS: readonly Kind[] = [
  {
    fits: some(/^control_model\./, /^controlnet_/, /^input_hint_block\./, /(?:^|\.)zero_convs\./),
    sentence: (file) => say('file-is-not-used', file, 'ControlNet'),
  },
  {
    fits: some(/^lora_controlnet$/),
    sentence: (file) => say('file-is-not-used', file, 'Control-LoRA'),
  },
  {
    fits: some(
      /\.(?:lora_(?:up|down|mid|[AB])|lora[._](?:up|down)|lora_linear_layer)\b/,
      /^lora_(?:unet|te\d?|transformer)_/,
      /\.(?:hada_w\d|lokr_w\d|oft_\w+|dora_scale|lora_magnitude_vector)\b/,
    ),
    sentence: (file) => say('file-is-lora', file, IN.loras),
  },
  {
    fits: some(/^image_proj\./, /^ip_adapter\./),
    sentence: (file) => say('file-is-not-used', file, 'IP-Adapter'),
  },
  {
    fits: some(/^(?:adapter\.)?body\.\d+\.(?:resnets\.\d+\.)?(?:block\d|in_conv)\./),
    sentence: (file) => say('file-is-not-used', file, 'T2I-Adapter'),
  },
  {
    fits: some(/(?:^|\.)motion_modules\./),
    sentence: (file) => say('file-is-not-used', file, 'AnimateDiff'),
  },
  {
    // Whole CLIPs have both halves: the one that reads is what counts here.
    fits: (patterns) =>
      somePattern(patterns, [/^vision_model\./, /^visual\./, /^vision_tower\./]) &&
      !somePattern(patterns, [/(?:^|\.)token_embedding\.weight$/]),
    sentence: (file) => say('file-is-not-used', file, 'CLIP Vision'),
  },
  {
    fits: (_looks, tensors) => upscalerTensors(tensors) !== null,
    sentence: (file) => say('file-is-upscaler', file, IN.upscalers),
  },
  {
    fits: some(
      /^model\.\d+\.(?:sub\.|weight$)/,
      /RRDB_trunk|\.rdb\d\.|\.RDB\d\./,
      /^(?:params(?:_ema)?\.)?(?:conv_first|upsample\.\d|conv_before_upsample|body\.\d+)\./,
      /\.residual_group\./,
    ),
    sentence: (file) => say('file-is-not-used', file, 'Upscaler (SwinIR, DAT, …)'),
  },
  {
    fits: (_looks, tensors) => tinyDecoder(tensors) !== null,
    sentence: (file, tensors) =>
      say('file-is-tiny-vae', file, tinyDecoder(tensors)?.channels ?? 0, IN.tinyVae),
  },
  {
    fits: (_looks, tensors) => isTinyEncoder(tensors),
    sentence: (file) => say('file-is-not-used', file, 'TAESD encoder (Tiny AutoEncoder)'),
  },
  {
    fits: some(/^(?:taesd_)?(?:encoder|decoder)\.\d+\./, /^\d+\.conv\.\d\.weight$/),
    sentence: (file) => say('file-is-not-used', file, 'TAESD (Tiny AutoEncoder)'),
  },
  {
    fits: (_looks, tensors) =>
      tensors.size <= 4 &&
      [...tensors].every(
        ([name, { shape }]) =>
          shape.length <= 2 && !/\.(?:weight|bias)$/.test(name) && (shape.at(-1) ?? 0) >= 64,
      ),
    sentence: (file) => say('file-is-embedding', file, IN.embeddings),
  },
];

/** The sentence about a file that is another part of a model: null where nobody knows what it is. */
export function otherKind(
  patterns: TensorPatterns,
  tensors: ReadonlyMap<string, TensorSlice>,
  file: string,
): Said | null {
  if (tensors.size === 0) return say('file-has-no-tensors', file);
  return KINDS.find(({ fits }) => fits(patterns, tensors))?.sentence(file, tensors) ?? null;
}
