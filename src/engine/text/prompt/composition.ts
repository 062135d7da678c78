import { SPACE, WORD } from './characters.ts';

/** One prompt of a composition and how strongly it pulls. */
export type ComposedText = { text: string; weight: number };

const AND = new RegExp(`(?<!${WORD})AND(?!${WORD})`, 'u');
const TRAILING_SPACE = new RegExp(`(?<!${SPACE})${SPACE}+$`, 'u');
const WEIGHT = new RegExp(`:${SPACE}*([-+]?(?:\\d+\\.?|\\d*\\.\\d+))$`, 'u');

/**
 * Splits "a AND b:0.5" into prompts that are denoised apart and summed by weight (composable diffusion,
 * Liu et al. 2022, in A1111's notation).
 */
export function parseComposition(prompt: string): ComposedText[] {
  return prompt.split(AND).map((part) => {
    const text = part.replace(TRAILING_SPACE, '');
    const weight = WEIGHT.exec(text);
    if (!weight) return { text: text === '' ? '' : text, weight: 1 };
    return {
      text: text.slice(0, weight.index).replace(TRAILING_SPACE, ''),
      weight: Number(weight[1]),
    };
  });
}
