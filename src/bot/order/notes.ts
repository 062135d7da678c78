/**
 * `unknown-switch`: taken out of the prompt, nothing here means the same. `overruled-switch`: an option says otherwise.
 * `wildcards-off`: painted as typed, because the server has wildcards switched off. `recipe`: what of a picture's recipe
 * was left out or replaced, in sentences.
 */
export const NOTE_KINDS = [
  'unknown-switch',
  'overruled-switch',
  'wildcards-off',
  'recipe',
] as const;

/** What the reply tells of an order, one quiet line a kind; `what` as typed. */
export type OrderNote = { kind: (typeof NOTE_KINDS)[number]; what: string };

/** Prompts before a seed chose among their alternatives, kept for the next seed. */
export type PromptTemplate = { prompt: string; negativePrompt: string };
