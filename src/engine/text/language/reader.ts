/** How families with language models read prompts: a text in, what the transformer is told out. */
import { UserError } from '../../errors.ts';
import type { Session } from '../../network/session.ts';
import { say } from '../../sentences.ts';
import type { TextCut, TextEmbedding } from '../text-embedding.ts';
import type { VisionRules, VisionLimits } from '../../families/editing/reference-rules.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { LanguageTokenizer } from './language-tokenizer.ts';
import { fitted, type States, statesOf } from './runs.ts';

/** Networks that read prompts, by what they are. */
export type EncoderKind = 'clip_l' | 'clip_g' | 't5' | 'qwen3' | 'qwen2.5-vl';

/** An opened CLIP; `layers`: how many it has. */
export type ClipPart = { session: Session; tokenizer: Tokenizer; layers: number };

export type LanguagePart = {
  session: Session;
  tokenizer: LanguageTokenizer;
  /** of one that is shown pictures; null: its file has none */
  visionTower?: Session | null;
};

/** Pictures that an encoder is shown beside a text. */
export type Shown = { pictures: readonly Uint8Array[]; vision: VisionRules; limits: VisionLimits };

export type ReadingParts = ReadonlyMap<EncoderKind, ClipPart | LanguagePart>;

export type ReadingWords = {
  /** what the second and third encoder read in place of the text */
  second?: string;
  third?: string;
  /** tokens that a text is filled up to, where the family does that; null: as many as it is used to */
  length: number | null;
  /** layers before the one before the last that CLIP's states are taken from; absent: none */
  clipSkip?: number;
  /** width of the transformer's context */
  contextDim: number;
  /** the network was distilled to a guidance of its own */
  isGuided: boolean;
  /** in profile diffusers: what fills a text up is told as well, where a family leaves it out otherwise */
  filled?: boolean;
  /** absent: none */
  shown?: Shown;
  /** the model's name, for sentences */
  model: string;
};

/** Which hidden states of a language model are needed: see qwenGraph. */
export type Taps = { taps: readonly number[]; normed: boolean };

export type Reader = {
  /** tokens that diffusers' pipeline fills texts up to, where that is more than the makers' own programs do */
  pipelineLength?: number;
  /** what fills a text up is hidden from T5 itself; absent: it reads it like any word */
  masksText?: boolean;
  /** of a language model with so many layers */
  taps(layers: number): Taps;
  /** @throws UserError for a text that is longer than the encoder takes */
  read(text: string, parts: ReadingParts, words: ReadingWords): Promise<TextEmbedding>;
};

/** Takes a language model out of the parts that a model was opened with. Its family asked for it, so it is there. */
export function languagePart(parts: ReadingParts, kind: EncoderKind): LanguagePart {
  return parts.get(kind) as LanguagePart;
}

/** @throws UserError where there are more than `most` */
export function withinLength(
  ids: readonly number[],
  most: number,
  model: string,
): readonly number[] {
  if (ids.length > most)
    throw new UserError(say('prompt-too-many-tokens', model, most, ids.length));
  return ids;
}

/** What CLIP makes of a text: states before its last layer, [77, dim], and the text as a whole. */
export async function clipStates(
  parts: ReadingParts,
  kind: 'clip_l' | 'clip_g',
  text: string,
  skip = 0,
): Promise<{ states: States; pooled: Float32Array; cut: TextCut | null }> {
  const { session, tokenizer, layers } = parts.get(kind) as ClipPart;
  const { bos, eos, pad, maxLength } = tokenizer;
  const all = tokenizer.encodePadSpecial(text);
  const words = all.slice(0, maxLength - 2);
  const ids = fitted([bos, ...words, eos], maxLength, pad);
  const whole = session.outputs.has('text_embeds') ? 'text_embeds' : 'pooler_output';
  const inner = `hidden_states.${Math.max(0, layers - 1 - skip)}`;
  const [states, pooled] = await statesOf(session, ids, null, [inner, whole]);
  const cut = cutOf('CLIP', maxLength, all.length + 2);
  return { states: states!, pooled: pooled!.data, cut };
}

/** T5's states of a text that is cut or filled up to `length` tokens, of which `words` are its own, the end included. */
export async function t5States(
  { session, tokenizer }: LanguagePart,
  text: string,
  length: number,
): Promise<States & { cut: TextCut | null; words: number }> {
  const own = tokenizer.encode(text);
  const end = own.slice(-1);
  const ids = own.length > length ? [...own.slice(0, length - 1), ...end] : own;
  const mask = session.inputs.has('attention_mask')
    ? Array.from({ length }, (_, i) => (i < ids.length ? 1 : 0))
    : null;
  const given = fitted(ids, length, tokenizer.pad);
  const [states] = await statesOf(session, given, mask, ['last_hidden_state']);
  return { ...states!, words: ids.length, cut: cutOf('T5', length, own.length) };
}

/** Null: no token was left out. */
export function cutOf(reader: TextCut['reader'], most: number, found: number): TextCut | null {
  return found > most ? { reader, most, found } : null;
}
