/** The recipe's words for shortcuts, refiner and SDXL's conditioning: A1111's where it has them. */
import type { ParsedInfotext } from './infotext-parse.ts';
import type { GenerateRequest, ImageSize, RequestInput, XlWords } from '../request.ts';

export function extraWords({
  negativeGuidance,
  pagScale,
  refiner,
  xl,
}: GenerateRequest): Record<string, string | number | null> {
  const { minSigma = 0, allSteps = false, skipEarly = 0 } = negativeGuidance ?? {};
  return {
    NGMS: minSigma === 0 ? null : minSigma,
    'NGMS all steps': minSigma !== 0 && allSteps ? 'True' : null,
    'Skip Early CFG': skipEarly === 0 ? null : skipEarly,
    'PAG scale': pagScale ? pagScale : null,
    Refiner: refiner?.model ? nameOf(refiner.model) : null,
    'Refiner switch at': refiner?.switchAt ?? null,
    ...xlFields(xl ?? {}),
  };
}

/** The name of a file or folder: where it lies on this machine is nobody's business. */
function nameOf(model: string): string {
  return model.split(/[\\/]/).findLast((part) => part !== '') ?? model;
}

const PROMPTS = {
  prompt2: 'SDXL prompt 2',
  negativePrompt2: 'SDXL negative prompt 2',
  prompt3: 'SD3 prompt 3',
  negativePrompt3: 'SD3 negative prompt 3',
} as const satisfies Partial<Record<keyof XlWords, string>>;

/** Sizes read and are written as 1024x768, corners as left x top. */
const SIZES = {
  originalSize: 'SDXL original size',
  targetSize: 'SDXL target size',
  negativeOriginalSize: 'SDXL negative original size',
  negativeTargetSize: 'SDXL negative target size',
} as const satisfies Partial<Record<keyof XlWords, string>>;
const CORNERS = {
  crop: 'SDXL crop',
  negativeCrop: 'SDXL negative crop',
} as const satisfies Partial<Record<keyof XlWords, string>>;

function xlFields(xl: XlWords): Record<string, string | null> {
  const size = (given?: ImageSize): string | null =>
    given === undefined ? null : `${given.width}x${given.height}`;
  const fields: Record<string, string | null> = {
    'Empty negative prompt': xl.encodesEmptyNegative ? 'encoded' : null,
  };
  for (const key of keysOf(PROMPTS)) fields[PROMPTS[key]] = xl[key] ?? null;
  for (const key of keysOf(SIZES)) fields[SIZES[key]] = size(xl[key]);
  for (const key of keysOf(CORNERS)) {
    const corner = xl[key];
    fields[CORNERS[key]] = corner === undefined ? null : `${corner.left}x${corner.top}`;
  }
  return fields;
}

export function takeExtras(parsed: ParsedInfotext, input: RequestInput): void {
  const { NGMS: minSigma, 'Skip Early CFG': skipEarly, Refiner: refiner } = parsed;
  if (minSigma !== undefined || skipEarly !== undefined) {
    input.negativeGuidance = {
      minSigma: minSigma ?? 0,
      allSteps: parsed['NGMS all steps'] === 'True',
      skipEarly: skipEarly ?? 0,
    };
  }
  input.pagScale = pagScaleOf(parsed);
  const switchAt = parsed['Refiner switch at'];
  if (refiner !== undefined || (switchAt !== undefined && input.profile === 'diffusers')) {
    // A1111 writes the first digits of its file's hash behind the name.
    const model = refiner === undefined ? null : String(refiner).replace(/ \[[0-9a-f]+\]$/, '');
    input.refiner = { model, switchAt };
  }
  const xl = readXl(parsed);
  if (Object.keys(xl).length > 0) input.xl = xl;
}

/**
 * A recipe without the word was painted without perturbed attention, whatever the model's default is now. Others write
 * "PAG Active" and "PAG Scale" (sd-webui-incantations) or pagi_enabled and pagi_scale (Forge).
 */
function pagScaleOf(parsed: ParsedInfotext): unknown {
  const own = parsed['PAG scale'];
  if (own !== undefined) return own;
  if (parsed['PAG Active'] === 'True') return parsed['PAG Scale'] ?? 0;
  return parsed['pagi_enabled'] === 'True' ? (parsed['pagi_scale'] ?? 0) : 0;
}

function readXl(parsed: ParsedInfotext): Record<string, unknown> {
  const xl: Record<string, unknown> = {};
  for (const [key, name] of Object.entries(PROMPTS)) {
    if (parsed[name] !== undefined) xl[key] = String(parsed[name]);
  }
  if (parsed['Empty negative prompt'] === 'encoded') xl['encodesEmptyNegative'] = true;
  for (const key of keysOf(SIZES)) {
    const width = parsed[`${SIZES[key]}-1`];
    if (width !== undefined) xl[key] = { width, height: parsed[`${SIZES[key]}-2`] };
  }
  for (const key of keysOf(CORNERS)) {
    const left = parsed[`${CORNERS[key]}-1`];
    if (left !== undefined) xl[key] = { left, top: parsed[`${CORNERS[key]}-2`] };
  }
  return xl;
}

function keysOf<K extends string>(record: Readonly<Record<K, string>>): K[] {
  return Object.keys(record) as K[];
}
