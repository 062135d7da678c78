/**
 * A checkpoint with a UNet: everything but the prediction type follows from shapes. Widths tell nothing, since small and
 * pruned networks have others; what tells is how the parts fit together.
 */
import { RunError } from '../../errors.ts';
import { unetFamilyNamed, unetFamilyOf } from '../../families/families.ts';
import { marksOfShape, type UnetFamily } from '../../families/unet-family.ts';
import { say } from '../../sentences.ts';
import { checkPart, dtypeOf } from '../check-part.ts';
import type {
  CheckpointInfo,
  CheckpointParts,
  CheckpointReading,
  CheckpointText,
  Facts,
  Json,
  Prediction,
} from '../checkpoint.ts';
import { metadataDistilled, metadataSize } from '../metadata.ts';
import { predictionOf } from '../prediction.ts';
import { unetBlueprint, type UnetShape, unetShape } from '../shape/unet-shape.ts';
import { vaeBlueprint, type VaeShape, vaeShape } from '../shape/vae-shape.ts';
import type { PartTensors } from '../tensors.ts';
import { type FoundParts, partsOf } from './parts.ts';
import { schedulerOf } from './scheduler.ts';
import { count, HEAD_SIZE, textsOf } from './texts.ts';

/** SD 1's UNet has this many heads at every level; later ones have heads of HEAD_SIZE. */
const SD1_HEADS = 8;

/**
 * Everything the files tell.
 * @throws RunError for a network that lacks tensors, has others than it should, or cannot be painted with yet
 */
export async function readUnetCheckpoint(facts: Facts): Promise<CheckpointReading> {
  const found = partsOf(facts);
  const { name } = facts;
  const shape = unetShape(found.unet);
  checkPart(name, 'unet', found.unet, unetBlueprint(found.unet, shape));
  const family = familyOf(facts, shape);
  const vae = found.vae === null ? null : vaeShape(found.vae);
  if (found.vae !== null && vae !== null) {
    checkPart(name, 'vae', found.vae, vaeBlueprint(found.vae, vae));
  }
  const wantedTexts = family.wantedTexts(shape);
  const texts = textsOf(facts, found.texts, family, wantedTexts);
  const words = facts.words.override;
  const prediction = await predictionOf(facts, found.unet, family);
  const distilled = facts.words.distilled ?? metadataDistilled(facts.metadata);
  const config = facts.folder?.parts.get('unet')?.config ?? {};
  const groups = count(facts.folder?.parts.get('vae')?.config['norm_num_groups']);
  const info: CheckpointInfo = {
    name,
    layout: facts.layout,
    family: family.name,
    ...prediction,
    inpainting: shape.inChannels === 2 * shape.outChannels + 1,
    edits: editsOf(shape, facts),
    unet: shape,
    heads: headsOf(shape, config),
    vae,
    ...(groups !== null && { vaeGroups: groups }),
    latentScale: latentScaleOf(family, facts, vae?.latentChannels ?? shape.outChannels),
    texts: texts.map(({ text }) => text),
    wantedTexts,
    hasSafetyChecker: found.safetyChecker !== null,
    dtypes: dtypesOf(found, texts),
    otherDtypes: facts.folder?.parts.get('unet')?.others ?? [],
    nativeSize: nativeSizeOf(facts, family, prediction.prediction.value, config, vae),
    scheduler: schedulerOf(
      facts,
      family,
      { ...prediction, edits: editsOf(shape, facts) },
      distilled,
    ),
    zeroEmptyNegative:
      facts.folder === null
        ? family.zeroEmptyNegative
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
}

/** What the tensors tell, or the owner's word where that is possible. */
function familyOf(facts: Facts, shape: UnetShape): UnetFamily {
  refuseNotYet(facts, shape);
  const found = unetFamilyOf(marksOfShape(shape));
  const { override } = facts.words;
  const wanted = override?.family ?? null;
  if (override === null || wanted === null) return found;
  const told = unetFamilyNamed(wanted);
  // Heads and projections follow from the file: one kind cannot be painted with as the other.
  if (told.kin !== found.kin) {
    throw new RunError(say('override-family', override.file, wanted, found.name));
  }
  return told;
}

/** Channels of the input of UNets that take more than latents (mask and picture, or picture); null: they can be painted with. */
const INPUTS: Readonly<Record<number, string | null>> = {
  4: null,
  9: null,
  8: null,
  5: 'Stable Diffusion 2 depth',
  7: 'Stable Diffusion x4 upscaler',
};

/** @throws RunError for a UNet of another kind */
function refuseNotYet({ name, folder }: Facts, shape: UnetShape): void {
  const { inChannels, outChannels, admChannels, contextDim } = shape;
  if (contextDim === 0) throw new RunError(say('unet-without-prompt', name));
  const other = outChannels === 4 ? INPUTS[inChannels] : undefined;
  if (other === undefined) throw new RunError(say('unet-channels', name, inChannels, outChannels));
  if (other !== null) throw new RunError(say('family-not-yet', name, other));
  // depth and normals of a picture, from a network of the same widths
  const pipeline = String(folder?.index['_class_name'] ?? '');
  const [title] = /^(?:Marigold|Lotus)/.exec(pipeline) ?? [];
  if (title !== undefined) throw new RunError(say('family-not-yet', name, title));
  if (admChannels !== null && (shape.depths[0] ?? 0) > 0) {
    throw new RunError(say('family-not-yet', name, 'Stable Diffusion 2.1 unCLIP'));
  }
}

/** diffusers' StableDiffusionXLInstructPix2PixPipeline says in its folder whether its picture's latents are scaled (CosXL). */
function editsOf(
  { inChannels, outChannels }: UnetShape,
  { folder }: Facts,
): CheckpointInfo['edits'] {
  if (inChannels !== 2 * outChannels) return null;
  return { scaled: folder?.index['is_cosxl_edit'] === true };
}

/** diffusers' `attention_head_dim` is the NUMBER of heads, of every level or of each. */
function headsOf({ channels, linearProjection }: UnetShape, config: Json): number[] {
  const told = config['num_attention_heads'] ?? config['attention_head_dim'];
  return channels.map((width, level) => {
    const own = count(Array.isArray(told) ? told[level] : told);
    return own ?? (linearProjection ? Math.max(1, Math.floor(width / HEAD_SIZE)) : SD1_HEADS);
  });
}

function latentScaleOf(
  family: UnetFamily,
  { name, folder }: Facts,
  channels: number,
): CheckpointInfo['latentScale'] {
  const config = folder?.parts.get('vae')?.config ?? {};
  // AutoencoderKL's own default where a folder's config leaves it out
  const scale = config['scaling_factor'] ?? (folder === null ? family.vae.scale : 0.18215);
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
    channels:
      family.channelStats && means !== null && deviations !== null ? { means, deviations } : null,
  };
}

function nativeSizeOf(
  { metadata }: Facts,
  family: UnetFamily,
  prediction: Prediction,
  config: Json,
  vae: VaeShape | null,
): CheckpointInfo['nativeSize'] {
  const factor = vae?.factor ?? 8;
  const told = config['sample_size'];
  const sides = (Array.isArray(told) ? told : [told, told]).map(count);
  const [high = null, wide = null] = sides;
  if (high !== null && wide !== null) return { width: wide * factor, height: high * factor };
  const side = family.nativeSide(prediction);
  return metadataSize(metadata) ?? { width: side, height: side };
}

function dtypesOf(
  found: FoundParts,
  texts: readonly { text: CheckpointText; tensors: PartTensors }[],
): CheckpointInfo['dtypes'] {
  return {
    unet: dtypeOf(found.unet),
    ...(found.vae !== null && { vae: dtypeOf(found.vae) }),
    ...Object.fromEntries(texts.map(({ text, tensors }) => [text.role, dtypeOf(tensors)])),
  };
}
