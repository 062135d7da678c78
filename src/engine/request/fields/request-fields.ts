/** The fields of a request that have parts of their own. */
import { numberOption, readNumber } from './number-options.ts';
import type {
  GenerateRequest,
  ModelInfo,
  NegativeGuidance,
  OwnOfImage,
  Refiner,
  Replan,
  XlWords,
} from '../../request.ts';
import {
  canPerturb,
  fieldsOf,
  isAbsent,
  LIMITS,
  type Problems,
  real,
  seed,
  shown,
  side,
  text,
  toNumber,
  whole,
} from './request-values.ts';
import { say } from '../../sentences.ts';

export function variation(problems: Problems, value: unknown): GenerateRequest['variation'] {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  if (!fields) {
    problems.push(say('variation-shape', shown(value)));
    return null;
  }
  const strength = real(problems, 'variation strength', fields['strength'], 0, { min: 0, max: 1 });
  const ownSeed = seed(problems, 'variation seed', fields['seed']);
  return strength === 0 ? null : { seed: ownSeed, strength };
}

export function seedResize(
  problems: Problems,
  value: unknown,
  factor: number,
): GenerateRequest['seedResize'] {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  if (!fields) {
    problems.push(say('seed-resize-shape', shown(value)));
    return null;
  }
  // A1111 writes 0x0 for "off".
  if (toNumber(fields['width']) === 0 || toNumber(fields['height']) === 0) return null;
  return {
    width: side(problems, 'seed resize width', fields['width'] ?? '', 0, factor),
    height: side(problems, 'seed resize height', fields['height'] ?? '', 0, factor),
  };
}

export function replan(
  problems: Problems,
  value: unknown,
  request: Pick<GenerateRequest, 'steps' | 'init' | 'hires' | 'refiner'>,
): Replan | null {
  // None of them is calibrated, and a start picture shortens the schedule by itself.
  if (isAbsent(value) || request.init !== null || request.hires || request.refiner) return null;
  const fields = fieldsOf(value);
  if (!fields) {
    problems.push(say('replan-shape', shown(value)));
    return null;
  }
  if ('still' in fields) {
    const share = { min: 0.01, max: 1 };
    return {
      still: real(problems, 'replan still', fields['still'], 0.05, { min: 0, max: 1 }),
      share: real(problems, 'replan share', fields['share'], 0.5, share),
    };
  }
  const most = { min: 1, max: request.steps };
  const after = whole(problems, 'replan after', fields['after'], 1, most);
  const rest = whole(problems, 'replan rest', fields['rest'], 1, most);
  if (after + rest > request.steps) {
    problems.push(say('replan-too-long', after, rest, request.steps));
  }
  return { after, rest };
}

export function imagesOfBatch(
  problems: Problems,
  value: unknown,
  { count, profile, variation: varied }: Pick<GenerateRequest, 'count' | 'profile' | 'variation'>,
): OwnOfImage[] | null {
  if (isAbsent(value)) return null;
  if (!Array.isArray(value) || value.length !== count || profile !== 'a1111' || varied !== null) {
    problems.push(say('batch-shape', count));
    return null;
  }
  return value.map((entry: unknown) => {
    const own = fieldsOf(entry) ?? {};
    return {
      seed: seed(problems, 'seed', own['seed'] ?? ''),
      guidanceScale: real(
        problems,
        'guidance scale (cfg)',
        own['guidanceScale'] ?? '',
        1,
        LIMITS.guidanceScale,
      ),
      clipSkip: whole(problems, 'clip skip', own['clipSkip'] ?? '', 1, LIMITS.clipSkip),
    };
  });
}

export function negativeGuidance(
  problems: Problems,
  value: unknown,
  { profile }: Pick<GenerateRequest, 'profile'>,
): NegativeGuidance | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  if (!fields || profile !== 'a1111') {
    problems.push(say('negative-guidance-shape'));
    return null;
  }
  const { minSigma: sigma, skipEarly: early } = fields;
  const minSigma = real(problems, 'NGMS', sigma, 0, LIMITS.minSigma);
  const skipEarly = real(problems, 'skip early cfg', early, 0, { min: 0, max: 1 });
  if (minSigma === 0 && skipEarly === 0) return null;
  return { minSigma, allSteps: fields['allSteps'] === true, skipEarly };
}

/** 0: none. */
export function pagScale(problems: Problems, value: unknown, model: ModelInfo): number {
  const scale = readNumber(problems, numberOption('pagScale'), value, model) ?? 0;
  if (scale > 0 && !canPerturb(model)) {
    problems.push(say('pag-needs-unet', model.name));
  }
  return scale;
}

export function refiner(
  problems: Problems,
  value: unknown,
  { profile, hires }: Pick<GenerateRequest, 'profile' | 'hires'>,
): Refiner | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  const named = fields?.['model'] ?? null;
  if (!fields || (named === null && profile !== 'diffusers')) {
    problems.push(say('refiner-shape'));
    return null;
  }
  if (hires && profile !== 'a1111') problems.push(say('refiner-alone'));
  return {
    model: named === null ? null : text(problems, 'refiner', named, ''),
    switchAt: real(problems, 'refiner switch at', fields['switchAt'], 0.8, LIMITS.switchAt),
  };
}

export function xlWords(problems: Problems, value: unknown): XlWords | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value) ?? {};
  const words: XlWords = {};
  for (const key of ['prompt2', 'negativePrompt2', 'prompt3', 'negativePrompt3'] as const) {
    if (!isAbsent(fields[key])) words[key] = text(problems, key, fields[key], '');
  }
  const range = { min: 0, max: LIMITS.conditioningSide };
  const number = (name: string, found: unknown): number =>
    whole(problems, name, found ?? '', 0, range);
  for (const key of [
    'originalSize',
    'targetSize',
    'negativeOriginalSize',
    'negativeTargetSize',
  ] as const) {
    const size = fieldsOf(fields[key] ?? null);
    if (size === null) continue;
    words[key] = { width: number(key, size['width']), height: number(key, size['height']) };
  }
  for (const key of ['crop', 'negativeCrop'] as const) {
    const corner = fieldsOf(fields[key] ?? null);
    if (corner === null) continue;
    words[key] = { left: number(key, corner['left']), top: number(key, corner['top']) };
  }
  if (fields['encodesEmptyNegative'] === true) words.encodesEmptyNegative = true;
  return Object.keys(words).length === 0 ? null : words;
}
