/** What Stable Diffusion 1, 2 and XL, their refiner and LCM differ in: families of UNets. */
import type { Json, Prediction, TextRole, WantedText } from '../checkpoint/checkpoint.ts';
import type { UnetShape } from '../checkpoint/shape/unet-shape.ts';
import type { UnetFamilyName } from '../names.ts';
import type { ModelInfo } from '../request.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import { rowsFeed, textFeeds } from '../network/feeds.ts';
import { besideEachOther, type Hidden } from '../text/hidden.ts';
import type { ClipReading, Family, FamilyLimits } from './family.ts';

/** What a training run cannot help leaving in a UNet. */
export type UnetMarks = {
  /** numbers of sizes that it is told beside the pooled prompt; null: none */
  sizes: number | null;
  /** it is told the guidance scale */
  guidanceEmbedding: boolean;
  /** proj_in and proj_out are linear layers rather than convolutions of one pixel */
  linearProjection: boolean;
};

export type UnetFamily = Family & {
  name: UnetFamilyName;
  /** whose networks are built alike: its owner's word may say which of them a model is */
  kin: 'sd' | 'xl' | 'lcm';
  isOwn(marks: UnetMarks): boolean;
  clip: ClipReading;
  /** of files: what of its text encoders the UNet's widths ask for */
  wantedTexts(shape: UnetShape): WantedText[];
  text(role: TextRole): TextHabits;
  vae: {
    /** latents of a unit deviation = the VAE's x scale, where a file says nothing */
    scale: number;
    /** what people call files of its VAEs: shapes do not tell them apart */
    isNamed(file: string): boolean;
  };
  /** pixels, one side */
  nativeSide(prediction: Prediction): number;
  /** what the prediction type is may be told by the weights */
  isToldByWeights: boolean;
  /** the scheduler_config.json that its makers published */
  scheduler: Json;
  /** the one that the makers of its InstructPix2Pix published; absent: the same */
  editScheduler?: Json;
  /** of a file: an empty negative prompt is zeros instead of the embedding of '' */
  zeroEmptyNegative: boolean;
};

export type TextHabits = {
  /** OpenCLIP's: with GELU */
  isOpenClip: boolean;
  /** what file names call it: clip_l, clip_g, clip_h */
  letter: 'l' | 'g' | 'h';
  /** what people call it */
  part: string;
  /** layers that count, of a file with so many */
  layersUsed(style: 'clip' | 'openclip', layers: number): number;
  /** of a description: layers in a file in the makers' names */
  layersInFile(used: number, found: number): number;
  /** which states are the context, in words */
  context: string;
};

/** Width of the sinusoids of one size or crop. */
const SIZE_WIDTH = 256;

/** Of the tensors' shapes. */
export function marksOfShape({
  admChannels,
  contextDim,
  guidanceEmbedding,
  linearProjection,
}: UnetShape): UnetMarks {
  return {
    sizes: admChannels === null ? null : sizesOf(admChannels, contextDim),
    guidanceEmbedding: guidanceEmbedding !== null,
    linearProjection,
  };
}

/**
 * The refiner is told five sizes, and its pooled prompt is as wide as its context, since it has one encoder alone; the
 * base of SDXL six, beside the pooled prompt of its second encoder, which is part of the context as well.
 */
function sizesOf(admChannels: number, contextDim: number): number {
  return admChannels - contextDim === 5 * SIZE_WIDTH ? 5 : 6;
}

/** Features of the pooled prompt of a network that is told so many sizes. */
export function pooledWidth({ admChannels }: UnetShape, sizes: number): number {
  return (admChannels ?? 0) - sizes * SIZE_WIDTH;
}

/** Of an export's config.json, and of the text encoders beside it. */
export function marksOfConfig(config: Json, encoders: readonly { id: string }[]): UnetMarks {
  const onlyBigEncoder = encoders.every(({ id }) => id === 'text_encoder_2');
  return {
    sizes: config['addition_embed_type'] === 'text_time' ? (onlyBigEncoder ? 5 : 6) : null,
    guidanceEmbedding: typeof config['time_cond_proj_dim'] === 'number',
    linearProjection: config['use_linear_projection'] === true,
  };
}

/** Betas of all of Stability AI's models. */
export const TRAINING = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
} as const;

export const UNET_LIMITS: FamilyLimits = {
  perturbs: true,
  begins: true,
  prompts: 1,
  followsXlRecipes: false,
  opensExports: true,
  steps: 200,
  // InstructPix2Pix
  references: 1,
  tokens: null,
  samplers: null,
  schedules: null,
  refusesLonger: false,
};

/** TAESD, for the latents of Stable Diffusion 1 and 2, whose shape those of XL have. */
export const TAESD: Family['tinyVae'] = { own: /taesd(?![x3])/i, others: /xl/i };

/** Pooled prompt and sizes (SDXL), the embedding of the guidance scale (LCM). */
export const UNET_FEEDS: Pick<Family, 'inputs' | 'feeds'> = {
  inputs: ['text_embeds', 'time_ids', 'timestep_cond'],
  *feeds({ count, text, scale }, { embedding }) {
    yield* textFeeds(count, text, 'text_embeds');
    const { timeIds } = text(0);
    if (timeIds !== undefined) {
      yield ['time_ids', rowsFeed(count, [timeIds.length], (row) => text(row).timeIds ?? [])];
    }
    if (embedding !== null) {
      yield [
        'timestep_cond',
        rowsFeed(count, [embedding], (row) => embedGuidance(scale(row), embedding)),
      ];
    }
  },
};

/** Sinusoidal embedding of 1000 (w - 1) (LCM; diffusers get_guidance_scale_embedding). */
function embedGuidance(scale: number, dim: number): Float32Array {
  const half = Math.floor(dim / 2);
  const embedding = new Float32Array(dim);
  for (let i = 0; i < half; i++) {
    const frequency = Math.exp((-Math.log(10000) * i) / (half - 1));
    const angle = (scale - 1) * 1000 * frequency;
    embedding[i] = Math.sin(angle);
    embedding[half + i] = Math.cos(angle);
  }
  return embedding;
}

/** Of SD 1 and 2, whose pipeline puts old configs right and skips steps for every scheduler. */
export const PLAIN_SCHEDULE: Pick<ModelSchedule, 'sdxl' | 'calls'> = {
  sdxl: false,
  calls: { correctsConfig: true, handsStrengthToLcm: false, grid: 'own' },
};

/** The text as a whole is the last encoder's. */
export function lastPooled(hidden: readonly Hidden[]): Float32Array | null {
  return hidden.at(-1)?.pooled ?? null;
}

/** SD 1 and 2 read the last layer after its norm. */
export const NORMED: ClipReading = {
  states: 'normed',
  join: (hidden) => besideEachOther(hidden, 0, lastPooled),
  behind: 0,
  zeroesEmptyNegative: false,
};

/** Makes the defaults of UNets; distilled ones take 4 steps unguided. */
export function usualOfUnets(fewSteps: boolean): ModelInfo['defaults'] {
  return fewSteps
    ? { sampler: 'euler', schedule: 'sgm_uniform', steps: 4, guidanceScale: 1 }
    : { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 };
}

/** OpenAI's CLIP-L, all of whose layers count. */
export const CLIP_L: TextHabits = {
  isOpenClip: false,
  letter: 'l',
  part: 'clip-l',
  layersUsed: (_style, layers) => layers,
  layersInFile: (_used, found) => found,
  context: 'last layer, final_layer_norm',
};

/** The VAE of SD 1 and 2. */
export const SD_VAE: UnetFamily['vae'] = {
  scale: 0.18215,
  isNamed: (file) => !isXlName(file),
};

/** Does a file's name say that it is for SDXL? */
export function isXlName(file: string): boolean {
  return /xl/i.test(file);
}
