/** What the network is told beside the noise: prompt, negative prompt and, for SDXL, sizes. */
import { UserError } from '../errors.ts';
import { familyNamed } from '../families/families.ts';
import { needsNegative } from '../guidance/guidance.ts';
import { guidanceRule } from '../guidance/picture-guidance.ts';
import { promptOf, withoutTags } from '../lora/tags.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { SamplerName } from '../names.ts';
import { stripComments } from './prompt/comments.ts';
import type { GenerateRequest, XlWords } from '../request.ts';
import { SAMPLER_TABLE } from '../samplers/samplers.ts';
import { say } from '../sentences.ts';
import type { ReadOptions } from './prompt.ts';
import type { Conditioning } from './text-encoder.ts';

export type Prompts = { positive: Conditioning; negative: Conditioning };

/**
 * The length that fractions in prompt editing refer to: A1111 counts network evaluations, two a step for samplers of
 * second order (sd_samplers_kdiffusion.py, second_order).
 */
function promptSteps(sampler: SamplerName | null, steps: number): number {
  return sampler !== null && SAMPLER_TABLE[sampler].evaluations === 2 ? 2 * steps : steps;
}

/** What the encoders are handed: a text for all of them, or one for the first and others for the second and the third. */
export type EncoderText = { text: string; second?: string; third?: string };

/** What the text encoders read of a request's prompt, and SDXL's second and third beside it. */
export function promptText(
  request: Pick<GenerateRequest, 'prompt' | 'profile' | 'xl'>,
): EncoderText {
  const text = trimmed(uncommented(request, request.prompt), promptOf(request).text);
  return encoderText(request, text, [request.xl?.prompt2, request.xl?.prompt3]);
}

/** The same of its negative prompt. */
export function negativeText(
  request: Pick<GenerateRequest, 'negativePrompt' | 'profile' | 'xl'>,
): EncoderText {
  const text = written(request, request.negativePrompt);
  return encoderText(request, text, [request.xl?.negativePrompt2, request.xl?.negativePrompt3]);
}

function encoderText(
  request: Pick<GenerateRequest, 'profile'>,
  text: string,
  [second, third]: readonly [string | undefined, string | undefined],
): EncoderText {
  return {
    text,
    ...(second && { second: written(request, second) }),
    ...(third && { third: written(request, third) }),
  };
}

function written(request: Pick<GenerateRequest, 'profile'>, text: string): string {
  const given = uncommented(request, text);
  return trimmed(given, withoutTags(given));
}

function uncommented({ profile }: Pick<GenerateRequest, 'profile'>, text: string): string {
  return profile === 'a1111' ? stripComments(text) : text;
}

/** CLIP does not read the spaces around a tag that was taken out, language models do. */
function trimmed(given: string, left: string): string {
  return left === given ? left : left.trim();
}

/** How the request's prompts are read; `hiresSteps`: in the second pass. */
export function readingOptions(
  { emphasis, profile, sampler, steps }: ReadRequest,
  hiresSteps?: number,
): ReadOptions {
  return {
    emphasis,
    profile,
    steps: promptSteps(sampler, steps),
    ...(hiresSteps === undefined ? {} : { hiresSteps: promptSteps(sampler, hiresSteps) }),
  };
}

type ReadRequest = Pick<GenerateRequest, 'emphasis' | 'profile' | 'sampler' | 'steps'>;

/** `hiresSteps`: for the second pass, which prompt editing counts apart from the first. */
export async function encodePrompts(
  request: GenerateRequest,
  model: LoadedModel,
  hiresSteps?: number,
): Promise<Prompts> {
  const { each } = request;
  if (!each || each.every(({ clipSkip }) => clipSkip === request.clipSkip)) {
    return encodeShared(request, model, hiresSteps);
  }
  const own: Prompts[] = [];
  for (const { clipSkip } of each) {
    own.push(await encodeShared({ ...request, clipSkip }, model, hiresSteps));
  }
  return {
    positive: sideBySide(own.map(({ positive }) => positive)),
    negative: sideBySide(own.map(({ negative }) => negative)),
  };
}

/** What is said to each image of a batch, as one: the same words, so the parts and their moments are the same. */
function sideBySide(ofImages: readonly Conditioning[]): Conditioning {
  const [first] = ofImages as [Conditioning];
  const parts = first.parts.map(({ weight, schedule }, p) => ({
    weight,
    schedule: schedule.map(({ untilStep, text }, moment) => ({
      untilStep,
      text: {
        ...text,
        ofImages: ofImages.map((own) => own.parts[p]?.schedule[moment]?.text ?? text),
      },
    })),
  }));
  return { ...first, parts };
}

/** The prompts by the request's own clip skip. */
async function encodeShared(
  request: GenerateRequest,
  { textEncoder, entry }: LoadedModel,
  hiresSteps?: number,
): Promise<Prompts> {
  const { layout } = entry;
  const { profile, clipSkip, xl = null } = request;
  checkXlWords(xl, layout);
  const prompt = promptText(request);
  const options = { ...readingOptions(request, hiresSteps), clipSkip };
  const encoded = await textEncoder.encode(prompt.text, {
    ...options,
    ...othersOf(prompt),
    ...lengthOf(request),
    ...picturesOf(request),
    negative: false,
  });
  const { sizes } = familyNamed(layout.family);
  const positive = withTimeIds(encoded, sizes?.(request, 'positive'));
  const asked = needsNegative(
    request,
    layout.guidanceEmbedding,
    positive.parts.length,
    guidanceRule(layout),
  );
  // CFG++ takes the unconditional answer at every scale.
  if (!asked && request.sampler !== 'ddim_cfgpp') return { positive, negative: positive };
  const words = negativeText(request);
  const { text } = words;
  const negative = zeroesNegative(text, request, layout)
    ? textEncoder.zeros(positive)
    : await textEncoder.encode(text, {
        ...options,
        ...othersOf(words),
        ...lengthOf(request),
        ...picturesOf(request),
        // diffusers counts clip skip for the prompt alone.
        clipSkip: profile === 'diffusers' ? 1 : clipSkip,
        negative: true,
      });
  return { positive, negative: withTimeIds(negative, sizes?.(request, 'negative')) };
}

function othersOf({ second, third }: EncoderText): Omit<EncoderText, 'text'> {
  return { ...(second && { second }), ...(third && { third }) };
}

function lengthOf({ textLength }: GenerateRequest): { length?: number } {
  return textLength === undefined ? {} : { length: textLength };
}

function picturesOf({ references }: GenerateRequest): { pictures?: readonly Uint8Array[] } {
  return references === undefined ? {} : { pictures: references };
}

/** diffusers goes by the folder's model_index.json, A1111 does it for every SDXL (sd_models_xl.py), ComfyUI never. */
function zeroesNegative(
  text: string,
  { profile, xl }: GenerateRequest,
  layout: ModelLayout,
): boolean {
  if (text !== '' || profile === 'comfy') return false;
  if (profile === 'a1111' && familyNamed(layout.family).clip?.zeroesEmptyNegative) return true;
  return layout.zeroEmptyNegative && xl?.encodesEmptyNegative !== true;
}

/** @throws UserError when another family is told what only SDXL hears */
function checkXlWords(xl: XlWords | null, layout: ModelLayout): void {
  // other families with several encoders hear a second prompt
  if (layout.transformer) return;
  const { encodesEmptyNegative: _, ...told } = xl ?? {};
  if (Object.keys(told).length > 0 && familyNamed(layout.family).sizes === null)
    throw new UserError(say('xl-only', layout.name));
}

function withTimeIds(conditioning: Conditioning, ids: readonly number[] | undefined): Conditioning {
  if (ids === undefined) return conditioning;
  const parts = conditioning.parts.map(({ weight, schedule }) => ({
    weight,
    schedule: schedule.map(({ untilStep, text }) => ({
      untilStep,
      text: { ...text, timeIds: ids },
    })),
  }));
  return { ...conditioning, parts };
}
