/**
 * Takes out everything from a # to the end of its line, as A1111 does by default
 * (modules/processing_scripts/comments.py, v1.10.1).
 */
export function stripComments(prompt: string): string {
  return prompt.replace(/(?:^|\n)#[^\n]*(?:\n|$)/g, '\n').replace(/#[^\n]*(?:\n|$)/g, '\n');
}
