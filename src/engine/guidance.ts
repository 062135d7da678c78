/**
 * Classifier-free guidance (Ho & Salimans 2022): the network is asked with and without the prompt, in one batch,
 * and the answer is uncond + w (cond - uncond). With w = 1 it is asked once. Several weighted prompts (AND) follow
 * Liu et al. 2022: uncond + w sum_i w_i (cond_i - uncond).
 */
import { guidanceScales } from './batch.ts';
import type { Answered } from './journal.ts';
import type { GenerateRequest } from './request.ts';
import type { LatentShape, Predict, SamplingRun } from './sampling.ts';
import { textAt, type Conditioning, type TextEmbedding } from './text-encoder.ts';
import type { Unet } from './unet.ts';

export type GuidanceOptions = {
  unet: Unet;
  shape: LatentShape;
  positive: Conditioning;
  negative: Conditioning;
  request: Pick<GenerateRequest, 'guidanceScale' | 'guidanceRescale' | 'profile' | 'each'>;
  /** LCM: length of the guidance embedding; the network then guides itself and is asked once */
  guidanceEmbedding: number | null;
  /** 9-channel inpainting: mask and masked picture [B,1+C,h,w] appended to every input; null elsewhere */
  extraChannels: Float32Array | null;
  /** called before every network run; throws CancelledError to stop */
  checkpoint: () => Promise<void>;
  /** answers from an earlier run, or the network's */
  answered: Answered;
};

/**
 * True when the network is asked a second time for the negative prompt. diffusers switches guidance off at every
 * scale up to 1, A1111 and ComfyUI at 1 only.
 */
export function needsNegative(
  { guidanceScale, profile }: Pick<GenerateRequest, 'guidanceScale' | 'profile'>,
  guidanceEmbedding: number | null,
  parts: number,
): boolean {
  if (guidanceEmbedding !== null) return false;
  if (profile === 'diffusers' ? guidanceScale > 1 : guidanceScale !== 1) return true;
  return parts > 1;
}

export type Guided = {
  predict: Predict;
  /** for CFG++ (Chung et al. 2024): the answer at `factor` times the guidance scale, and the unconditional one */
  predictPair: NonNullable<SamplingRun['predictPair']>;
};

export function createGuidedPredict(options: GuidanceOptions): Guided {
  const { positive, negative, request, guidanceEmbedding } = options;
  const { guidanceRescale: rescale } = request;
  const [batch, channels, height, width] = options.shape;
  const latents = batch * channels * height * width;
  const scales = guidanceScales(request, batch);
  const guided = needsNegative(request, guidanceEmbedding, positive.parts.length);
  const ask = createBatchedAsk(options);
  const weights = positive.parts.map(({ weight }) => weight);
  // A1111 counts evaluations, not steps, for prompt editing.
  let evaluations = 0;

  /** Answers [1 + parts, B, C, h, w], the unconditional first. */
  function askBoth(x: Float32Array, timestep: number, step: number): Promise<Float32Array> {
    const unconditional = textAt(negative.parts[0] as Conditioning['parts'][number], step);
    const conditional = positive.parts.map((part) => textAt(part, step));
    return ask(x, timestep, [unconditional, ...conditional]);
  }

  function combine(answers: Float32Array, factor: number): Float32Array {
    const combined = guide(
      answers,
      latents,
      weights,
      scales.map((scale) => factor * scale),
    );
    if (rescale > 0) rescaleGuidance(combined, answers.subarray(latents), batch, rescale);
    return combined;
  }

  return {
    async predict(x, timestep) {
      await options.checkpoint();
      const step = evaluations++;
      return options.answered(x, timestep, async () => {
        if (guided) return combine(await askBoth(x, timestep, step), 1);
        return ask(x, timestep, [textAt(positive.parts[0] as Conditioning['parts'][number], step)]);
      });
    },
    async predictPair(x, timestep, factor) {
      await options.checkpoint();
      const step = evaluations++;
      const pair = await options.answered(x, timestep, async () => {
        const answers = await askBoth(x, timestep, step);
        const both = new Float32Array(2 * latents);
        both.set(combine(answers, factor));
        both.set(answers.subarray(0, latents), latents);
        return both;
      });
      return { guided: pair.subarray(0, latents), uncond: pair.subarray(latents) };
    },
  };
}

/** uncond + scale sum_i w_i (cond_i - uncond) of answers [1 + parts, latents], each image by its own scale */
function guide(
  answers: Float32Array,
  latents: number,
  weights: readonly number[],
  scales: readonly number[],
): Float32Array {
  const guided = new Float32Array(latents);
  const size = latents / scales.length;
  for (const [image, scale] of scales.entries()) {
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

/**
 * Asks the network for every text at once: result [texts x B, C, h, w] in the order given. Texts of different
 * lengths cannot share a batch and are asked one length after the other.
 */
function createBatchedAsk(
  options: GuidanceOptions,
): (x: Float32Array, timestep: number, texts: readonly TextEmbedding[]) => Promise<Float32Array> {
  const { unet, shape, extraChannels } = options;
  const [batch, channels, height, width] = shape;
  const plane = height * width;
  const extra = extraChannels === null ? 0 : extraChannels.length / (batch * plane);
  const latents = batch * channels * plane;
  // Text rarely changes between steps: the repeated context is built once per set of texts.
  let repeated: { texts: readonly TextEmbedding[]; rows: TextRows } | null = null;

  async function askSameLength(
    x: Float32Array,
    timestep: number,
    texts: readonly TextEmbedding[],
  ): Promise<Float32Array> {
    if (repeated === null || !sameTexts(repeated.texts, texts)) {
      repeated = { texts, rows: repeatTexts(texts, batch, options) };
    }
    const rows = texts.length * batch;
    return unet.predict({
      sample: repeatLatents(x, texts.length, options),
      shape: [rows, channels + extra, height, width],
      timestep,
      ...repeated.rows,
    });
  }

  return async (x, timestep, texts) => {
    const lengths = new Set(texts.map(({ tokens }) => tokens));
    if (lengths.size === 1) return askSameLength(x, timestep, texts);
    const answers = new Float32Array(texts.length * latents);
    for (const length of lengths) {
      const places = [...texts.keys()].filter((i) => texts[i]?.tokens === length);
      const group = places.map((i) => texts[i] as TextEmbedding);
      const answer = await askSameLength(x, timestep, group);
      for (const [g, place] of places.entries()) {
        answers.set(answer.subarray(g * latents, (g + 1) * latents), place * latents);
      }
    }
    return answers;
  };
}

type TextRows = {
  context: { data: Float32Array; shape: readonly number[] };
  pooled?: { data: Float32Array; shape: readonly number[] };
  timeIds?: { data: Float32Array; shape: readonly number[] };
  guidance?: { data: Float32Array; shape: readonly number[] };
};

function sameTexts(a: readonly TextEmbedding[], b: readonly TextEmbedding[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

/** Row order of every batch: all images of the first text, then all of the second, … */
function repeatTexts(
  texts: readonly TextEmbedding[],
  batch: number,
  { guidanceEmbedding, request }: GuidanceOptions,
): TextRows {
  const [first] = texts as [TextEmbedding];
  const rows = texts.length * batch;
  const owner = (row: number): TextEmbedding => {
    const text = texts[Math.floor(row / batch)] as TextEmbedding;
    return text.ofImages?.[row % batch] ?? text;
  };
  const made: TextRows = {
    context: {
      data: stack(rows, (row) => owner(row).context),
      shape: [rows, first.tokens, first.dim],
    },
  };
  const { pooled, timeIds } = first;
  if (pooled !== null) {
    made.pooled = {
      data: stack(rows, (row) => owner(row).pooled as Float32Array),
      shape: [rows, pooled.length],
    };
  }
  if (timeIds !== undefined) {
    made.timeIds = {
      data: stack(rows, (row) => owner(row).timeIds as readonly number[]),
      shape: [rows, timeIds.length],
    };
  }
  if (guidanceEmbedding !== null) {
    const embeddings = guidanceScales(request, batch).map((scale) =>
      embedGuidance(scale, guidanceEmbedding),
    );
    made.guidance = {
      data: stack(rows, (row) => embeddings[row % batch] as Float32Array),
      shape: [rows, guidanceEmbedding],
    };
  }
  return made;
}

function stack(rows: number, of: (row: number) => ArrayLike<number>): Float32Array {
  const length = of(0).length;
  const stacked = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) stacked.set(of(row), row * length);
  return stacked;
}

/** x [B,C,h,w] once per text, each image followed by its extra channels. */
function repeatLatents(
  x: Float32Array,
  texts: number,
  { shape, extraChannels }: GuidanceOptions,
): Float32Array {
  if (extraChannels === null) {
    if (texts === 1) return x;
    const repeated = new Float32Array(texts * x.length);
    for (let t = 0; t < texts; t++) repeated.set(x, t * x.length);
    return repeated;
  }
  const [batch] = shape;
  const own = x.length / batch;
  const extra = extraChannels.length / batch;
  const repeated = new Float32Array(texts * batch * (own + extra));
  for (let row = 0; row < texts * batch; row++) {
    const image = row % batch;
    const at = row * (own + extra);
    repeated.set(x.subarray(image * own, (image + 1) * own), at);
    repeated.set(extraChannels.subarray(image * extra, (image + 1) * extra), at + own);
  }
  return repeated;
}

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
