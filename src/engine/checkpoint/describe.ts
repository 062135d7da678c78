/** A checkpoint in plain words and numbers, for people and programs: what it is and how that is known. */
import { unetFamilyNamed } from '../families/families.ts';
import type { CheckpointInfo, CheckpointText } from './checkpoint.ts';

export type CheckpointDescription = {
  layout: 'ldm' | 'diffusers';
  family: CheckpointInfo['family'];
  /** `how`: by what it is known, in English */
  prediction: { value: string; how: string };
  zero_terminal_snr: boolean;
  inpainting: boolean;
  has_vae: boolean;
  has_text_encoders: boolean;
  has_safety_checker: boolean;
  /** one word where all networks agree */
  dtype: string;
  /** pixels; of the longer side where they differ */
  native_size: number;
  distilled: { kind: string; steps: number } | null;
  clip_skip: number | null;
  scheduler: { class: string; how: string };
  unet: {
    in_channels: number;
    block_out_channels: readonly number[];
    transformer_depth: readonly number[];
    context_dim: number;
    heads: readonly number[];
    linear_projection: boolean;
    adm_in_channels: number | null;
    latent_scale: number;
    vae_factor: number;
  };
  text_encoders: readonly {
    part: string;
    style: 'clip' | 'openclip';
    width: number;
    heads: number;
    activation: string;
    layers: number;
    layers_in_ldm_file: number;
    pad_token_id: number;
    context: string;
  }[];
};

/** Ids of CLIP's vocabulary that fill up a prompt. */
const PAD_IDS = { end: 49407, exclamation: 0 } as const;

/** Writes all that was found out about a checkpoint, and how, as plain data for people. */
export function describeCheckpoint(info: CheckpointInfo): CheckpointDescription {
  const { unet, prediction, nativeSize, scheduler } = info;
  return {
    layout: info.layout,
    family: info.family,
    prediction: { value: prediction.value, how: prediction.how.words },
    zero_terminal_snr: info.zeroTerminalSnr,
    inpainting: info.inpainting,
    has_vae: info.vae !== null,
    has_text_encoders: info.texts.length === info.wantedTexts.length,
    has_safety_checker: info.hasSafetyChecker,
    dtype: dtypeInWords(info),
    native_size: Math.max(nativeSize.width, nativeSize.height),
    distilled: info.distilled,
    clip_skip: info.clipSkip,
    scheduler: { class: String(scheduler.config['_class_name'] ?? ''), how: scheduler.how.words },
    unet: {
      in_channels: unet.inChannels,
      block_out_channels: unet.channels,
      transformer_depth: unet.depths,
      context_dim: unet.contextDim,
      heads: info.heads.map((heads, level) => (unet.depths[level] === 0 ? 0 : heads)),
      linear_projection: unet.linearProjection,
      adm_in_channels: unet.admChannels,
      latent_scale: info.latentScale.scale,
      vae_factor: info.vae?.factor ?? 8,
    },
    text_encoders: info.texts.map((text) => describeText(info, text)),
  };
}

function describeText(
  { family, wantedTexts }: CheckpointInfo,
  { role, style, shape, heads, activation, layers }: CheckpointText,
): CheckpointDescription['text_encoders'][number] {
  const wanted = wantedTexts.find((each) => each.role === role);
  const { part, layersInFile, context } = unetFamilyNamed(family).text(role);
  return {
    part,
    style,
    width: shape.width,
    heads,
    activation,
    layers,
    layers_in_ldm_file: layersInFile(layers, shape.layers),
    pad_token_id: PAD_IDS[wanted?.padding ?? 'end'],
    context,
  };
}

/** `fp16`, or `mixed: unet and text fp16, vae fp32` */
export function dtypeInWords({
  dtypes,
  otherDtypes,
}: Pick<CheckpointInfo, 'dtypes' | 'otherDtypes'>): string {
  const parts = new Map<string, string[]>();
  for (const [part, dtype] of Object.entries(dtypes)) {
    const name = part.startsWith('text_encoder') ? 'text' : part;
    const known = parts.get(dtype) ?? [];
    if (!known.includes(name)) known.push(name);
    parts.set(dtype, known);
  }
  const [only, ...others] = parts.keys();
  if (others.length === 0) {
    const either = [only ?? '', ...otherDtypes];
    return either.length > 1 ? `${either.join(' and ')} (either)` : (only ?? '');
  }
  const order = ['unet', 'text', 'vae'];
  const words = [...parts].map(([dtype, names]) => {
    const sorted = names.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
    return `${sorted.join(' and ')} ${dtype}`;
  });
  return `mixed: ${words.join(', ')}`;
}
