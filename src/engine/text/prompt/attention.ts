import { UserError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { SPACE, WORD } from './characters.ts';

/** A stretch of prompt with one weight. A chunk break is the text BREAK with weight -1. */
export type WeightedText = { text: string; weight: number };

const MORE = 1.1;
const LESS = 1 / 1.1;
const BREAK = new RegExp(`${SPACE}*(?<!${WORD})BREAK(?!${WORD})${SPACE}*`, 'u');
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

/**
 * Reads A1111's emphasis: (a) weighs 1.1, [a] 1/1.1, (a:1.3) 1.3, nested ones multiply, a backslash makes a
 * bracket literal, an unclosed bracket reaches to the end. Neighbours of equal weight come back as one.
 * Throws UserError for a weight such as (a:1.2.3). Behaviour of modules/prompt_parser.py, v1.10.1.
 */
export function parseAttention(prompt: string): WeightedText[] {
  const pieces: WeightedText[] = [];
  const round: number[] = [];
  const square: number[] = [];
  const scale = (from: number | undefined, factor: number): void => {
    for (const piece of pieces.slice(from)) piece.weight *= factor;
  };
  for (const match of prompt.matchAll(TOKEN)) {
    const token = match[0];
    const weight = match[1];
    if (token.startsWith('\\')) pieces.push({ text: token.slice(1), weight: 1 });
    else if (token === '(') round.push(pieces.length);
    else if (token === '[') square.push(pieces.length);
    else if (weight !== undefined && round.length > 0) scale(round.pop(), readWeight(weight));
    else if (token === ')' && round.length > 0) scale(round.pop(), MORE);
    else if (token === ']' && square.length > 0) scale(square.pop(), LESS);
    else pushWithBreaks(pieces, token);
  }
  for (const from of round) scale(from, MORE);
  for (const from of square) scale(from, LESS);
  return pieces.length === 0 ? [{ text: '', weight: 1 }] : mergeEqual(pieces);
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
