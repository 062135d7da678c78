/** The network asked for several texts and images in one batch. */
import { guidanceScales } from '../request/batch.ts';
import type { GenerateRequest } from '../request.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import type { TextEmbedding } from '../text/text-embedding.ts';
import type { Family, GuidanceWords } from '../families/family.ts';
import type { Conditioner, Question, QuestionRows } from '../network/feeds.ts';
import type { Unet } from '../network/unet.ts';

export type AskOptions = {
  unet: Unet;
  shape: LatentShape;
  request: Pick<GenerateRequest, 'guidanceScale' | 'each'>;
  /** whose feeds the network takes */
  family: Family;
  /** how the network guides itself; with an embedding it is asked once */
  guidanceWords: GuidanceWords;
  /** what else it is told */
  conditioners: readonly Conditioner[];
  /** [B,X,h,w], appended to every input: mask and masked picture (inpainting), the picture to edit; null elsewhere */
  extraChannels: Float32Array | null;
  /** the last ones of the texts, this many, are asked with perturbed attention */
  perturbedTexts: number;
};

/** `blind`: the first ones of the texts, this many, are asked with zeros for extra channels; default none. */
type BatchedAsk = (
  x: Float32Array,
  timestep: number,
  texts: readonly TextEmbedding[],
  blind?: number,
) => Promise<Float32Array>;

/**
 * Asks the network for every text at once: result [texts x B, C, h, w] in the order given. Texts of different
 * lengths cannot share a batch and are asked one length after the other, and so are more rows than the machine has
 * memory for: a prompt of many parts takes longer, not more room.
 */
export function createBatchedAsk(options: AskOptions): BatchedAsk {
  const { unet, perturbedTexts, conditioners } = options;
  const isAnswered = conditioners.some(({ answer }) => answer !== undefined);
  // Text rarely changes between steps: the question is built once per set of texts. The network has read it when it
  // answers, so the next one may overwrite its sample.
  type Asked = { texts: readonly TextEmbedding[]; ends: Ends; question: Question };
  let asked: Asked | null = null;

  function askTogether(
    x: Float32Array,
    timestep: number,
    texts: readonly TextEmbedding[],
    ends: Ends,
  ): Promise<Float32Array> {
    if (asked === null || !sameEnds(asked.ends, ends) || !sameTexts(asked.texts, texts)) {
      asked = { texts, ends, question: questionOf(texts, ends, options) };
    }
    const { question } = asked;
    repeatLatents(question.sample.data, x, { count: texts.length, blind: ends.blind }, options);
    question.timestep = timestep;
    return isAnswered ? askAnswered(question, options) : unet.predict(question);
  }

  async function askInGroups(
    x: Float32Array,
    timestep: number,
    texts: readonly TextEmbedding[],
    groups: readonly (readonly number[])[],
    blindTexts: number,
  ): Promise<Float32Array> {
    const answers = new Float32Array(texts.length * x.length);
    for (const places of groups) {
      const group = places.map((i) => texts[i] as TextEmbedding);
      const perturbed = places.filter((place) => place >= texts.length - perturbedTexts).length;
      const blind = places.filter((place) => place < blindTexts).length;
      const answer = await askTogether(x, timestep, group, { blind, perturbed });
      for (const [g, place] of places.entries()) {
        answers.set(answer.subarray(g * x.length, (g + 1) * x.length), place * x.length);
      }
    }
    return answers;
  }

  return (x, timestep, texts, blind = 0) => {
    const ends = { blind, perturbed: perturbedTexts };
    if (asked?.texts === texts) return askTogether(x, timestep, texts, ends);
    const groups = groupsOf(texts, options);
    return groups.length === 1
      ? askTogether(x, timestep, texts, ends)
      : askInGroups(x, timestep, texts, groups, blind);
  };
}

/** How many of the texts, the first ones, are asked with zeros for extra channels, and the last ones with perturbed attention. */
type Ends = { blind: number; perturbed: number };

function sameEnds(a: Ends, b: Ends): boolean {
  return a.blind === b.blind && a.perturbed === b.perturbed;
}

/** Its sample is filled when it is asked. */
function questionOf(
  texts: readonly TextEmbedding[],
  { perturbed }: Ends,
  { shape, extraChannels, request, family, guidanceWords, conditioners }: AskOptions,
): Question {
  const [batch, channels, height, width] = shape;
  const extra = extraChannels === null ? 0 : extraChannels.length / (batch * height * width);
  const scales = guidanceScales(request, batch);
  const count = texts.length * batch;
  const rows: QuestionRows = {
    count,
    text(row) {
      const text = texts[Math.floor(row / batch)] as TextEmbedding;
      return text.ofImages?.[row % batch] ?? text;
    },
    scale: (row) => scales[row % batch] as number,
    perturbed: perturbed * batch,
  };
  const data = new Float32Array(count * (channels + extra) * height * width);
  return {
    sample: { data, shape: [count, channels + extra, height, width], reused: true },
    timestep: 0,
    feeds: new Map([
      ...family.feeds(rows, guidanceWords),
      ...conditioners.flatMap((conditioner) => [...conditioner.feeds(rows)]),
    ]),
  };
}

/** With what some conditioners say of this evaluation alone. */
async function askAnswered(
  question: Question,
  { unet, conditioners }: AskOptions,
): Promise<Float32Array> {
  const feeds = new Map(question.feeds);
  for (const { answer } of conditioners) {
    for (const [name, feed] of (await answer?.(question)) ?? []) feeds.set(name, feed);
  }
  return unet.predict({ ...question, feeds });
}

/** Texts by their places: of one length, and as many as one run may have. */
function groupsOf(
  texts: readonly TextEmbedding[],
  { unet, shape: [batch, , height, width] }: AskOptions,
): number[][] {
  const most = Math.max(1, Math.floor(unet.mostRows(height, width) / batch));
  const byLength = Map.groupBy(texts.keys(), (place) => texts[place]!.tokens);
  return [...byLength.values()].flatMap((places) => {
    const runs = Math.ceil(places.length / most);
    const each = Math.ceil(places.length / runs);
    return Array.from({ length: runs }, (_, run) => places.slice(run * each, (run + 1) * each));
  });
}

function sameTexts(a: readonly TextEmbedding[], b: readonly TextEmbedding[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}

/** Fills `repeated` with x [B,C,h,w] once per text, each image followed by its extra channels, or by the zeros it has. */
function repeatLatents(
  repeated: Float32Array,
  x: Float32Array,
  texts: { count: number; blind: number },
  { shape, extraChannels }: AskOptions,
): void {
  if (extraChannels === null) {
    for (let t = 0; t < texts.count; t++) repeated.set(x, t * x.length);
    return;
  }
  const [batch] = shape;
  const own = x.length / batch;
  const extra = extraChannels.length / batch;
  for (let row = 0; row < texts.count * batch; row++) {
    const image = row % batch;
    const at = row * (own + extra);
    repeated.set(x.subarray(image * own, (image + 1) * own), at);
    if (row < texts.blind * batch) continue;
    repeated.set(extraChannels.subarray(image * extra, (image + 1) * extra), at + own);
  }
}
