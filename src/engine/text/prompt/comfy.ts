import type { Embedding, FindEmbedding } from '../embeddings.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { WeightedText } from './attention.ts';
import { type ChunkInsert, type PromptChunk, sealChunk } from './chunks.ts';

const FLOAT = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const ESCAPED_CLOSE = '\u0000\u0001';
const ESCAPED_OPEN = '\u0000\u0002';
/** Pieces of at least this many tokens may be cut by a chunk's end; shorter ones move on whole. */
const LONG_PIECE = 8;

/**
 * ComfyUI's weights: (a) weighs 1.1 times its surroundings, (a:1.3) weighs 1.3 whatever surrounds it, \( and \)
 * are literal, square brackets mean nothing. Behaviour of comfy/sd1_clip.py.
 */
export function parseComfyWeights(prompt: string): WeightedText[] {
  const escaped = prompt.replaceAll('\\)', ESCAPED_CLOSE).replaceAll('\\(', ESCAPED_OPEN);
  const pieces: WeightedText[] = [];
  weigh(escaped, pieces);
  return pieces.map(({ text, weight }) => ({
    text: text.replaceAll(ESCAPED_CLOSE, ')').replaceAll(ESCAPED_OPEN, '('),
    weight,
  }));
}

/** A stretch from `from` up to `to` that weighs so much; `whole`: nothing in it is looked at further. */
type Stretch = { from: number; to: number; weight: number; whole: boolean };

/** Brackets are paired once for the whole text: looking for them anew on each level would take its length times its depth. */
function weigh(text: string, pieces: WeightedText[]): void {
  const { depthAt, opensAt, closeOf } = pairParentheses(text);
  const todo: Stretch[] = [{ from: 0, to: text.length, weight: 1, whole: false }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { from, to, weight } = next;
    if (next.whole) {
      pieces.push({ text: text.slice(from, to), weight });
      continue;
    }
    const parts: Stretch[] = [];
    let at = from;
    const opens = opensAt.get(depthAt[from] ?? 0) ?? [];
    for (let k = firstFrom(opens, from); (opens[k] ?? to) < to; k++) {
      const open = opens[k] ?? to;
      if (open > at) parts.push({ from: at, to: open, weight, whole: true });
      // What never closes reaches to the end.
      at = Math.min(to, (closeOf.get(open) ?? to) + 1);
      const closes = at - open >= 2 && text[at - 1] === ')';
      if (closes) parts.push(within(text, open + 1, at - 1, weight));
      else parts.push({ from: open, to: at, weight, whole: true });
    }
    if (at < to) parts.push({ from: at, to, weight, whole: true });
    for (let k = parts.length - 1; k >= 0; k--) todo.push(parts[k] as Stretch);
  }
}

const NUMBER_SIGN = /[\d.+\-eE\s]/;

/** What stands between a pair of parentheses: `a:1.3` weighs 1.3, `a` 1.1 times its surroundings. */
function within(text: string, from: number, to: number, weight: number): Stretch {
  let colon = to - 1;
  while (colon > from && NUMBER_SIGN.test(text[colon] ?? '')) colon--;
  if (colon > from && text[colon] === ':') {
    const number = text.slice(colon + 1, to);
    if (FLOAT.test(number)) return { from, to: colon, weight: Number(number), whole: false };
  }
  return { from, to, weight: weight * 1.1, whole: false };
}

type Parentheses = {
  /** how many are open before each character; below 0 where more were closed than opened */
  depthAt: Int32Array;
  /** where parentheses open, by that depth, ascending */
  opensAt: ReadonlyMap<number, readonly number[]>;
  closeOf: ReadonlyMap<number, number>;
};

function pairParentheses(text: string): Parentheses {
  const depthAt = new Int32Array(text.length + 1);
  const opensAt = new Map<number, number[]>();
  const closeOf = new Map<number, number>();
  const open: number[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    depthAt[at] = depth;
    if (text[at] === '(') {
      const same = opensAt.get(depth);
      if (same) same.push(at);
      else opensAt.set(depth, [at]);
      open.push(at);
      depth++;
    } else if (text[at] === ')') {
      const opened = open.pop();
      if (opened !== undefined) closeOf.set(opened, at);
      depth--;
    }
  }
  depthAt[text.length] = depth;
  return { depthAt, opensAt, closeOf };
}

/** The place of the first that is at least `least` among ascending numbers. */
function firstFrom(ascending: readonly number[], least: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Tokens that stay together, or an embedding in their place. */
type Group = { ids: number[]; embedding?: Embedding };

const CALL = 'embedding:';

/** ComfyUI takes a file by its path below the folder, with its kind or without (comfy/sd1_clip.py, load_embed). */
function calledName(word: string): string {
  return word.replace(/^.*[/\\]/s, '').replace(/\.(?:safetensors|pt|bin)$/i, '');
}

/**
 * "embedding:name" after a space or at a line's start calls a textual inversion; commas behind the name belong to the
 * text. One that is not there is left out, and what stands behind it stays. Behaviour of comfy/sd1_clip.py.
 */
function groupsOf(
  text: string,
  tokenizer: Tokenizer,
  find: FindEmbedding | null,
  onMissing: (name: string) => void,
): Group[] {
  if (!text.includes(CALL)) return [{ ids: tokenizer.encode(text) }];
  const groups: Group[] = [];
  for (const [at, part] of text.split(new RegExp(`(?:^| |\\n)${CALL}`)).entries()) {
    if (at === 0) {
      if (part !== '') groups.push({ ids: tokenizer.encode(part) });
      continue;
    }
    const [word = '', ...others] = part.split(/\s+/);
    const name = word.replace(/,+$/, '');
    const ids = tokenizer.encode(calledName(name));
    const found = ids.length === 0 ? null : (find?.(ids, 0) ?? null);
    if (found !== null && found.length === ids.length) {
      const { embedding } = found;
      groups.push({ ids: Array.from({ length: embedding.count }, () => 0), embedding });
    } else onMissing(name);
    const rest = `${word.slice(name.length)} ${others.join(' ')}`;
    if (rest.trim() !== '') groups.push({ ids: tokenizer.encode(rest) });
  }
  return groups;
}

/** Fills chunks of `maxLength - 2` tokens the way ComfyUI does: short pieces are never cut in two. */
export function chunkComfy(
  pieces: readonly WeightedText[],
  tokenizer: Tokenizer,
  findEmbedding: FindEmbedding | null = null,
  onMissing: (name: string) => void = () => {},
): PromptChunk[] {
  const capacity = tokenizer.maxLength - 2;
  const chunks: PromptChunk[] = [];
  let ids: number[] = [];
  let multipliers: number[] = [];
  let inserts: ChunkInsert[] = [];
  const close = (): void => {
    const sealed = sealChunk(ids, multipliers, tokenizer);
    chunks.push(inserts.length === 0 ? sealed : { ...sealed, inserts });
    ids = [];
    multipliers = [];
    inserts = [];
  };
  const groups = pieces.flatMap(({ text, weight }) =>
    groupsOf(text, tokenizer, findEmbedding, onMissing).map((group) => ({ ...group, weight })),
  );
  for (const { ids: own, embedding, weight } of groups) {
    const long = own.length >= LONG_PIECE;
    for (let from = 0; from < own.length || from === 0;) {
      const room = capacity - ids.length;
      const left = own.length - from;
      const taken = left <= room ? left : long ? room : 0;
      if (embedding !== undefined && taken > 0)
        inserts.push({ at: ids.length + 1, embedding, from });
      for (const id of own.slice(from, from + taken)) {
        ids.push(id);
        multipliers.push(weight);
      }
      from += taken;
      if (from >= own.length) break;
      close();
    }
  }
  close();
  return chunks;
}
