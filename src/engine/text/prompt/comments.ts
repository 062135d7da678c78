import { WORD } from './characters.ts';

/** A # between two letters or digits is part of its word (`mutual#hug`, `(red#ff0000:1.2)`). */
const COMMENT = `(?:(?<!${WORD})#|#(?!${WORD}))[^\\n]*(?:\\n|$)`;
const LINE = new RegExp(`(?:^|\\n)#[^\\n]*(?:\\n|$)`, 'g');
const REST = new RegExp(COMMENT, 'gu');

/**
 * Takes out everything from a # to the end of its line, as A1111 does by default
 * (modules/processing_scripts/comments.py, v1.10.1), which knows no words.
 */
export function stripComments(prompt: string): string {
  return prompt.replace(LINE, '\n').replace(REST, '\n');
}
