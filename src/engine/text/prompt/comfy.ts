import type { Embedding, FindEmbedding } from '../embeddings.ts';
import { UserError } from '../../errors.ts';
import { say } from '../../sentences.ts';
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
  weigh(escaped, 1, pieces);
  return pieces.map(({ text, weight }) => ({
    text: text.replaceAll(ESCAPED_CLOSE, ')').replaceAll(ESCAPED_OPEN, '('),
    weight,
  }));
}

function weigh(text: string, weight: number, pieces: WeightedText[]): void {
  for (const part of splitParentheses(text)) {
    if (part.length < 2 || !part.startsWith('(') || !part.endsWith(')')) {
      pieces.push({ text: part, weight });
      continue;
    }
    const inner = part.slice(1, -1);
    const colon = inner.lastIndexOf(':');
    const number = inner.slice(colon + 1);
    if (colon > 0 && FLOAT.test(number)) weigh(inner.slice(0, colon), Number(number), pieces);
    else weigh(inner, weight * 1.1, pieces);
  }
}

/** Top-level parentheses and the text between them; what never closes stays with its text. */
function splitParentheses(text: string): string[] {
  const parts: string[] = [];
  let current = '';
  let depth = 0;
  for (const character of text) {
    if (character === '(') {
      if (depth === 0) {
        if (current !== '') parts.push(current);
        current = '(';
      } else current += character;
      depth++;
    } else if (character === ')') {
      depth--;
      current += character;
      if (depth === 0) {
        parts.push(current);
        current = '';
      }
    } else current += character;
  }
  if (current !== '') parts.push(current);
  return parts;
}

/** Tokens that stay together, or an embedding in their place. */
type Group = { ids: number[]; embedding?: Embedding };

const CALL = 'embedding:';

/**
 * "embedding:name" after a space or at a line's start calls a textual inversion; commas behind the name belong to the
 * text. Without any embeddings in the folder it is text like any other. Behaviour of comfy/sd1_clip.py.
 */
function groupsOf(text: string, tokenizer: Tokenizer, find: FindEmbedding | null): Group[] {
  if (find === null || !text.includes(CALL)) return [{ ids: tokenizer.encode(text) }];
  const groups: Group[] = [];
  for (const [at, part] of text.split(new RegExp(`(?:^| |\\n)${CALL}`)).entries()) {
    if (at === 0) {
      if (part !== '') groups.push({ ids: tokenizer.encode(part) });
      continue;
    }
    const [word = '', ...others] = part.split(/\s+/);
    const name = word.replace(/,+$/, '');
    const ids = tokenizer.encode(name);
    const found = find(ids, 0);
    if (found === null || found.length !== ids.length) {
      throw new UserError(say('no-embedding', name.slice(0, 40)));
    }
    const { embedding } = found;
    groups.push({ ids: Array.from({ length: embedding.count }, () => 0), embedding });
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
    groupsOf(text, tokenizer, findEmbedding).map((group) => ({ ...group, weight })),
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
