import type { Tokenizer } from '../tokenizer.ts';
import type { WeightedText } from './attention.ts';
import { sealChunk, type PromptChunk } from './chunks.ts';

const FLOAT = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
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

/** Fills chunks of `maxLength - 2` tokens the way ComfyUI does: short pieces are never cut in two. */
export function chunkComfy(pieces: readonly WeightedText[], tokenizer: Tokenizer): PromptChunk[] {
  const capacity = tokenizer.maxLength - 2;
  const chunks: PromptChunk[] = [];
  let ids: number[] = [];
  let multipliers: number[] = [];
  const close = (): void => {
    chunks.push(sealChunk(ids, multipliers, tokenizer));
    ids = [];
    multipliers = [];
  };
  for (const { text, weight } of pieces) {
    let rest = tokenizer.encode(text);
    const long = rest.length >= LONG_PIECE;
    while (ids.length + rest.length > capacity) {
      const cut = long ? capacity - ids.length : 0;
      for (const id of rest.slice(0, cut)) {
        ids.push(id);
        multipliers.push(weight);
      }
      rest = rest.slice(cut);
      close();
    }
    for (const id of rest) {
      ids.push(id);
      multipliers.push(weight);
    }
  }
  close();
  return chunks;
}
