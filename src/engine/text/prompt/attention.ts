import { UserError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { SPACE, WORD } from './characters.ts';

/** A stretch of prompt with one weight. A chunk break is the text BREAK with weight -1. */
export type WeightedText = { text: string; weight: number };

const MORE = 1.1;
const LESS = 1 / 1.1;
// A run of spaces is tried from its start only: from each of its spaces it would take the square of its length.
const BREAK = new RegExp(`(?:(?<!${SPACE})${SPACE}+)?(?<!${WORD})BREAK(?!${WORD})${SPACE}*`, 'u');
const TOKEN = new RegExp(
  [
    '\\\\[()[\\]\\\\]',
    '\\\\',
    '\\(',
    '\\[',
    `:${SPACE}*([+-]?[.\\d]+)${SPACE}*\\)`,
    '\\)',
    '\\]',
    '[^\\\\()[\\]:]+',
    ':',
  ].join('|'),
  'gu',
);

/** A factor for the pieces from `from` up to `to`; in the order in which brackets close. */
type Factor = { from: number; to: number; value: number; family: 'round' | 'square' };

/**
 * Factors times pieces up to which they are multiplied in A1111's order, which decides the last bit. No prompt that can
 * be ordered comes near it.
 */
const MOST_PRODUCTS = 8_000_000;

/**
 * Reads A1111's emphasis: (a) weighs 1.1, [a] 1/1.1, (a:1.3) 1.3, nested ones multiply, a backslash makes a bracket
 * literal, an unclosed bracket reaches to the end. Neighbours of equal weight come back as one.  Behaviour of
 * modules/prompt_parser.py, v1.10.1. Takes time in proportion to the length, however deep the brackets nest.
 * @throws UserError for a weight such as (a:1.2.3)
 */
export function parseAttention(prompt: string): WeightedText[] {
  const { pieces, factors } = readBrackets(prompt);
  const products = factors.reduce((sum, { from, to }) => sum + to - from, 0);
  if (products <= MOST_PRODUCTS) multiplyInOrder(pieces, factors);
  else multiplyNested(pieces, factors);
  return pieces.length === 0 ? [{ text: '', weight: 1 }] : mergeEqual(pieces);
}

function readBrackets(prompt: string): { pieces: WeightedText[]; factors: Factor[] } {
  const pieces: WeightedText[] = [];
  const factors: Factor[] = [];
  const open = { round: [] as number[], square: [] as number[] };
  const close = (family: Factor['family'], value: number): void => {
    factors.push({ from: open[family].pop() ?? 0, to: pieces.length, value, family });
  };
  for (const match of prompt.matchAll(TOKEN)) {
    const token = match[0];
    const weight = match[1];
    if (token.startsWith('\\')) pieces.push({ text: token.slice(1), weight: 1 });
    else if (token === '(') open.round.push(pieces.length);
    else if (token === '[') open.square.push(pieces.length);
    else if (weight !== undefined && open.round.length > 0) close('round', readWeight(weight));
    else if (token === ')' && open.round.length > 0) close('round', MORE);
    else if (token === ']' && open.square.length > 0) close('square', LESS);
    else pushWithBreaks(pieces, token);
  }
  const to = pieces.length;
  for (const from of open.round) factors.push({ from, to, value: MORE, family: 'round' });
  for (const from of open.square) factors.push({ from, to, value: LESS, family: 'square' });
  return { pieces, factors };
}

function multiplyInOrder(pieces: readonly WeightedText[], factors: readonly Factor[]): void {
  for (const { from, to, value } of factors) {
    for (let at = from; at < to; at++) {
      const piece = pieces[at];
      if (piece) piece.weight *= value;
    }
  }
}

/** Round brackets nest among themselves, square ones too: a stack of products for each, outermost first. */
function multiplyNested(pieces: readonly WeightedText[], factors: readonly Factor[]): void {
  for (const family of ['round', 'square'] as const) {
    const own = factors.filter((factor) => factor.family === family);
    // Outer brackets before inner ones: those that open earlier, of those the ones that close later.
    own.sort((a, b) => a.from - b.from || b.to - a.to);
    const stack: { to: number; product: number }[] = [];
    let next = 0;
    for (const [at, piece] of pieces.entries()) {
      while ((stack.at(-1)?.to ?? Infinity) <= at) stack.pop();
      for (; (own[next]?.from ?? Infinity) <= at; next++) {
        const { to, value } = own[next] as Factor;
        if (to > at) stack.push({ to, product: (stack.at(-1)?.product ?? 1) * value });
      }
      piece.weight *= stack.at(-1)?.product ?? 1;
    }
  }
}

function readWeight(text: string): number {
  const weight = Number(text);
  if (Number.isNaN(weight)) {
    throw new UserError(say('weight-not-a-number', text));
  }
  return weight;
}

function pushWithBreaks(pieces: WeightedText[], text: string): void {
  for (const [index, part] of text.split(BREAK).entries()) {
    if (index > 0) pieces.push({ text: 'BREAK', weight: -1 });
    pieces.push({ text: part, weight: 1 });
  }
}

function mergeEqual(pieces: readonly WeightedText[]): WeightedText[] {
  const merged: WeightedText[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last && last.weight === piece.weight) last.text += piece.text;
    else merged.push({ ...piece });
  }
  return merged;
}
