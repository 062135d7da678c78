import packageJson from '../../../package.json' with { type: 'json' };
import { requestOfImage } from '../request/batch.ts';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { upscalerLabel } from '../request/fields/labels.ts';
import { samplerWithSchedule, scheduleNamed } from '../request/fields/sampler-names.ts';
import { extraWords, takeExtras } from './infotext-extras.ts';
import { numberWords, takeNumbers } from '../request/fields/number-options.ts';
import { takeWords, wordsInRecipe } from '../request/fields/word-options.ts';
import { partWords, takeParts } from '../request/fields/part-values.ts';
import { parseInfotext, type ParsedInfotext } from './infotext-parse.ts';
import type { AppliedLora } from '../lora/opened.ts';
import { strip } from '../text/prompt/characters.ts';
import type { GenerateRequest, RequestInput } from '../request.ts';
import type { UsedEmbedding } from '../text/text-encoder.ts';

export { parseInfotext };

export type InfotextValue = string | number | boolean | null;

/** A1111's order; other labels follow, Version ends the line. */
const FIELD_ORDER = [
  'Steps',
  'Sampler',
  'Schedule type',
  'CFG scale',
  'Seed',
  'Face restoration',
  'Size',
  'Model hash',
  'Model',
  'VAE hash',
  'VAE',
  'Variation seed',
  'Variation seed strength',
  'Seed resize from',
  'Denoising strength',
  'Clip skip',
  'ENSD',
  'RNG',
  'Tiling',
];
const VERSION = `Darkroom ${packageJson.version}`;

/** What else a picture was painted with: files that its prompts name. */
export type Used = {
  embeddings?: readonly UsedEmbedding[];
  loras?: readonly AppliedLora[];
};

/**
 * The recipe of one image in A1111's `parameters` format: any tool that reads A1111's pictures reads it, and
 * requestFromInfotext gives the request back. imageIndex counts from 0 in the batch.
 */
export function writeInfotext(
  request: GenerateRequest,
  model: { name: string; hash: string },
  imageIndex: number,
  used: Used = {},
): string {
  if (request.each) {
    return writeInfotext(requestOfImage(request, imageIndex), model, 0, used);
  }
  const {
    Sampler = null,
    'Schedule type': schedule = null,
    RNG = null,
    ...others
  } = wordsInRecipe(request);
  return buildInfotext(request.prompt, request.negativePrompt, {
    Sampler,
    'Schedule type': schedule,
    Seed: imageSeed(request, imageIndex).toString(),
    Size: `${request.width}x${request.height}`,
    'Model hash': model.hash,
    Model: model.name,
    ...partWords(request, 'variation'),
    ...(request.variation && { 'Variation seed': variationSeed(request, imageIndex).toString() }),
    ...partWords(request, 'seedResize'),
    'Denoising strength': request.init?.strength ?? request.hires?.strength ?? null,
    RNG,
    ...extraFields(request, imageIndex, others),
    'Lora hashes': hashesOf(used.loras ?? []),
    'TI hashes': hashesOf(used.embeddings ?? []),
    Version: VERSION,
  });
}

/** What is not among A1111's fixed fields: its own extras first, then the fields only we write. */
function extraFields(
  request: GenerateRequest,
  imageIndex: number,
  { Emphasis = null, Profile = null, ...words }: ReturnType<typeof wordsInRecipe>,
): Record<string, InfotextValue> {
  const isTimestepSampler = request.sampler === 'ddim' || request.sampler === 'plms';
  const oneStream = request.profile !== 'a1111' && request.count > 1;
  return {
    'Mask blur': request.init?.mask ? request.init.maskBlur : null,
    'Mask coverage': coverageWords(request),
    'Inpaint area': request.init?.mask && request.init.onlyMasked ? 'Only masked' : null,
    [isTimestepSampler ? 'Eta DDIM' : 'Eta']: request.eta,
    Emphasis,
    'Replanned steps': replanWords(request),
    Unfinished: unfinishedWords(request),
    ...hiresFields(request),
    ...extraWords(request),
    ...numberWords(request),
    Profile,
    'Batch size': oneStream ? request.count : null,
    'Batch pos': oneStream ? imageIndex : null,
    ...words,
  };
}

/** `23%`, as A1111 writes shares; null where nobody counted. */
function coverageWords({ init }: GenerateRequest): string | null {
  if (!init?.mask || init.coverage === undefined) return null;
  return `${Math.max(1, Math.round(init.coverage * 100))}%`;
}

/** A1111's list of the LoRAs or textual inversions a picture was painted with. */
function hashesOf(embeddings: readonly { name: string; hash: string }[]): string | null {
  const each = embeddings.map(({ name, hash }) => `${name.replaceAll(/[:,]/g, '')}: ${hash}`);
  return each.length === 0 ? null : [...new Set(each)].join(', ');
}

/** `12 of 30 steps`, of a picture whose run was ended before. */
function unfinishedWords({ endAfter, steps, hires }: GenerateRequest): string | null {
  return endAfter ? `${endAfter} of ${steps + (hires?.steps ?? 0)} steps` : null;
}

/** `12+5`: 12 of the steps as planned, then 5 to the end. */
function replanWords({ replan }: GenerateRequest): string | null {
  return replan && 'after' in replan ? `${replan.after}+${replan.rest}` : null;
}

function hiresFields(request: GenerateRequest): Record<string, InfotextValue> {
  const { hires, steps } = request;
  if (!hires) return {};
  return {
    ...partWords(request, 'hires'),
    ...(hires.steps === steps && { 'Hires steps': null }),
    'Hires upscaler': upscalerLabel(hires.upscaler),
  };
}

/**
 * The seed of one image of the batch: seed + index in profile a1111, where a variation freezes the seed and counts
 * the variation seed instead. The other profiles draw the whole batch from one stream: its seed for every image.
 */
export function imageSeed(
  request: Pick<GenerateRequest, 'seed' | 'profile' | 'variation' | 'each'>,
  imageIndex: number,
): bigint {
  const own = request.each?.[imageIndex];
  if (own !== undefined) return own.seed;
  const counts = request.profile === 'a1111' && !request.variation;
  return BigInt.asUintN(64, request.seed + (counts ? BigInt(imageIndex) : 0n));
}

function variationSeed({ variation, profile }: GenerateRequest, imageIndex: number): bigint {
  const offset = profile === 'a1111' ? BigInt(imageIndex) : 0n;
  return BigInt.asUintN(64, (variation?.seed ?? 0n) + offset);
}

/** The text for any fields; null ones are left out. Format of A1111's create_infotext, v1.10.1. */
export function buildInfotext(
  prompt: string,
  negativePrompt: string,
  fields: Readonly<Record<string, InfotextValue>>,
): string {
  const rank = (label: string): number => {
    const place = FIELD_ORDER.indexOf(label);
    if (label === 'Version') return FIELD_ORDER.length + 1;
    return place < 0 ? FIELD_ORDER.length : place;
  };
  const line = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([label, value]) => (label === value ? label : `${label}: ${quote(String(value))}`))
    .join(', ');
  const negative = negativePrompt === '' ? '' : `\nNegative prompt: ${negativePrompt}`;
  return strip(`${prompt}${negative}\n${line}`);
}

function quote(text: string): string {
  return /[,\n:]/.test(text) ? JSON.stringify(text) : text;
}

/**
 * The request a `parameters` text describes, for parseRequest. Values are taken over as they stand there; old names
 * such as "DPM++ 2M Karras" become sampler and schedule. An init image is not part of the text.
 * @throws UserError when the text holds no field line
 */
export function requestFromInfotext(text: string): RequestInput {
  const parsed = parseInfotext(text);
  if (parsed['Steps'] === undefined && parsed['Seed'] === undefined) {
    throw new UserError(say('no-parameters'));
  }
  const input: RequestInput = {
    prompt: parsed['Prompt'],
    negativePrompt: parsed['Negative prompt'],
  };
  const take = (key: keyof RequestInput, label: string): void => {
    if (parsed[label] !== undefined) input[key] = parsed[label];
  };
  take('seed', 'Seed');
  take('width', 'Size-1');
  take('height', 'Size-2');
  take('model', 'Model');
  take('eta', parsed['Eta'] === undefined ? 'Eta DDIM' : 'Eta');
  takeNumbers(parsed, input);
  takeWords(parsed, input);
  takeSampler(parsed, input);
  const variation = takeParts(parsed, 'variation');
  if (variation?.['seed'] !== undefined) input.variation = { strength: '0', ...variation };
  const seedResize = takeParts(parsed, 'seedResize');
  if (seedResize !== undefined) input.seedResize = seedResize;
  takeHires(parsed, input);
  takeExtras(parsed, input);
  const replan = /^(\d+)\+(\d+)$/.exec(String(parsed['Replanned steps'] ?? ''));
  if (replan) input.replan = { after: replan[1], rest: replan[2] };
  return input;
}

/** "Hires upscale" is a factor, "Hires resize" the size to reach. */
function takeHires(parsed: ParsedInfotext, input: RequestInput): void {
  const width = Number(parsed['Hires resize-1'] ?? 0);
  const height = Number(parsed['Hires resize-2'] ?? 0);
  if (parsed['Hires upscale'] === undefined && width === 0 && height === 0) return;
  const scale =
    parsed['Hires upscale'] ??
    (width > 0 ? width / Number(parsed['Size-1']) : height / Number(parsed['Size-2']));
  if (Number(scale) === 0) return;
  input.hires = {
    ...takeParts(parsed, 'hires'),
    scale,
    strength: parsed['Denoising strength'],
  };
}

function takeSampler(parsed: ParsedInfotext, input: RequestInput): void {
  const label = String(parsed['Schedule type']);
  const schedule = scheduleNamed(label) ?? label;
  if (parsed['Sampler'] === undefined) {
    // Only profile diffusers paints without one: the model folder names it.
    if (input.profile === 'diffusers') input.schedule = schedule;
    return;
  }
  const found = samplerWithSchedule(String(parsed['Sampler']));
  // An unknown name goes through: parseRequest refuses it by name.
  input.sampler = found?.sampler ?? parsed['Sampler'];
  input.schedule = found?.schedule ?? schedule;
}
