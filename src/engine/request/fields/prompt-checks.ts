/** What prompts say that cannot be painted. */
import { UserError } from '../../errors.ts';
import { findLora } from '../../lora/loras.ts';
import { promptOf } from '../../lora/tags.ts';
import type { GenerateRequest, ModelInfo } from '../../request.ts';
import { say } from '../../sentences.ts';
import { stripComments } from '../../text/prompt/comments.ts';
import { checkReadable } from '../encoder-texts.ts';
import { type Problems, shown } from './request-values.ts';

/** An unknown <lora:…>, (a:1.2.3) and too many parts are refused here, not when the prompt's turn comes. */
export function checkPrompts(problems: Problems, request: GenerateRequest, model: ModelInfo): void {
  checkTags(problems, request);
  collect(problems, () => {
    for (const { name } of promptOf(request).loras) if (model.loras) findLora(name, model);
  });
  collect(problems, () => checkReadable(request));
}

/** What A1111 takes out of a prompt and Darkroom cannot do anything with. */
function checkTags(problems: Problems, { prompt, negativePrompt }: GenerateRequest): void {
  const find = (kinds: string, text: string): string | undefined =>
    new RegExp(`<(?:${kinds}):[^>]+>`, 'i').exec(stripComments(text))?.[0];
  const hypernet = find('hypernet', prompt) ?? find('hypernet', negativePrompt);
  if (hypernet !== undefined) problems.push(say('extra-weights', shown(hypernet.slice(1, -1))));
  const inNegative = find('lora|lyco', negativePrompt);
  if (inNegative !== undefined)
    problems.push(say('lora-in-negative', shown(inNegative.slice(1, -1))));
}

function collect(problems: Problems, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.said);
  }
}
