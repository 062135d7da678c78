/** What is known of a model that lies there as .safetensors, before anything of it is opened. */
import type { UnetFamilyName } from '../names.ts';
import type { ModelInfo } from '../request.ts';
import type { Said } from '../said.ts';
import type { TextPart } from './names/split.ts';
import type { TensorPatterns } from './kinds.ts';
import type { TextShape } from './shape/text-shape.ts';
import type { UnetShape } from './shape/unet-shape.ts';
import type { VaeShape } from './shape/vae-shape.ts';
import type { PartTensors, TensorSlice } from './tensors.ts';

export type Json = Readonly<Record<string, unknown>>;

/** what a network was trained to predict */
export type Prediction = 'epsilon' | 'v_prediction' | 'sample';

export type TextRole = 'text_encoder' | 'text_encoder_2';

/** NAME.json beside the model: its owner's word; null: not said. */
export type Override = {
  /** the file's name, for sentences */
  file: string;
  family: UnetFamilyName | null;
  prediction: Prediction | null;
  clipSkip: number | null;
  vae: string | null;
  scheduler: Json | null;
  defaults: Partial<ModelInfo['defaults']>;
};

/** What is said beside the model; null: nobody says. */
export type Words = {
  override: Override | null;
  prediction: { value: Prediction; how: Said } | null;
  zeroTerminalSnr: boolean | null;
  distilled: Distilled | null;
  /** changes when one of these files does */
  stamp: string;
};

/** A diffusers folder's part: its config, and the file that its tensors lie in. */
export type FolderPart = {
  config: Json;
  tensors: ReadonlyMap<string, TensorSlice>;
  /** types that the same weights are there in as well */
  others: readonly string[];
};

/** What a file or folder holds, for the families to judge. */
export type Facts = {
  /** as people know it */
  name: string;
  layout: 'ldm' | 'diffusers';
  /** of a file: all of it; of a folder: the denoiser */
  tensors: ReadonlyMap<string, TensorSlice>;
  /** their names, numbers left out: see kinds.ts */
  patterns: TensorPatterns;
  /** of the header */
  metadata: ReadonlyMap<string, string>;
  /** what lies beside the model and speaks of it */
  words: Words;
  /** of a folder, by the names of its sub-folders; null for a file */
  folder: {
    parts: ReadonlyMap<string, FolderPart>;
    scheduler: Json | null;
    index: Json;
    /** absolute folders with a tokenizer in them, by name */
    tokenizers: ReadonlyMap<string, string>;
  } | null;
};

/** A text encoder of the model. */
export type CheckpointText = {
  role: TextRole;
  /** whose names the file has */
  style: TextPart['style'];
  activation: 'quick_gelu' | 'gelu';
  heads: number;
  shape: TextShape;
  /** how many of its layers count: SD 2 leaves out the file's last */
  layers: number;
  /** absolute folder with a tokenizer; null: CLIP's own, padded as the family does */
  tokenizer: string | null;
};

/** Padding of a prompt that is shorter than the encoder's places. */
export type Padding = 'end' | 'exclamation';

/** A text encoder that the family reads: whether the model has it or it has to come from elsewhere. */
export type WantedText = { role: TextRole; width: number; padding: Padding };

export type CheckpointInfo = {
  name: string;
  layout: 'ldm' | 'diffusers';
  family: UnetFamilyName;
  prediction: { value: Prediction; how: Said };
  /** trained with a last noise level that is noise alone */
  zeroTerminalSnr: boolean;
  /** five more channels: the mask and the picture under it */
  inpainting: boolean;
  /** as many channels more as latents have: those of the picture that it edits (InstructPix2Pix); null: it does not */
  edits: Edits | null;
  unet: UnetShape;
  /** attention heads of each level */
  heads: readonly number[];
  /** null: none in the file */
  vae: VaeShape | null;
  /** groups of its norms, where a folder's config says them */
  vaeGroups?: number;
  latentScale: {
    scale: number;
    shift: number;
    channels: { means: readonly number[]; deviations: readonly number[] } | null;
  };
  texts: readonly CheckpointText[];
  wantedTexts: readonly WantedText[];
  hasSafetyChecker: boolean;
  /** what weights are stored in, a network at a time, as people say it: fp16, bf16, fp32, fp8 */
  dtypes: Readonly<Record<string, string>>;
  /** types in which a folder has the same weights as well, beside those that are read */
  otherDtypes: readonly string[];
  nativeSize: { width: number; height: number };
  scheduler: { config: Json; how: Said };
  /** negative '' means zeros instead of the embedding of '' (SDXL) */
  zeroEmptyNegative: boolean;
  /** how few steps it was distilled for, and how it guides; null: it was not */
  distilled: Distilled | null;
  /** what its maker or its owner says that suits it */
  defaults: Partial<ModelInfo['defaults']>;
  /** counts as requests do: 1 = last layer; null: nobody says */
  clipSkip: number | null;
  /** the VAE that its owner wants for it: a name in models/vae or a path; null: the one inside */
  vaeName: string | null;
};

/** How a network is shown the picture that it edits. */
export type Edits = {
  /** its latents have the sampler's scale, rather than the VAE's */
  scaled: boolean;
};

export type Distilled = { kind: 'turbo' | 'lightning' | 'hyper' | 'lcm' | 'dmd'; steps: number };

/** The networks' tensors, for the graphs. */
export type CheckpointParts = {
  unet: PartTensors;
  vae: PartTensors | null;
  texts: ReadonlyMap<TextRole, PartTensors>;
  safetyChecker: PartTensors | null;
};

export type CheckpointReading = { info: CheckpointInfo; parts: CheckpointParts };
