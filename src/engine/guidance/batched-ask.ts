/** The network asked for several texts and images in one batch. */
import { guidanceScales } from '../batch.ts';
import type { GenerateRequest } from '../request.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import type { TextEmbedding } from '../text/text-embedding.ts';
import type { Unet, UnetInput } from '../network/unet.ts';
import type { References } from '../start/references.ts';

export type AskOptions = {
  unet: Unet;
  shape: LatentShape;
  request: Pick<GenerateRequest, 'guidanceScale' | 'each'>;
  /** LCM: length of the guidance embedding; the network then guides itself and is asked once */
  guidanceEmbedding: number | null;
  /** what a network that was distilled to its guidance is told; null: it is told nothing */
  distilled: number | null;
  /** pictures that it edits from; null: none */
  references: References | null;
  /** 9-channel inpainting: mask and masked picture [B,1+C,h,w] appended to every input; null elsewhere */
  extraChannels: Float32Array | null;
  /** the last ones of the texts, this many, are asked with perturbed attention */
  perturbedTexts: number;
};

/**
 * Asks the network for every text at once: result [texts x B, C, h, w] in the order given. Texts of different
 * lengths cannot share a batch and are asked one length after the other, and so are more rows than the machine has
 * memory for: a prompt of many parts takes longer, not more room.
 */
export function createBatchedAsk(
  options: AskOptions,
): (x: Float32Array, timestep: number, texts: readonly TextEmbedding[]) => Promise<Float32Array> {
  const { unet, shape, extraChannels, perturbedTexts } = options;
  const [batch, channels, height, width] = shape;
  const plane = height * width;
  const extra = extraChannels === null ? 0 : extraChannels.length / (batch * plane);
  const latents = batch * channels * plane;
  // Text rarely changes between steps: the question is built once per set of texts. The network has read it when it
  // answers, so the next one may overwrite its sample.
  type Asked = { texts: readonly TextEmbedding[]; perturbed: number; question: UnetInput };
  let asked: Asked | null = null;

  function askTogether(
    x: Float32Array,
    timestep: number,
    texts: readonly TextEmbedding[],
    perturbed: number,
  ): Promise<Float32Array> {
    if (asked === null || asked.perturbed !== perturbed || !sameTexts(asked.texts, texts)) {
      asked = { texts, perturbed, question: questionOf(texts, perturbed) };
    }
    const { question } = asked;
    repeatLatents(question.sample.data, x, texts.length, options);
    question.timestep = timestep;
    return unet.predict(question);
  }

  function questionOf(texts: readonly TextEmbedding[], perturbed: number): UnetInput {
    const shape = [texts.length * batch, channels + extra, height, width] as const;
    return {
      sample: { data: new Float32Array(shape[0] * shape[1] * plane), shape, reused: true },
      timestep: 0,
      ...repeatTexts(texts, batch, options),
      ...(perturbed > 0 && { perturbed: lastRows(shape[0], perturbed * batch) }),
    };
  }

  /** Texts by their places: of one length, and as many as one run may have. */
  function groupsOf(texts: readonly TextEmbedding[]): number[][] {
    const most = Math.max(1, Math.floor(unet.mostRows(height, width) / batch));
    const byLength = Map.groupBy(texts.keys(), (place) => texts[place]!.tokens);
    return [...byLength.values()].flatMap((places) => {
      const runs = Math.ceil(places.length / most);
      const each = Math.ceil(places.length / runs);
      return Array.from({ length: runs }, (_, run) => places.slice(run * each, (run + 1) * each));
    });
  }

  async function askInGroups(
    x: Float32Array,
    timestep: number,
    texts: readonly TextEmbedding[],
    groups: readonly (readonly number[])[],
  ): Promise<Float32Array> {
    const answers = new Float32Array(texts.length * latents);
    for (const places of groups) {
      const group = places.map((i) => texts[i] as TextEmbedding);
      const perturbed = places.filter((place) => place >= texts.length - perturbedTexts).length;
      const answer = await askTogether(x, timestep, group, perturbed);
      for (const [g, place] of places.entries()) {
        answers.set(answer.subarray(g * latents, (g + 1) * latents), place * latents);
      }
    }
    return answers;
  }

  return (x, timestep, texts) => {
    if (asked?.texts === texts) return askTogether(x, timestep, texts, perturbedTexts);
    const groups = groupsOf(texts);
    return groups.length === 1
      ? askTogether(x, timestep, texts, perturbedTexts)
      : askInGroups(x, timestep, texts, groups);
  };
}

type Rows = { data: Float32Array; shape: readonly number[]; constant: true };

/** The same in every step until the text changes: a float16 graph's copy of them is made once. */
type TextRows = {
  context: Rows;
  pooled?: Rows;
  timeIds?: Rows;
  guidance?: Rows;
  references?: { states: Rows; places: Rows };
};

/** [rows,1,1], 1 in the last `count` */
function lastRows(rows: number, count: number): Rows {
  return {
    data: new Float32Array(rows).fill(1, rows - count),
    shape: [rows, 1, 1],
    constant: true,
  };
}

function sameTexts(a: readonly TextEmbedding[], b: readonly TextEmbedding[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}

/** Row order of every batch: all images of the first text, then all of the second, … */
function repeatTexts(
  texts: readonly TextEmbedding[],
  batch: number,
  { guidanceEmbedding, distilled, references, request }: AskOptions,
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
      constant: true,
    },
  };
  const { pooled, timeIds } = first;
  if (pooled !== null) {
    made.pooled = {
      data: stack(rows, (row) => owner(row).pooled as Float32Array),
      shape: [rows, pooled.length],
      constant: true,
    };
  }
  if (timeIds !== undefined) {
    made.timeIds = {
      data: stack(rows, (row) => owner(row).timeIds as readonly number[]),
      shape: [rows, timeIds.length],
      constant: true,
    };
  }
  if (guidanceEmbedding !== null) {
    const embeddings = guidanceScales(request, batch).map((scale) =>
      embedGuidance(scale, guidanceEmbedding),
    );
    made.guidance = {
      data: stack(rows, (row) => embeddings[row % batch] as Float32Array),
      shape: [rows, guidanceEmbedding],
      constant: true,
    };
  }
  if (distilled !== null) {
    made.guidance = {
      data: new Float32Array(rows).fill(distilled),
      shape: [rows],
      constant: true,
    };
  }
  if (references !== null) made.references = referenceRows(references, rows);
  return made;
}

function referenceRows({ states, places, tokens }: References, rows: number) {
  const shape = [rows, tokens, states.length / tokens];
  return {
    states: { data: stack(rows, () => states), shape, constant: true },
    places: { data: places, shape: [tokens, 4], constant: true },
  } as const;
}

function stack(rows: number, of: (row: number) => ArrayLike<number>): Float32Array {
  const length = of(0).length;
  const stacked = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) stacked.set(of(row), row * length);
  return stacked;
}

/** Fills `repeated` with x [B,C,h,w] once per text, each image followed by its extra channels. */
function repeatLatents(
  repeated: Float32Array,
  x: Float32Array,
  texts: number,
  { shape, extraChannels }: AskOptions,
): void {
  if (extraChannels === null) {
    for (let t = 0; t < texts; t++) repeated.set(x, t * x.length);
    return;
  }
  const [batch] = shape;
  const own = x.length / batch;
  const extra = extraChannels.length / batch;
  for (let row = 0; row < texts * batch; row++) {
    const image = row % batch;
    const at = row * (own + extra);
    repeated.set(x.subarray(image * own, (image + 1) * own), at);
    repeated.set(extraChannels.subarray(image * extra, (image + 1) * extra), at + own);
  }
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
