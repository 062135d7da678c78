/** Every text that the encoders will read for a request: what a prompt comes to, not what was typed. */
import { guidanceScales } from './batch.ts';
import { needsNegative } from '../guidance/guidance.ts';
import type { GenerateRequest } from '../request.ts';
import { CFGPP_FACTOR } from '../samplers/plan-timesteps.ts';
import {
  type EncoderText,
  negativeText,
  promptText,
  readingOptions,
} from '../text/conditioning.ts';
import { checkEncodings, leastEncodings, type ReadPart, readPrompt } from '../text/prompt.ts';
import type { WeightedText } from '../text/prompt/attention.ts';

/**
 * The texts that the encoders will read for this request, each once: all moments of prompt editing in both passes, all
 * parts of a composition, without comments, tags, emphasis and escapes, pieces joined as the tokenizer sees them; of
 * SDXL both prompts; the negative prompt where it pulls the picture towards it. Pieces of different weight are words
 * apart to the tokenizer and one word to whoever reads the prompt: such a text comes in both readings.
 * @throws UserError for a prompt that cannot be read
 */
export function textsThatReachTheEncoder(request: GenerateRequest): string[] {
  const prompt = promptText(request);
  const read = readingsOf(request, prompt, false);
  const texts = [...each(prompt), ...textsOf(read)];
  if (isNegativePainted(request, read)) {
    const negative = negativeText(request);
    texts.push(...each(negative), ...textsOf(readingsOf(request, negative, true)));
  }
  return [...new Set(texts)].filter((text) => text !== '');
}

/** The same of the negative prompt, wherever it pulls. */
export function textsOfNegative(request: GenerateRequest): string[] {
  return [...new Set(textsOf(readingsOf(request, negativeText(request), true)))];
}

/** @throws UserError for a prompt, painted or not, that cannot be read or takes more of the encoders than one may */
export function checkReadable(request: GenerateRequest): void {
  const prompts = [
    ...readingsOf(request, promptText(request), false),
    ...readingsOf(request, negativeText(request), true),
  ];
  for (const read of prompts) checkEncodings(leastEncodings(read));
}

/** Each text of the request in each of its passes, as its grammar is understood. */
function readingsOf(request: GenerateRequest, words: EncoderText, negative: boolean): ReadPart[][] {
  const passes = [readingOptions(request)];
  if (request.hires) passes.push(readingOptions(request, request.hires.steps));
  return passes.flatMap((options) =>
    each(words).map((text) => readPrompt(text, { ...options, negative })),
  );
}

function each({ text, second, third }: EncoderText): string[] {
  return [text, second, third].filter((own) => own !== undefined);
}

function textsOf(read: readonly ReadPart[][]): string[] {
  const seen = new Set<readonly WeightedText[]>();
  for (const { moments } of read.flat()) for (const { pieces } of moments) seen.add(pieces);
  return [...seen].flatMap((pieces) => [joined(pieces, ' '), joined(pieces, '')]);
}

function joined(pieces: readonly WeightedText[], between: string): string {
  return pieces
    .map(({ text, weight }) => (text === 'BREAK' && weight === -1 ? '\n' : text))
    .join(between);
}

/**
 * Guidance gives uncond + s sum_i w_i (cond_i - uncond): the negative prompt counts by 1 - s sum_i w_i, which is above
 * nothing at a scale below 1, and for parts whose weights come to less than 1/s (`a cat:0`). CFG++ always mixes both;
 * its negative prompt is taken as painted where it counts for more than half. Models that edit read it beside their picture
 * and without it, which count by s_I - s sum_i w_i and 1 - s_I.
 */
function isNegativePainted(request: GenerateRequest, read: readonly ReadPart[][]): boolean {
  const isMixed = request.sampler === 'ddim_cfgpp' && request.profile !== 'diffusers';
  const { imageGuidanceScale } = request;
  const rule = imageGuidanceScale === undefined ? 'plain' : 'by-picture';
  return read.some((parts) => {
    if (!isMixed && !needsNegative(request, null, parts.length, rule)) return false;
    const pull = parts.reduce((sum, { weight }) => sum + weight, 0);
    return guidanceScales(request, request.count).some((scale) => {
      if (isMixed) return 1 - scale * CFGPP_FACTOR * pull > 0.5;
      const image = imageGuidanceScale ?? 1;
      return image - scale * pull > 0 || 1 - image > 0;
    });
  });
}
