/** Character classes of Python's `re`, which decides what a space and a word are in A1111's prompts. */
export const SPACE =
  '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
export const WORD = '[\\p{L}\\p{N}_]';

const EDGE_SPACE = new RegExp(`^${SPACE}+|(?<!${SPACE})${SPACE}+$`, 'gu');

/** Python's str.strip(). */
export function strip(text: string): string {
  return text.replace(EDGE_SPACE, '');
}
