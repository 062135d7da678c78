import type { FindEmbedding } from './embeddings.ts';
import type { EmphasisName, ProfileName } from '../names.ts';
import { UserError } from '../errors.ts';
import { parseAttention, type WeightedText } from './prompt/attention.ts';
import { chunkTruncated, chunkWeighted, sealChunk, type PromptChunk } from './prompt/chunks.ts';
import { chunkComfy, parseComfyWeights } from './prompt/comfy.ts';
import { parseComposition } from './prompt/composition.ts';
import { parseTimeline } from './prompt/timeline.ts';
import { say } from '../sentences.ts';
import type { Tokenizer } from './tokenizer.ts';

export { applyComfyEmphasis, applyEmphasis } from './prompt/emphasis.ts';
export type { PromptChunk };

/** What the text encoder has to encode for one prompt, and when each encoding holds. */
export type PromptPlan = { parts: PromptPart[] };

/** One member of a composition ("a AND b"); its guided difference is summed with this weight. */
export type PromptPart = {
  weight: number;
  /**
   * In order of time; the first entry with step <= untilStep holds (A1111 counts the running step from 0). All entries have the
   * same number of chunks. A1111 encodes all entries of a part as one batch per chunk, so that emphasis
   * restores the mean over all of them: see prompt/emphasis.ts.
   */
  schedule: PromptMoment[];
};

export type PromptMoment = {
  untilStep: number;
  /** equal keys mean equal embeddings under the same model and clip skip */
  conditioningKey: string;
  /** one run of the text encoder each; the embeddings are joined along the tokens */
  chunks: PromptChunk[];
};

export type PromptOptions = {
  emphasis: EmphasisName;
  profile: ProfileName;
  steps: number;
  /** of the second pass, when the prompt is planned for that one: `steps` are the first's then */
  hiresSteps?: number;
  /** names of textual inversions that A1111's rules replace by their vectors */
  findEmbedding?: FindEmbedding | null;
  /** hears of a textual inversion that is called by ComfyUI's rules and not there */
  onMissing?: (name: string) => void;
  /** a negative prompt is never a composition: AND is a word there */
  negative?: boolean;
};

/** Parts of a composition that one prompt may have: each is asked for in every evaluation of the network. */
export const MOST_PARTS = 16;

/**
 * Runs of a text encoder that one prompt may take: the moments of its editing times the chunks of each. All of their
 * results are held at once.
 */
export const MOST_ENCODINGS = 512;

/** A prompt as its grammar is understood, before any token: what stands where, and when. */
export type ReadPart = { weight: number; text: string; moments: ReadMoment[] };

export type ReadMoment = {
  untilStep: number;
  /** as edited, emphasis and escapes still in it */
  text: string;
  /** what the tokenizer is handed, one after the other; a chunk break is BREAK with weight -1 */
  pieces: WeightedText[];
};

export type ReadOptions = Pick<
  PromptOptions,
  'emphasis' | 'profile' | 'steps' | 'hiresSteps' | 'negative'
>;

/**
 * Reads a prompt after the profile's rules: a1111 = composition, prompt editing and emphasis; comfy = ComfyUI's
 * weights; diffusers = plain text, unless emphasis is asked for (then as a1111). Moments of the same text share their
 * pieces.
 * @throws UserError for a weight that is no number and for too many parts
 */
export function readPrompt(text: string, options: ReadOptions): ReadPart[] {
  const { emphasis, profile, steps } = options;
  const single = (pieces: WeightedText[]): ReadPart[] => [
    { weight: 1, text, moments: [{ untilStep: steps, text, pieces }] },
  ];
  if (profile === 'comfy') {
    return single(emphasis === 'none' ? [{ text, weight: 1 }] : parseComfyWeights(text));
  }
  if (isPlainText(options)) return single([{ text, weight: 1 }]);
  const composed = options.negative ? [{ text, weight: 1 }] : parseComposition(text);
  if (composed.length > MOST_PARTS) {
    throw new UserError(say('too-many-parts', composed.length, MOST_PARTS));
  }
  return composed.map((part) => ({ ...part, moments: readMoments(part.text, options) }));
}

/** diffusers' own way with a prompt: no grammar at all, cut off behind one chunk. */
function isPlainText({ profile, emphasis }: ReadOptions): boolean {
  return profile === 'diffusers' && emphasis === 'none';
}

function readMoments(text: string, { steps, hiresSteps, emphasis }: ReadOptions): ReadMoment[] {
  const timeline = parseTimeline(text, steps, hiresSteps === undefined ? {} : { hiresSteps });
  const byText = new Map<string, WeightedText[]>();
  return timeline.map(({ untilStep, text: own }) => {
    let pieces = byText.get(own);
    if (pieces === undefined) {
      pieces = emphasis === 'none' ? [{ text: own, weight: 1 }] : parseAttention(own);
      byText.set(own, pieces);
    }
    return { untilStep, text: own, pieces };
  });
}

/**
 * A prompt as the text encoder takes it: chunks of 75 tokens, ended early by BREAK (a1111) or between short pieces
 * (comfy); diffusers' plain text is cut off behind the first.
 * @throws UserError for what readPrompt refuses and for more runs of the encoder than MOST_ENCODINGS
 */
export function planPrompt(text: string, tokenizer: Tokenizer, options: PromptOptions): PromptPlan {
  const { emphasis, profile, findEmbedding, onMissing } = options;
  const read = readPrompt(text, options);
  if (profile !== 'comfy' && !isPlainText(options)) {
    const parts = read.map((part) => ({
      weight: part.weight,
      schedule: planSchedule(part, tokenizer, options),
    }));
    checkEncodings(
      sum(parts.map(({ schedule }) => schedule.length * (schedule[0]?.chunks.length ?? 0))),
    );
    return { parts };
  }
  const [{ weight, moments }] = read as [ReadPart];
  const [{ untilStep, pieces }] = moments as [ReadMoment];
  const chunks =
    profile === 'comfy'
      ? chunkComfy(pieces, tokenizer, findEmbedding, onMissing)
      : [chunkTruncated(text, tokenizer)];
  const conditioningKey = JSON.stringify([profile, emphasis, text]);
  return { parts: [{ weight, schedule: [{ untilStep, conditioningKey, chunks }] }] };
}

const CHUNK = 75;

/**
 * Runs of one text encoder that a prompt takes at least, counted by its words: the vocabulary lies with the model, and
 * rare words are several tokens.
 */
export function leastEncodings(read: readonly ReadPart[]): number {
  const known = new Map<readonly WeightedText[], number>();
  const chunksOf = (pieces: readonly WeightedText[]): number => {
    let chunks = known.get(pieces);
    if (chunks === undefined) known.set(pieces, (chunks = leastChunks(pieces)));
    return chunks;
  };
  return sum(
    read.map(({ moments }) => moments.length * Math.max(...moments.map((m) => chunksOf(m.pieces)))),
  );
}

function leastChunks(pieces: readonly WeightedText[]): number {
  let chunks = 0;
  let words = 0;
  for (const { text, weight } of pieces) {
    if (text === 'BREAK' && weight === -1) {
      chunks += Math.max(1, Math.ceil(words / CHUNK));
      words = 0;
    } else words += wordsOf(text);
  }
  return chunks + (words > 0 || chunks === 0 ? Math.ceil(Math.max(1, words) / CHUNK) : 0);
}

/**
 * What a tokenizer of CLIP takes apart before it looks for longer pieces, each a token at least: runs of letters,
 * single digits, runs of other signs. Beyond ASCII all counts as letters.
 */
function wordsOf(text: string): number {
  let words = 0;
  let before = SPACE;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const kind = code < 128 ? KIND_OF[code]! : LETTER;
    if (kind === DIGIT || (kind !== SPACE && kind !== before)) words++;
    before = kind;
  }
  return words;
}

const [SPACE, LETTER, DIGIT, SIGN] = [0, 1, 2, 3];
const KIND_OF = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/\s/.test(character)) return SPACE;
  if (/[a-z]/i.test(character)) return LETTER;
  return /\d/.test(character) ? DIGIT : SIGN;
});

/** @throws UserError for more runs of a text encoder than one prompt may take */
export function checkEncodings(runs: number): void {
  if (runs > MOST_ENCODINGS) throw new UserError(say('too-many-encodings', runs, MOST_ENCODINGS));
}

function planSchedule(
  { text: source, moments }: ReadPart,
  tokenizer: Tokenizer,
  { steps, hiresSteps, emphasis, findEmbedding = null }: PromptOptions,
): PromptMoment[] {
  const byText = new Map<string, PromptChunk[]>();
  for (const { text, pieces } of moments) {
    if (!byText.has(text))
      byText.set(text, chunkWeighted(pieces, tokenizer, undefined, findEmbedding));
  }
  const longest = Math.max(...[...byText.values()].map((chunks) => chunks.length));
  for (const chunks of byText.values()) {
    while (chunks.length < longest) chunks.push(sealChunk([], [], tokenizer));
  }
  // The mean that emphasis restores is taken over the whole timeline, so its texts belong to the key.
  const context = moments.length > 1 ? [source, steps, hiresSteps] : [];
  return moments.map(({ untilStep, text }) => ({
    untilStep,
    conditioningKey: JSON.stringify(['a1111', emphasis, text, ...context]),
    chunks: byText.get(text) ?? [],
  }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
