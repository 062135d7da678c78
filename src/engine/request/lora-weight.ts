/** The `<lora:name:weight>` tags of a prompt, for whoever compares weights of one of them. */
import { promptOf, weighted } from '../lora/tags.ts';
import type { GenerateRequest } from '../request.ts';

type Words = Pick<GenerateRequest, 'prompt' | 'profile'>;

/**
 * What a prompt calls, in its order, written so that equal calls are equal.
 * @throws UserError for a tag without sense
 */
export function lorasCalled(words: Words): string {
  return promptOf(words)
    .loras.map(({ name, denoiser, text }) => `${name.toLowerCase()}:${text}:${denoiser}`)
    .join(' ');
}

/**
 * The names of a prompt's tags, each once; those in comments call nothing.
 * @throws UserError as lorasCalled
 */
export function loraNamesIn(words: Words): string[] {
  return [...new Set(promptOf(words).loras.map(({ name }) => name))];
}

/**
 * The prompt with this weight in every tag of that name, capitals aside; with a tag of its own at the beginning where
 * it has none, before any comment.
 * @throws UserError as lorasCalled
 */
export function withLoraWeight(words: Words, name: string, weight: string): string {
  const small = name.toLowerCase();
  const isCalled = loraNamesIn(words).some((known) => known.toLowerCase() === small);
  return isCalled
    ? weighted(words.prompt, name, weight)
    : `<lora:${name}:${weight}>${words.prompt}`;
}
