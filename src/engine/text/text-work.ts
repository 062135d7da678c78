import type { GenerateRequest } from '../request.ts';
import { type EncoderText, negativeText, promptText, readingOptions } from './conditioning.ts';
import { leastEncodings, type ReadPart, readPrompt } from './prompt.ts';

/** What a request's prompts come to, as far as its cost goes. */
export type TextWork = {
  /** of the composition: each is asked for in every evaluation */
  parts: number;
  /** it does not change on the way */
  isConstant: { prompt: boolean; negative: boolean };
  /** runs of one text encoder, at least */
  runs: number;
};

const kept = new Map<string, TextWork>();
const MOST_KEPT = 256;

/** @throws UserError for a prompt that cannot be read */
export function textWork(request: GenerateRequest): TextWork {
  const { profile, emphasis, sampler, steps, prompt, negativePrompt, hires, xl } = request;
  const second = xl
    ? [xl.prompt2, xl.negativePrompt2, xl.prompt3, xl.negativePrompt3].join('\n')
    : '';
  const key = `${profile} ${emphasis} ${sampler} ${steps} ${hires?.steps}\n${prompt}\n\n${negativePrompt}\n\n${second}`;
  let known = kept.get(key);
  if (known === undefined) {
    known = readWork(request);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, known);
  }
  return known;
}

function readWork(request: GenerateRequest): TextWork {
  const first = readBoth(request);
  // What does not change on the way reads the same in the second pass.
  const isStill = isConstant(first[0]) && isConstant(first[1]);
  const second = request.hires && !isStill ? readBoth(request, request.hires.steps) : [];
  const read = [...first, ...(request.hires && isStill ? first : second)];
  const clipSkips = new Set(request.each?.map(({ clipSkip }) => clipSkip)).size || 1;
  return {
    parts: first[0]?.length ?? 1,
    isConstant: { prompt: isConstant(first[0]), negative: isConstant(first[1]) },
    runs: clipSkips * read.reduce((sum, parts) => sum + leastEncodings(parts), 0),
  };
}

function isConstant(read: readonly ReadPart[] = []): boolean {
  return read.every(({ moments }) => moments.length === 1);
}

/** Prompt and negative prompt of one pass; where SDXL has a second prompt, its parts and moments are the same. */
function readBoth(request: GenerateRequest, hiresSteps?: number): ReadPart[][] {
  const options = readingOptions(request, hiresSteps);
  const read = ({ text }: EncoderText, negative: boolean): ReadPart[] =>
    readPrompt(text, { ...options, negative });
  return [read(promptText(request), false), read(negativeText(request), true)];
}
