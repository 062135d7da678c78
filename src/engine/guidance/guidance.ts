/**
 * Classifier-free guidance (Ho & Salimans 2022): the network is asked with and without the prompt, in one batch,
 * and the answer is uncond + w (cond - uncond). With w = 1 it is asked once. Several weighted prompts (AND) follow
 * Liu et al. 2022: uncond + w sum_i w_i (cond_i - uncond). Perturbed-attention guidance (Ahn et al. 2024) asks for every
 * prompt once more with the attention of the network's middle block cut off, and adds s sum_i w_i (cond_i - perturbed_i).
 */
import { type AskOptions, createBatchedAsk } from './batched-ask.ts';
import { guidanceScales } from '../batch.ts';
import type { Answered } from '../pipeline/journal.ts';
import type { SkipsNegative } from './negative-guidance.ts';
import type { GenerateRequest, GuidanceRule } from '../request.ts';
import { asLongAs, noLongerThan } from './token-norm.ts';
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
  request: Pick<GenerateRequest, 'guidanceScale' | 'profile' | 'negativePrompt' | 'xl'>,
  guidanceEmbedding: number | null,
  parts: number,
  rule: GuidanceRule = 'plain',
): boolean {
  const { guidanceScale, profile } = request;
  if (guidanceEmbedding !== null) return false;
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

export function createGuidedPredict(options: GuidanceOptions): Guided {
  const { positive, negative, request, counter, skipsNegative } = options;
  const { embedding } = options.guidanceWords;
  const { guidanceRescale: rescale } = request;
  const [batch, channels, height, width] = options.shape;
  const latents = batch * channels * height * width;
  // cond + w (cond - uncond) is uncond + (w + 1) (cond - uncond)
  const extra = options.rule === 'from-positive' && request.profile === 'diffusers' ? 1 : 0;
  const scales = guidanceScales(request, batch).map((scale) => scale + extra);
  const guided = needsNegative(request, embedding, positive.parts.length, options.rule);
  const weights = positive.parts.map(({ weight }) => weight);
  const pagScale = request.pagScale ?? 0;
  const perturbed = pagScale > 0 ? positive.parts : [];
  const askAll = createBatchedAsk({ ...options, perturbedTexts: perturbed.length });
  const ask: typeof askAll = (x, timestep, texts) => {
    options.onAsk(texts.length * batch);
    return askAll(x, timestep, texts);
  };
  const alone = textsOf([...positive.parts, ...perturbed]);
  const both = textsOf([negative.parts[0] as Part, ...positive.parts, ...perturbed]);

  /** The first part's answer stands in for the unconditional one, and the guidance scale is 1. */
  async function askWithout(
    x: Float32Array,
    timestep: number,
    step: number,
  ): Promise<Float32Array> {
    const answers = await ask(x, timestep, alone(step));
    const straighten = (guided: Float32Array): Float32Array => {
      if (pagScale > 0) addPerturbedGuidance(guided, answers, weights, pagScale);
      return guided;
    };
    if (weights.length === 1) return straighten(answers.slice(0, latents));
    const all = joined(answers.subarray(0, latents), answers);
    const ones = scales.map(() => 1);
    return straighten(guide(all, latents, weights, ones));
  }

  /** Answers [1 + parts (+ parts perturbed), B, C, h, w], the unconditional first. */
  function askBoth(x: Float32Array, timestep: number, step: number): Promise<Float32Array> {
    return ask(x, timestep, both(step));
  }

  function combine(answers: Float32Array, factor: number): Float32Array {
    const combined = guide(answers, latents, weights, scales, factor);
    if (pagScale > 0) {
      addPerturbedGuidance(combined, answers.subarray(latents), weights, pagScale);
    }
    if (request.cfgNormalization) {
      noLongerThan(combined, answers.subarray(latents), batch, request.cfgNormalization);
    }
    if (options.rule === 'normed') asLongAs(combined, answers.subarray(latents), options.shape);
    if (rescale > 0) rescaleGuidance(combined, answers.subarray(latents), batch, rescale);
    return combined;
  }

  function predictNow(x: Float32Array, timestep: number): Promise<Float32Array> {
    // A1111 counts evaluations, not steps, for prompt editing.
    const step = counter.evaluations++;
    return options.answered(x, timestep, async () => {
      if (!guided || skipsNegative?.(step, timestep)) return askWithout(x, timestep, step);
      return combine(await askBoth(x, timestep, step), 1);
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
        return joined(combine(answers, factor), answers.subarray(0, latents));
      });
      return { guided: pair.subarray(0, latents), uncond: pair.subarray(latents) };
    },
  };
}

function joined(first: Float32Array, second: Float32Array): Float32Array {
  const both = new Float32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

type Part = Conditioning['parts'][number];

/** What the parts say in evaluation `step`; one and the same list while no text changes. */
function textsOf(parts: readonly Part[]): (step: number) => readonly TextEmbedding[] {
  const textsAt = (step: number): TextEmbedding[] => parts.map((part) => textAt(part, step));
  if (parts.some(({ schedule }) => schedule.length > 1)) return textsAt;
  const texts = textsAt(0);
  return () => texts;
}

/** uncond + factor scale sum_i w_i (cond_i - uncond) of answers [1 + parts, latents], each image by its own scale */
function guide(
  answers: Float32Array,
  latents: number,
  weights: readonly number[],
  scales: readonly number[],
  factor = 1,
): Float32Array {
  const guided = new Float32Array(latents);
  const size = latents / scales.length;
  for (let image = 0; image < scales.length; image++) {
    const scale = factor * scales[image]!;
    guideImage(answers, guided, [image * size, (image + 1) * size], weights, scale);
  }
  return guided;
}

/** Fills elements `from` to `to` of `guided`. */
function guideImage(
  answers: Float32Array,
  guided: Float32Array,
  [from, to]: readonly [number, number],
  weights: readonly number[],
  scale: number,
): void {
  const latents = guided.length;
  const [weight = 1] = weights;
  if (weights.length === 1) {
    const pull = scale * weight;
    for (let i = from; i < to; i++) {
      const uncond = answers[i]!;
      guided[i] = uncond + pull * (answers[latents + i]! - uncond);
    }
    return;
  }
  for (let i = from; i < to; i++) {
    const uncond = answers[i]!;
    let pull = 0;
    for (let p = 0; p < weights.length; p++) {
      pull += weights[p]! * (answers[(p + 1) * latents + i]! - uncond);
    }
    guided[i] = uncond + scale * pull;
  }
}

/** In place: + scale sum_i w_i (cond_i - perturbed_i) of answers [parts + parts perturbed, latents]. */
function addPerturbedGuidance(
  guided: Float32Array,
  answers: Float32Array,
  weights: readonly number[],
  scale: number,
): void {
  const latents = guided.length;
  const ahead = weights.length * latents;
  for (let p = 0; p < weights.length; p++) {
    const pull = scale * weights[p]!;
    const from = p * latents;
    for (let i = 0; i < latents; i++) {
      guided[i] = guided[i]! + pull * (answers[from + i]! - answers[ahead + from + i]!);
    }
  }
}

/**
 * In place, image by image ("Common Diffusion Noise Schedules and Sample Steps are Flawed", Lin et al. 2023):
 * phi * guided * std(cond) / std(guided) + (1 - phi) * guided.
 */
function rescaleGuidance(
  guided: Float32Array,
  conditional: Float32Array,
  batch: number,
  phi: number,
): void {
  const size = guided.length / batch;
  for (let image = 0; image < batch; image++) {
    const own = guided.subarray(image * size, (image + 1) * size);
    const wanted = deviation(conditional.subarray(image * size, (image + 1) * size));
    const factor = phi * (wanted / deviation(own)) + 1 - phi;
    for (let i = 0; i < size; i++) own[i] = (own[i] as number) * factor;
  }
}

function deviation(values: Float32Array): number {
  let mean = 0;
  for (const value of values) mean += value;
  mean /= values.length;
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}
