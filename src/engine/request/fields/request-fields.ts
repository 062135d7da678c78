/** The fields of a request that have parts of their own. */
import { numberOption, readNumber } from './number-options.ts';
import { partNumber, xlPart } from './part-values.ts';
import { partsOf } from './part-options.ts';
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

/** The other noise, and how far towards it; null for none. */
export function variation(problems: Problems, value: unknown): GenerateRequest['variation'] {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  if (!fields) {
    problems.push(say('variation-shape', shown(value)));
    return null;
  }
  const strength = partNumber(problems, 'variation', 'strength', fields);
  const ownSeed = seed(problems, 'variation seed', fields['seed']);
  return strength === 0 ? null : { seed: ownSeed, strength };
}

/** The size in pixels whose noise is taken; null for none. */
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

/** What becomes of the steps that are left; null for as planned. */
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

/** What the images of a batch differ in, one entry an image; null where they differ by their seed alone. */
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

/** A1111's shortcuts for the negative prompt; null for none. */
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
  const minSigma = partNumber(problems, 'negativeGuidance', 'minSigma', fields);
  const skipEarly = partNumber(problems, 'negativeGuidance', 'skipEarly', fields);
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

/** The model that takes over and when; null for none. */
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
    switchAt: partNumber(problems, 'refiner', 'switchAt', fields),
  };
}

/** Second prompts and the sizes that SDXL is told; null for none. */
export function xlWords(problems: Problems, value: unknown): XlWords | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value) ?? {};
  const said = partsOf('xl').flatMap((row) => {
    const value = row.part === null ? undefined : xlPart(problems, row, fields[row.part]);
    return value === undefined ? [] : [[row.part, value] as const];
  });
  const words: XlWords = Object.fromEntries(said);
  if (fields['encodesEmptyNegative'] === true) words.encodesEmptyNegative = true;
  return Object.keys(words).length === 0 ? null : words;
}
