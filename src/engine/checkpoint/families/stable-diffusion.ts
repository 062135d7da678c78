/**
 * Stable Diffusion 1, 2 and XL, the refiner, and LCM: everything but the prediction type follows from shapes. Widths
 * tell nothing, since small and pruned networks have others; what tells is how the parts fit together.
 */
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import type {
  CheckpointInfo,
  CheckpointParts,
  CheckpointReading,
  CheckpointText,
  Facts,
  Json,
  TextRole,
  WantedText,
} from '../checkpoint.ts';
import { checkPart, dtypeOf } from '../check-part.ts';
import { metadataDistilled, metadataSize } from '../metadata.ts';
import {
  hasUnet,
  splitFile,
  type TextPart,
  textTensors,
  unetTensors,
  vaeTensors,
} from '../names/split.ts';
import { predictionOf } from '../prediction.ts';
import { type TextShape, textBlueprint, textShape } from '../shape/text-shape.ts';
import { unetBlueprint, type UnetShape, unetShape } from '../shape/unet-shape.ts';
import { vaeBlueprint, type VaeShape, vaeShape } from '../shape/vae-shape.ts';
import type { PartTensors } from '../tensors.ts';
import type { FamilyReader } from './family.ts';
import { schedulerOf } from './stable-diffusion-schedulers.ts';

type Family = Extract<CheckpointInfo['family'], 'sd1' | 'sd2' | 'sdxl' | 'sdxl-refiner' | 'lcm'>;

/** Width of the sinusoids of one size or crop; SDXL is told six of them, its refiner five. */
const SIZE_WIDTH = 256;
const [BASE_SIZES, REFINER_SIZES] = [6 * SIZE_WIDTH, 5 * SIZE_WIDTH];

/** SD 1's UNet has this many heads at every level; later ones, and CLIP, have heads of HEAD_SIZE. */
const SD1_HEADS = 8;
const HEAD_SIZE = 64;

/** CLIP's tokenizer gives this many numbers: an encoder with fewer words was made for another. */
const CLIP_VOCABULARY = 49408;

export const STABLE_DIFFUSION: FamilyReader = {
  id: 'stable-diffusion',
  fits: ({ tensors }) => hasUnet(tensors),
  async read(facts) {
    const found = partsOf(facts);
    const { name } = facts;
    const shape = unetShape(found.unet);
    checkPart(name, 'unet', found.unet, unetBlueprint(found.unet, shape));
    const family = familyOf(facts, shape);
    const vae = found.vae === null ? null : vaeShape(found.vae);
    if (found.vae !== null && vae !== null) {
      checkPart(name, 'vae', found.vae, vaeBlueprint(found.vae, vae));
    }
    const wantedTexts = wantedTextsOf(family, shape);
    const texts = textsOf(facts, found.texts, family, wantedTexts);
    const words = facts.words.override;
    const prediction = await predictionOf(facts, found.unet, family);
    const distilled = facts.words.distilled ?? metadataDistilled(facts.metadata);
    const config = facts.folder?.parts.get('unet')?.config ?? {};
    const info: CheckpointInfo = {
      name,
      layout: facts.layout,
      family,
      ...prediction,
      inpainting: shape.inChannels === 2 * shape.outChannels + 1,
      unet: shape,
      heads: headsOf(shape, config),
      vae,
      latentScale: latentScaleOf(family, facts, vae?.latentChannels ?? shape.outChannels),
      texts: texts.map(({ text }) => text),
      wantedTexts,
      hasSafetyChecker: found.safetyChecker !== null,
      dtypes: dtypesOf(found, texts),
      otherDtypes: facts.folder?.parts.get('unet')?.others ?? [],
      nativeSize: nativeSizeOf(facts, family, prediction.prediction.value, config, vae),
      scheduler: schedulerOf(facts, family, prediction, distilled),
      zeroEmptyNegative:
        facts.folder === null
          ? family === 'sdxl'
          : facts.folder.index['force_zeros_for_empty_prompt'] === true,
      distilled,
      defaults: words?.defaults ?? {},
      clipSkip: words?.clipSkip ?? null,
      vaeName: words?.vae ?? null,
    };
    const parts: CheckpointParts = {
      unet: found.unet,
      vae: found.vae,
      texts: new Map(texts.map(({ text, tensors }) => [text.role, tensors])),
      safetyChecker: found.safetyChecker,
    };
    return { info, parts } satisfies CheckpointReading;
  },
};

type FoundText = TextPart & { config: Json; tokenizer: string | null; place: TextRole | null };

type Found = {
  unet: PartTensors;
  vae: PartTensors | null;
  texts: readonly FoundText[];
  safetyChecker: PartTensors | null;
};

function partsOf({ tensors, folder }: Facts): Found {
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

/**
 * The base of SDXL is told six sizes beside the pooled prompt of its second encoder, which is part of the context as
 * well; the refiner five, and its pooled prompt is as wide as its context, since it has one encoder alone.
 */
function familyOf({ name, words }: Facts, shape: UnetShape): Family {
  const found = familyByShape(name, shape);
  const wanted = words.override?.family ?? null;
  if (wanted === null || wanted === found) return found;
  const isXl = (family: string): boolean => family.startsWith('sdxl');
  // Heads and projections follow from the file: one kind cannot be painted with as the other.
  if (isXl(wanted) !== isXl(found) || wanted === 'lcm' || found === 'lcm') {
    throw new RunError(say('override-family', words.override?.file ?? '', wanted, found));
  }
  return wanted as Family;
}

function familyByShape(name: string, shape: UnetShape): Family {
  const { inChannels, outChannels, admChannels, contextDim } = shape;
  if (contextDim === 0) throw new RunError(say('unet-without-prompt', name));
  if (outChannels !== 4) throw new RunError(say('unet-channels', name, inChannels, outChannels));
  const known: Readonly<Record<number, string | null>> = {
    4: null,
    9: null,
    8: 'InstructPix2Pix',
    5: 'Stable Diffusion 2 depth',
    7: 'Stable Diffusion x4 upscaler',
  };
  const other = known[inChannels];
  if (other === undefined) throw new RunError(say('unet-channels', name, inChannels, outChannels));
  if (other !== null) throw new RunError(say('family-not-yet', name, other));
  if (shape.guidanceEmbedding !== null && admChannels === null) return 'lcm';
  if (admChannels === null) return shape.linearProjection ? 'sd2' : 'sd1';
  if ((shape.depths[0] ?? 0) > 0) {
    throw new RunError(say('family-not-yet', name, 'Stable Diffusion 2.1 unCLIP'));
  }
  return admChannels - contextDim === REFINER_SIZES ? 'sdxl-refiner' : 'sdxl';
}

function wantedTextsOf(family: Family, { admChannels, contextDim }: UnetShape): WantedText[] {
  const big = (width: number): WantedText => ({
    role: 'text_encoder_2',
    width,
    padding: 'exclamation',
  });
  if (family === 'sdxl-refiner') return [big(contextDim)];
  if (family !== 'sdxl') {
    const padding = family === 'sd2' ? 'exclamation' : 'end';
    return [{ role: 'text_encoder', width: contextDim, padding }];
  }
  const pooled = (admChannels ?? 0) - BASE_SIZES;
  return [{ role: 'text_encoder', width: contextDim - pooled, padding: 'end' }, big(pooled)];
}

function textsOf(
  facts: Facts,
  found: readonly FoundText[],
  family: Family,
  wanted: readonly WantedText[],
): { text: CheckpointText; tensors: PartTensors }[] {
  const texts: { text: CheckpointText; tensors: PartTensors }[] = [];
  for (const { role, width } of wanted) {
    const part = found.find(
      ({ place, role: own }) =>
        (place ?? (own === 'clip_g' ? 'text_encoder_2' : 'text_encoder')) === role,
    );
    if (part === undefined) continue;
    const { shape, tensors } = checkText(facts.name, role, part, width);
    if (part.tokenizer === null && shape.vocabulary < CLIP_VOCABULARY) {
      const sizes = [shape.vocabulary, CLIP_VOCABULARY] as const;
      throw new RunError(say('text-encoder-vocabulary', facts.name, role, ...sizes));
    }
    texts.push({ text: { role, ...describeText(part, shape, role, family) }, tensors });
  }
  return texts;
}

/**
 * The text encoder's shape, and its tensors as its role needs them: only the second one is projected.
 * @throws RunError for one that lacks tensors or does not fit the denoiser
 */
export function checkText(
  name: string,
  role: TextRole,
  part: Pick<TextPart, 'tensors'>,
  width: number,
): { shape: TextShape; tensors: PartTensors } {
  const tensors =
    role === 'text_encoder'
      ? new Map([...part.tensors].filter(([each]) => !each.startsWith('text_projection')))
      : part.tensors;
  const shape = textShape(tensors);
  checkPart(name, role, tensors, textBlueprint(tensors, shape));
  if (shape.width !== width) {
    throw new RunError(say('text-encoder-misfit', name, role, shape.width, width));
  }
  if (role === 'text_encoder_2' && shape.projection === null) {
    throw new RunError(say('part-lacks', name, role, 'text_projection.weight'));
  }
  return { shape, tensors };
}

/** OpenCLIP's text encoders of SD 2 have one layer more than is used: 24, of which diffusers' own files keep 23. */
const OPENCLIP_H_USED = 23;

export function describeText(
  { style, config, tokenizer }: Pick<FoundText, 'style' | 'config' | 'tokenizer'>,
  shape: TextShape,
  role: TextRole,
  family: Family,
): Omit<CheckpointText, 'role'> {
  const isOpenClip = role === 'text_encoder_2' || family === 'sd2';
  const own = config['hidden_act'];
  const leavesOutLast =
    family === 'sd2' && style === 'openclip' && shape.layers !== OPENCLIP_H_USED;
  return {
    style: isOpenClip ? 'openclip' : style,
    activation: own === 'gelu' || own === 'quick_gelu' ? own : isOpenClip ? 'gelu' : 'quick_gelu',
    heads: count(config['num_attention_heads']) ?? Math.max(1, Math.floor(shape.width / HEAD_SIZE)),
    shape,
    layers: Math.min(
      shape.layers,
      count(config['num_hidden_layers']) ?? shape.layers - (leavesOutLast ? 1 : 0),
    ),
    tokenizer,
  };
}

const count = (value: unknown): number | null =>
  Number.isInteger(value) && Number(value) > 0 ? Number(value) : null;

/** diffusers' `attention_head_dim` is the NUMBER of heads, of every level or of each. */
function headsOf({ channels, linearProjection }: UnetShape, config: Json): number[] {
  const told = config['num_attention_heads'] ?? config['attention_head_dim'];
  return channels.map((width, level) => {
    const own = count(Array.isArray(told) ? told[level] : told);
    return own ?? (linearProjection ? Math.max(1, Math.floor(width / HEAD_SIZE)) : SD1_HEADS);
  });
}

function latentScaleOf(
  family: Family,
  { name, folder }: Facts,
  channels: number,
): CheckpointInfo['latentScale'] {
  const config = folder?.parts.get('vae')?.config ?? {};
  const isXl = family.startsWith('sdxl');
  const usual = isXl && folder === null ? 0.13025 : 0.18215;
  const scale = config['scaling_factor'] ?? usual;
  if (typeof scale !== 'number' || !(scale > 0)) {
    throw new RunError(say('scaling-factor', name, JSON.stringify(scale)));
  }
  const shift = config['shift_factor'];
  const list = (value: unknown): number[] | null =>
    Array.isArray(value) && value.length === channels && value.every(Number.isFinite)
      ? value
      : null;
  const [means, deviations] = [list(config['latents_mean']), list(config['latents_std'])];
  return {
    scale,
    shift: typeof shift === 'number' ? shift : 0,
    channels: isXl && means !== null && deviations !== null ? { means, deviations } : null,
  };
}

function nativeSizeOf(
  { metadata }: Facts,
  family: Family,
  prediction: string,
  config: Json,
  vae: VaeShape | null,
): CheckpointInfo['nativeSize'] {
  const factor = vae?.factor ?? 8;
  const told = config['sample_size'];
  const sides = (Array.isArray(told) ? told : [told, told]).map(count);
  const [high = null, wide = null] = sides;
  if (high !== null && wide !== null) return { width: wide * factor, height: high * factor };
  const side = family.startsWith('sdxl')
    ? 1024
    : family === 'sd2' && prediction === 'v_prediction'
      ? 768
      : 512;
  return metadataSize(metadata) ?? { width: side, height: side };
}

function dtypesOf(
  found: Found,
  texts: readonly { text: CheckpointText; tensors: PartTensors }[],
): CheckpointInfo['dtypes'] {
  return {
    unet: dtypeOf(found.unet),
    ...(found.vae !== null && { vae: dtypeOf(found.vae) }),
    ...Object.fromEntries(texts.map(({ text, tensors }) => [text.role, dtypeOf(tensors)])),
  };
}
