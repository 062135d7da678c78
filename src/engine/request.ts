import type {
  EmphasisName,
  FamilyName,
  ProfileName,
  RngName,
  SamplerName,
  ScheduleName,
  UpscalerName,
} from './names.ts';
import type { Said } from './said.ts';

/**
 * One complete order for pictures: nothing left to a default, so that the same request on the same machine
 * and provider gives the same bytes for ever. Plain data: it crosses threads, and JSON through
 * encodeRequest/decodeRequest (stored-request.ts).
 */
export type GenerateRequest = {
  /** name of a model in the registry, or an absolute folder (command line only) */
  model: string;
  prompt: string;
  negativePrompt: string;
  /** pixels, divisible by the model's size factor */
  width: number;
  height: number;
  /** images in the batch, 1-9; image i uses seed + i */
  count: number;
  steps: number;
  /** classifier-free guidance scale w in uncond + w (cond - uncond); 1 switches guidance off */
  guidanceScale: number;
  /** null (profile diffusers only): the model folder's scheduler_config.json decides */
  sampler: SamplerName | null;
  schedule: ScheduleName;
  /** 0 <= seed < 2^64 */
  seed: bigint;
  /** A1111's variation seed: start noise = slerp(strength, noise(seed), noise(variation.seed)); strength 0-1 */
  variation: { seed: bigint; strength: number } | null;
  /** A1111's seed resize: noise made for this size in pixels, then centred in the real size */
  seedResize: { width: number; height: number } | null;
  /** A1111's eta noise seed delta: added to the seed for all noise after the first draw */
  etaNoiseSeedDelta: number;
  /** noise multiplier of ancestral and DDIM samplers; null: the sampler's own default */
  eta: number | null;
  /** guidance rescale phi of "Common Diffusion Noise Schedules and Sample Steps are Flawed", 0-1 */
  guidanceRescale: number;
  /**
   * scale s of perturbed-attention guidance (Ahn et al. 2024), added to the guided answer as s (cond - perturbed); 3 is
   * usual; absent or 0: none
   */
  pagScale?: number;
  /** counts as A1111 does: 1 = last layer, 2 = the layer before it, … */
  clipSkip: number;
  emphasis: EmphasisName;
  rng: RngName;
  profile: ProfileName;
  /** img2img and inpainting; null for txt2img */
  init: InitImage | null;
  /** a second pass at a larger size that starts from the first one's result (txt2img only); absent or null: none */
  hires?: HiresFix | null;
  /** fewer steps for the rest of the way where that changes nothing one sees (txt2img); absent or null: none */
  replan?: Replan | null;
  /**
   * of a batch whose images differ, one entry an image (profile a1111, no variation): they stand for the fields of the
   * same name above, which are those of the first; absent or null: image i uses seed + i
   */
  each?: readonly OwnOfImage[] | null;
  /** A1111's shortcuts for the negative prompt (profile a1111); absent or null: it is asked in every step */
  negativeGuidance?: NegativeGuidance | null;
  /** another model takes over on the way, as SDXL's refiner does; absent or null: none */
  refiner?: Refiner | null;
  /**
   * the run ends after so many steps, and the picture is what x̂0 was by then: unfinished, and marked so; absent or null:
   * it is painted to the end
   */
  endAfter?: number | null;
  /** what only SDXL can be told; absent or null: nothing of it */
  xl?: XlWords | null;
  /** of a checkpoint: a VAE in place of its own, by its name in models/vae, or an absolute file (command line only) */
  vae?: string | null;
  /** of a checkpoint: absolute files with text encoders in place of its own (command line only) */
  textEncoders?: readonly string[];
  /** of a diffusion transformer: absolute folders with tokenizers that its files do not bring (command line only) */
  tokenizers?: readonly string[];
  /** what a network that was distilled to a guidance of its own is told (Flux dev); absent: the model's usual, 3.5 or 30 of Fill */
  distilledGuidance?: number;
  /** tokens that a prompt is filled up to by families that do that; absent: as many as they are used to */
  textLength?: number;
  /** static shift of a flow's noise levels in place of the model's own; absent: the model's own */
  flowShift?: number;
  /** the guided answer becomes no longer than so many times the prompt's own, image by image (Z-Image); absent: as it is */
  cfgNormalization?: number;
  /** of a flow: the share of the way, 0-1, behind which the negative prompt is not asked (Z-Image); absent: it always is */
  cfgTruncation?: number;
  /** painted alone, whatever waits: not in evaluations that are shared with other people's; absent: as it comes */
  exact?: boolean;
  /** encoded pictures that the model is shown to edit from (FLUX.2, InstructPix2Pix); absent: none */
  references?: readonly Uint8Array[];
  /** how strictly a model that edits keeps to the picture (InstructPix2Pix); absent: 1.5 */
  imageGuidanceScale?: number;
};

/** Evaluations of the network that do without the negative prompt, as if the guidance scale were 1. */
export type NegativeGuidance = {
  /** below this noise level every second one ("NGMS"), 0-15; 0: none */
  minSigma: number;
  /** below it every one ("NGMS all steps") */
  allSteps: boolean;
  /** the first ones, this share of all ("Skip Early CFG"), 0-1; 0: none */
  skipEarly: number;
};

export type Refiner = {
  /**
   * name of a model in the registry, or an absolute folder (command line only). Null (profile diffusers only): nobody
   * takes over, and the picture stays as unfinished as `denoising_end` leaves it
   */
  model: string | null;
  /** share of the training timesteps after which it takes over, 0.01-1 */
  switchAt: number;
};

/**
 * The second prompt and the sizes of SDXL's conditioning, by the names of diffusers' StableDiffusionXLPipeline; what
 * is absent follows from the picture. The negative prompt's sizes count only where both are given. Flux hears the second
 * prompt, and Stable Diffusion 3 the third, too.
 */
export type XlWords = {
  /** what the second text encoder reads; absent: the same as the first */
  prompt2?: string;
  negativePrompt2?: string;
  /** what the third text encoder reads (T5 of Stable Diffusion 3); absent: the same as the first */
  prompt3?: string;
  negativePrompt3?: string;
  originalSize?: ImageSize;
  crop?: { left: number; top: number };
  targetSize?: ImageSize;
  negativeOriginalSize?: ImageSize;
  negativeCrop?: { left: number; top: number };
  negativeTargetSize?: ImageSize;
  /** profile diffusers: an empty negative prompt is encoded as any other, where none at all would be zeros */
  encodesEmptyNegative?: boolean;
};

/** What the images of one batch may differ in. */
export type OwnOfImage = Pick<GenerateRequest, 'seed' | 'guidanceScale' | 'clipSkip'>;

/** After `after` steps of the schedule the rest of the way is taken in `rest` steps. */
export type FixedReplan = { after: number; rest: number };

/**
 * What happened, or the rule for it: in the first step in which x̂0 of every picture moves by less than `still`
 * (RMS, as a share of x̂0), the steps that are left become `share` of them. A result's request always holds what
 * happened.
 */
export type Replan = FixedReplan | { still: number; share: number };

export type HiresFix = {
  /** sides of the second pass as a multiple of the first's, 1-4; rounded down to the model's size factor */
  scale: number;
  /** steps that the second pass runs */
  steps: number;
  /** share of the noise put back, 0-1 */
  strength: number;
  /** one of UPSCALERS, or the name of a network in models/upscalers that enlarges the decoded picture */
  upscaler: UpscalerName | (string & {});
};

export type InitImage = {
  /** encoded picture (PNG, JPEG or WebP) */
  image: Uint8Array;
  /** share of the noise put back, 0-1 */
  strength: number;
  /** white = repaint, black = keep; same size as the picture */
  mask: Uint8Array | null;
  /** blur of the mask's edge in pixels (A1111's mask blur) */
  maskBlur: number;
  /** repaint only the masked region, at full size */
  onlyMasked: boolean;
  /** share of the picture that the mask has painted anew, 0-1, as whoever made the order counted it: told in the recipe */
  coverage?: number;
};

/** What a person or a program asked for before defaults and checks: parseRequest makes a GenerateRequest of it. */
export type RequestInput = {
  [K in keyof GenerateRequest]?: unknown;
};

/** A model folder as the registry sees it, without loading a session. */
export type ModelInfo = {
  name: string;
  folder: string;
  /** first 10 hex digits of the SHA-256 over the denoiser's graph file (and its external data's size) */
  hash: string;
  /** detected from graphs and configs, never from the name */
  family: FamilyName;
  inpainting: boolean;
  /** the folder has a safety checker, which looks at its pictures where that is asked for; absent: not known */
  safetyChecker?: boolean;
  /** LoRAs that its prompts may name; absent: not known */
  loras?: readonly string[];
  /** networks of models/upscalers that its hires fix may use; absent: not known */
  upscalers?: readonly string[];
  /** VAEs that may stand in for its own; absent: none, its networks belong together */
  vaes?: readonly string[];
  /** files of LoRAs by the name that training gave them, in small letters; absent: not known */
  loraAliases?: Readonly<Record<string, string>>;
  /** of each file of LoRAs what tells it from another one of its name, on every machine the same; absent: not known */
  loraHashes?: Readonly<Record<string, string>>;
  /** pictures that it may be shown to edit from; absent: none */
  references?: number;
  /** it paints nothing without a picture to edit (InstructPix2Pix); absent: it does */
  edits?: true;
  /** width and height must be divisible by this */
  sizeFactor: number;
  /** and be no less than this; absent: 64 */
  leastSide?: number;
  /** nor more than this, where its network stores a table of places; absent: as many as may be asked for */
  mostSide?: number;
  /** made to paint without guidance: neither cfg nor a negative prompt is offered; absent: with */
  unguided?: true;
  /** what costOf counts by; absent: not known, and taken for a plain SD 1 */
  network?: ModelNetwork;
  /** the size the model was trained at, pixels */
  nativeSize: { width: number; height: number };
  defaults: {
    sampler: SamplerName;
    schedule: ScheduleName;
    steps: number;
    guidanceScale: number;
    /** of perturbed-attention guidance; absent: none */
    pagScale?: number;
    /** counts as requests do; absent: 1 */
    clipSkip?: number;
  };
  /** of a .safetensors file or a diffusers folder: what is known of it, and by what; absent: an ONNX folder */
  checkpoint?: {
    /** what its weights are stored in: `fp16`, or `mixed: unet fp16, vae fp32` */
    dtype: string;
    prediction: { value: 'epsilon' | 'v_prediction' | 'sample'; how: Said };
    zeroTerminalSnr: boolean;
    /** where its VAE comes from; null: it has its own */
    vae: Said | null;
  };
};

/**
 * `from-positive`: cond + w (cond - uncond) in profile diffusers; `normed`: as long as cond, token by token; `by-negative`:
 * plain. These two guide in profile diffusers only where a negative prompt is given, as their pipelines do.
 * `none`: never, the network was distilled to do without. `by-picture`: between neither, the picture to edit alone, and
 * both picture and prompt.
 */
export type GuidanceRule =
  | 'plain'
  | 'from-positive'
  | 'normed'
  | 'by-negative'
  | 'none'
  | 'by-picture';

export type ModelNetwork = {
  /** scheduler_config.json */
  schedulerConfig: Record<string, unknown>;
  /** it guides itself by the scale (LCM), and is never asked for the negative prompt */
  guidesItself: boolean;
  textEncoders: number;
  /** how the answers with and without the prompt become one; absent: plain classifier-free guidance */
  guidance?: GuidanceRule;
  /** what it is told of guidance over a start picture in profile diffusers where nobody says; absent: as from words alone */
  distilledOverPictures?: number;
};

/** A file or folder of the models folder that cannot paint, and the sentences that say why. */
export type UnusableModel = { name: string; said: readonly Said[] };

export type ImageSize = { width: number; height: number };
