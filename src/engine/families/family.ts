/** What tells one family of models from another. A file a family; families.ts is the table. */
import type { NamedFeed, QuestionRows } from '../network/feeds.ts';
import type { SamplerName, ScheduleName } from '../names.ts';
import type { GenerateRequest, ModelInfo } from '../request.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import type { Hidden } from '../text/hidden.ts';

export type Family = {
  name: ModelInfo['family'];
  /** as people say it */
  title: string;
  /** how CLIPs read prompts for it; null: its prompts are read by networks of its own alone */
  clip: ClipReading | null;
  /** numbers that its network is told of sizes beside the prompt; null: none */
  sizes: SizeNumbers | null;
  /** inputs that its denoiser may have beside the sample, the timestep and encoder_hidden_states */
  inputs: readonly string[];
  /** what its denoiser is told of a question's rows, by its inputs' names */
  feeds(rows: QuestionRows, network: GuidanceWords): Iterable<NamedFeed>;
  /** the config of its VAE may say mean and deviation of each channel */
  channelStats: boolean;
  /** how its pipeline calls the scheduler, and which levels of Align Your Steps are its own */
  schedule: Pick<ModelSchedule, 'sdxl' | 'calls'>;
  /** where neither a person nor the model's folder names any; `fewSteps`: distilled for a handful of them */
  usual(fewSteps: boolean): ModelInfo['defaults'];
  limits: FamilyLimits;
  /** what files of a tiny autoencoder for its previews are called, and those for others of the same shape; null: there are none */
  tinyVae: TinyVaeNames | null;
};

export type TinyVaeNames = { own: RegExp; others: RegExp };

export type ClipReading = {
  /** the last layer's states after its norm (SD 1, 2), or those of the layer before it as they are */
  states: 'normed' | 'inner';
  /** all encoders' states of one chunk as one; `width`: features of a token that the network takes, 0 = not known */
  join(hidden: readonly Hidden[], width: number): Hidden;
  /** tokens of zeros behind the last chunk */
  behind: number;
  /** A1111 tells it zeros in place of an empty negative prompt, whatever its folder says */
  zeroesEmptyNegative: boolean;
};

/** How a network guides itself; null: not so. */
export type GuidanceWords = {
  /** LCM: numbers in the embedding of the guidance scale */
  embedding: number | null;
  /** a distilled transformer: the scale that it is told */
  distilled: number | null;
};

export type SizeNumbers = (
  request: Pick<GenerateRequest, 'width' | 'height' | 'init' | 'xl'>,
  prompt: 'positive' | 'negative',
) => number[];

export type FamilyLimits = {
  /** perturbed-attention guidance is possible: its network has a middle block to perturb */
  perturbs: boolean;
  /** it paints from words alone, rather than finish what another model began */
  begins: boolean;
  /** texts that may differ from encoder to encoder */
  prompts: 1 | 2 | 3;
  /** it follows what recipes tell SDXL: a text for the second encoder, and sizes */
  followsXlRecipes: boolean;
  /** exports of its network as ONNX are alike enough to be opened */
  opensExports: boolean;
  /** of one pass, at most */
  steps: number;
  /** pictures to edit from that it may be shown at once, where a model of it edits */
  references: number;
  /** tokens of a prompt that are read; null: as many as there are */
  tokens: number | null;
  /** what its noise levels can be walked by in profiles a1111 and comfy; null: all but those made for flows */
  samplers: readonly SamplerName[] | null;
  /** how those levels can be spaced; null: in all ways */
  schedules: readonly ScheduleName[] | null;
  /** a text of more tokens is refused rather than cut */
  refusesLonger: boolean;
};
