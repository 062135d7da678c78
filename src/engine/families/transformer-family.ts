/** What tells one family of diffusion transformers from another, beside what all families say of themselves. */
import type { Json } from '../checkpoint/checkpoint.ts';
import type { PartTensors } from '../checkpoint/tensors.ts';
import type { LowRankBranch } from '../graphs/low-rank/branches.ts';
import type { BuiltGraph, GraphStyle } from '../graphs/builder.ts';
import type { VaeNorm } from '../graphs/vae.ts';
import { SCHEDULES, type TransformerFamilyName } from '../names.ts';
import type { GuidanceRule, ModelInfo } from '../request.ts';
import type { EncoderKind, Reader } from '../text/language/reader.ts';
import { rowsFeed, textFeeds } from '../network/feeds.ts';
import type { Family } from './family.ts';
import type { EditingFacts, ReferenceRules } from './editing/reference-rules.ts';
import type { NameRules } from './opening/names.ts';

export type WantedEncoder = {
  kind: EncoderKind;
  /** of a diffusers folder */
  part: 'text_encoder' | 'text_encoder_2' | 'text_encoder_3';
  /** of a diffusers folder */
  tokenizer: 'tokenizer' | 'tokenizer_2' | 'tokenizer_3';
  /** the model paints without it, too */
  optional?: boolean;
  /** what people find it under, and how large it is there */
  usual: string;
  /** of a CLIP: the text as a whole goes through its projection */
  projected?: boolean;
  /** file names that tell it from others of its kind */
  names: RegExp;
  /** numbers in the embedding of a token that the transformer needs; null: it does not tell */
  width(tensors: PartTensors, taken: readonly { width: number }[]): number | null;
};

/** A picture's autoencoder, one that norms its latents in patches (FLUX.2), or one for frames (Qwen-Image). */
export type VaeKind = 'plain' | 'patches' | 'frames';

export type Latents = {
  channels: number;
  /** pixels a latent, one axis */
  factor: number;
  scale: number;
  shift: number;
  stats: { means: readonly number[]; deviations: readonly number[] } | null;
  /** diffusers' inpainting pipeline forgets the shift when it decodes */
  unshiftedByInpainting?: boolean;
};

/** `config` is empty for a file, which has none. */
export type VaeFacts = { config: Json; tensors: PartTensors };

export type TransformerFamily = Family & {
  name: TransformerFamilyName;
  /** `_class_name` in the config of its exports as ONNX; null: there are none that are known by it */
  exportClass: string | null;
  /** a name of its transformer's tensors that no other family has; numbers are 0 */
  mark: RegExp;
  originals: NameRules | null;
  encoders: readonly WantedEncoder[];
  vae: {
    usual: string;
    decoder: WriteGraph;
    encoder: WriteGraph;
    /** absent: plain */
    kind?: VaeKind;
    /** file names that tell it from others of the same shape, and those of the others */
    names?: RegExp;
    otherNames?: RegExp;
  };
  /** @throws Error when a tensor is missing or has another shape than the others need */
  denoiser(
    tensors: PartTensors,
    words: DenoiserWords,
    style: GraphStyle,
    branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
  ): BuiltGraph;
  latents(vae: VaeFacts): Latents;
  /** features of a token of the context */
  contextWidth(tensors: PartTensors): number;
  /** latent channels that the transformer works with */
  channels(tensors: PartTensors): number;
  /** patches along one side of a picture, where the network stores a table of their places; absent: as many as wanted */
  mostPatches?(tensors: PartTensors): number;
  /** turns prompts into what the transformer reads */
  reader: Reader;
  /** `index`: the folder's model_index.json */
  guidance(index: Json): GuidanceRule;
  /** the network was distilled to a guidance of its own, told by its tensors */
  isGuided(tensors: PartTensors): boolean;
  /** how it is shown pictures to edit from; null: it is not */
  references(facts: EditingFacts): ReferenceRules | null;
  /** what its network is told of guidance where nobody says; absent: 3.5 */
  distilledGuidance?(tensors: PartTensors): number;
  /** what diffusers' img2img and inpainting pipelines tell it there; absent: the same */
  distilledOverPictures?: number;
  /** it reads the masked picture and the mask's pixels behind the noise; absent: none does */
  inpaints?(tensors: PartTensors): boolean;
  /** of a file, which brings none; `names`: what it is called */
  scheduler(tensors: PartTensors, names: readonly string[]): Json;
  /** `index`: the folder's model_index.json; `names`: what its files are called */
  defaults(facts: {
    tensors: PartTensors;
    scheduler: Json;
    index: Json;
    names: readonly string[];
  }): ModelInfo['defaults'];
};

/** A file that is called so was not distilled, where its tensors do not tell. */
export function isCalledBase(names: readonly string[]): boolean {
  return names.some((name) => /(?:^|[-_. ])base(?:[-_. ]|$)/i.test(name));
}

export type DenoiserWords = {
  /** the last norm's layer has its shift before its scale: files of the original names */
  shiftFirst: boolean;
  /** of a folder its config.json; empty for a file */
  config: Json;
  /** it is shown pictures to edit from */
  edits: boolean;
  /** pictures to edit from are told of no noise */
  stillReferences: boolean;
};

/** `norm`: of an autoencoder whose config says another than is usual */
export type WriteGraph = (tensors: PartTensors, style: GraphStyle, norm?: VaeNorm) => BuiltGraph;

/** None is told sizes, none has a middle block to perturb. */
export const TRANSFORMER: Pick<
  Family,
  'clip' | 'sizes' | 'inputs' | 'feeds' | 'channelStats' | 'limits' | 'tinyVae'
> = {
  clip: null,
  sizes: null,
  inputs: ['pooled_projections', 'guidance'],
  *feeds({ count, text }, { distilled }) {
    yield* textFeeds(count, text, 'pooled_projections');
    if (distilled !== null) yield ['guidance', rowsFeed(count, [], () => [distilled])];
  },
  channelStats: false,
  tinyVae: null,
  limits: {
    perturbs: false,
    begins: true,
    prompts: 1,
    followsXlRecipes: false,
    opensExports: true,
    // trained with flow matching, whose paths are so straight that more change nothing one would see
    steps: 100,
    references: 0,
    tokens: null,
    samplers: ['euler', 'heun', 'dpm2', 'lms', 'dpmpp_2m', 'flow_euler'],
    // those are levels that somebody measured on Stable Diffusion
    schedules: SCHEDULES.filter((name) => name !== 'align_your_steps'),
    refusesLonger: false,
  },
};

/** The pipelines of Flux, Z-Image and Qwen-Image pass their schedulers an even grid of σ. */
export const EVEN_GRID: Family['schedule'] = {
  sdxl: false,
  calls: { correctsConfig: false, handsStrengthToLcm: true, grid: 'even' },
};

/** Makes the defaults of models that were trained by flow matching and ask for Euler's method. */
export function flowEuler(steps: number, guidanceScale: number): ModelInfo['defaults'] {
  return { sampler: 'flow_euler', schedule: 'automatic', steps, guidanceScale };
}
