/**
 * Classifier-free guidance (Ho & Salimans 2022): the network is asked with and without the prompt, in one batch,
 * and the answer is uncond + w (cond - uncond). With w = 1 it is asked once. Several weighted prompts (AND) follow
 * Liu et al. 2022: uncond + w sum_i w_i (cond_i - uncond). Perturbed-attention guidance (Ahn et al. 2024) asks for every
 * prompt once more with the attention of the network's middle block cut off, and adds s sum_i w_i (cond_i - perturbed_i).
 */
import { type AskOptions, createBatchedAsk } from './batched-ask.ts';
import { guidanceScales } from '../request/batch.ts';
import { type Combination, combine, combineAlone, joined } from './combine.ts';
import type { Answered } from '../pipeline/journal.ts';
import type { SkipsNegative } from './negative-guidance.ts';
import { imageScaleOf, isGuidedByPicture } from './picture-guidance.ts';
import type { GenerateRequest, GuidanceRule } from '../request.ts';
import type { Predict, SamplingRun } from '../sampling/sampling.ts';
import { type Conditioning, textAt } from '../text/text-encoder.ts';
import type { TextEmbedding } from '../text/text-embedding.ts';

export type GuidanceOptions = Omit<AskOptions, 'perturbedTexts'> & {
  /** told of every evaluation that the network answers, in how many rows */
  onAsk: (rows: number) => void;
  positive: Conditioning;
  negative: Conditioning;
  request: Pick<
    GenerateRequest,
    | 'guidanceScale'
    | 'guidanceRescale'
    | 'profile'
    | 'each'
    | 'pagScale'
    | 'cfgNormalization'
    | 'imageGuidanceScale'
    | 'negativePrompt'
    | 'xl'
  >;
  /** counts the evaluations of a pass, over every network that takes part in it */
  counter: { evaluations: number };
  rule: GuidanceRule;
  /** null: every evaluation asks for the negative prompt */
  skipsNegative: SkipsNegative | null;
  /** called before every network run; throws CancelledError to stop */
  checkpoint: () => Promise<void> | null;
  /** answers from an earlier run, or the network's */
  answered: Answered;
};

/**
 * True when the network is asked a second time for the negative prompt. diffusers switches guidance off at every
 * scale up to 1, A1111 and ComfyUI at 1 only.
 */
export function needsNegative(
  request: Pick<
    GenerateRequest,
    'guidanceScale' | 'imageGuidanceScale' | 'profile' | 'negativePrompt' | 'xl'
  >,
  guidanceEmbedding: number | null,
  parts: number,
  rule: GuidanceRule = 'plain',
): boolean {
  const { guidanceScale, profile } = request;
  if (guidanceEmbedding !== null || rule === 'none') return false;
  if (rule === 'by-picture') return isGuidedByPicture(request) || parts > 1;
  const wantsNegative = profile === 'diffusers' && (rule === 'normed' || rule === 'by-negative');
  if (wantsNegative && !isNegativeGiven(request)) return parts > 1;
  if (rule === 'from-positive' && profile === 'diffusers') return guidanceScale > 0;
  if (profile === 'diffusers' ? guidanceScale > 1 : guidanceScale !== 1) return true;
  return parts > 1;
}

/** In words, even if they are none: diffusers tells an empty prompt from none. */
function isNegativeGiven({
  negativePrompt,
  xl,
}: Pick<GenerateRequest, 'negativePrompt' | 'xl'>): boolean {
  return negativePrompt !== '' || xl?.encodesEmptyNegative === true;
}

export type Guided = {
  predict: Predict;
  /** for CFG++ (Chung et al. 2024): the answer at `factor` times the guidance scale, and the unconditional one */
  predictPair: NonNullable<SamplingRun['predictPair']>;
};

/**
 * The network asked with and without the prompt: x [B,C,h,w] at a noise level -> one guided answer of the same shape.
 */
export function createGuidedPredict(options: GuidanceOptions): Guided {
  const { positive, request, counter, skipsNegative } = options;
  const { embedding } = options.guidanceWords;
  const [batch, channels, height, width] = options.shape;
  const latents = batch * channels * height * width;
  const guided = needsNegative(request, embedding, positive.parts.length, options.rule);
  const rule = combinationOf(options);
  const { askAlone, askBoth } = askedBy(options);

  /** The first part's answer stands in for the unconditional one, and the guidance scale is 1. */
  async function askWithout(x: Float32Array, timestep: number, step: number) {
    return combineAlone(await askAlone(x, timestep, step), latents, rule);
  }

  function predictNow(x: Float32Array, timestep: number): Promise<Float32Array> {
    // A1111 counts evaluations, not steps, for prompt editing.
    const step = counter.evaluations++;
    return options.answered(x, timestep, async () => {
      if (!guided || skipsNegative?.(step, timestep)) return askWithout(x, timestep, step);
      return combine(await askBoth(x, timestep, step), 1, rule);
    });
  }

  return {
    predict(x, timestep) {
      const waits = options.checkpoint();
      return waits === null ? predictNow(x, timestep) : waits.then(() => predictNow(x, timestep));
    },
    async predictPair(x, timestep, factor) {
      const waits = options.checkpoint();
      if (waits !== null) await waits;
      const step = counter.evaluations++;
      const pair = await options.answered(x, timestep, async () => {
        if (skipsNegative?.(step, timestep)) {
          const answer = await askWithout(x, timestep, step);
          return joined(answer, answer);
        }
        const answers = await askBoth(x, timestep, step);
        return joined(combine(answers, factor, rule), answers.subarray(0, latents));
      });
      return { guided: pair.subarray(0, latents), uncond: pair.subarray(latents) };
    },
  };
}

type AskStep = (x: Float32Array, timestep: number, step: number) => Promise<Float32Array>;

/**
 * The two questions of a pass. Answers [parts (+ parts perturbed), B, C, h, w]; `askBoth` has the unconditional one in
 * front, and before it, where a picture guides, the one without the picture.
 */
function askedBy(options: GuidanceOptions): { askAlone: AskStep; askBoth: AskStep } {
  const { positive, negative, request, shape, onAsk, rule } = options;
  const perturbed = (request.pagScale ?? 0) > 0 ? positive.parts : [];
  const ask = createBatchedAsk({ ...options, perturbedTexts: perturbed.length });
  const asking =
    (texts: (step: number) => readonly TextEmbedding[], blind: number): AskStep =>
    (x, timestep, step) => {
      const asked = texts(step);
      onAsk(asked.length * shape[0]);
      return ask(x, timestep, asked, blind);
    };
  const [none] = negative.parts as [Part];
  const blind = imageScaleOf(request, rule) === null ? [] : [none];
  return {
    askAlone: asking(textsOf([...positive.parts, ...perturbed]), 0),
    askBoth: asking(textsOf([...blind, none, ...positive.parts, ...perturbed]), blind.length),
  };
}

function combinationOf({ positive, request, rule, shape }: GuidanceOptions): Combination {
  // cond + w (cond - uncond) is uncond + (w + 1) (cond - uncond)
  const extra = rule === 'from-positive' && request.profile === 'diffusers' ? 1 : 0;
  return {
    shape,
    weights: positive.parts.map(({ weight }) => weight),
    scales: guidanceScales(request, shape[0]).map((scale) => scale + extra),
    pagScale: request.pagScale ?? 0,
    rescale: request.guidanceRescale,
    imageScale: imageScaleOf(request, rule),
    longest: request.cfgNormalization ?? 0,
    isNormed: rule === 'normed',
  };
}

type Part = Conditioning['parts'][number];

/** What the parts say in evaluation `step`; one and the same list while no text changes. */
function textsOf(parts: readonly Part[]): (step: number) => readonly TextEmbedding[] {
  const textsAt = (step: number): TextEmbedding[] => parts.map((part) => textAt(part, step));
  if (parts.some(({ schedule }) => schedule.length > 1)) return textsAt;
  const texts = textsAt(0);
  return () => texts;
}
