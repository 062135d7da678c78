import { UserError } from './errors.ts';
import { say } from './sentences.ts';
import { samplerWithSchedule, scheduleNamed } from './request/fields/sampler-names.ts';
import { SAMPLERS, SCHEDULES } from './names.ts';
import {
  imagesOfBatch,
  negativeGuidance,
  pagScale,
  refiner,
  xlWords,
  replan,
  seedResize,
  variation,
} from './request/fields/request-fields.ts';
import { checkPrompts } from './request/fields/prompt-checks.ts';
import { hiresFix, initImage, usualMaskBlur } from './request/fields/picture-fields.ts';
import {
  familyTitle,
  fieldsOf,
  modelToBeginWith,
  files,
  isAbsent,
  LIMITS,
  nameOf,
  type Problems,
  seed,
  shown,
  side,
  text,
  unknownName,
  whole,
  MOST_REFERENCES,
} from './request/fields/request-values.ts';
import {
  fixedNumbers,
  NUMBER_FLAGS,
  NUMBER_RANGES,
  numberHelp,
  optionalNumbers,
} from './request/fields/number-options.ts';
import {
  fixedWords,
  optionalWords,
  WORD_FLAGS,
  WORD_NAMES,
  wordHelp,
} from './request/fields/word-options.ts';
import {
  canWalk,
  checkLimits,
  hearsOption,
  limitsOf,
  samplersOf,
  schedulesOf,
  WITHOUT_GUIDANCE,
} from './request/fields/family-limits.ts';
import { PART_FLAGS, PART_RANGES } from './request/fields/part-options.ts';
import type { GenerateRequest, ImageSize, ModelInfo, RequestInput } from './request.ts';

export {
  canWalk,
  familyTitle,
  hearsOption,
  LIMITS,
  limitsOf,
  modelToBeginWith,
  NUMBER_FLAGS,
  NUMBER_RANGES,
  numberHelp,
  samplersOf,
  schedulesOf,
  PART_FLAGS,
  PART_RANGES,
  usualMaskBlur,
  WITHOUT_GUIDANCE,
  WORD_FLAGS,
  WORD_NAMES,
  wordHelp,
};

/**
 * Fills what is left out with the model's defaults and checks everything. Numbers may come as text; null and undefined
 * mean left out; seed -1 means random.
 * @throws UserError with a sentence for every wrong field
 */
export function parseRequest(input: RequestInput, model: ModelInfo): GenerateRequest {
  const problems: Problems = [];
  const request = readFields(problems, input, model);
  checkPrompts(problems, request, model);
  checkLimits(problems, request, model);
  if (problems.length > 0) throw new UserError(problems);
  return request;
}

/**
 * The same of a request that was accepted once: what its prompts say is not looked at again, for limits on them may be
 * younger, and what was painted stays what it is.
 * @throws UserError with a sentence for every wrong field
 */
export function parseAccepted(input: RequestInput, model: ModelInfo): GenerateRequest {
  const problems: Problems = [];
  const request = readFields(problems, input, model);
  if (problems.length > 0) throw new UserError(problems);
  return request;
}

function readFields(problems: Problems, input: RequestInput, model: ModelInfo): GenerateRequest {
  const words = fixedWords(problems, input);
  const request: GenerateRequest = {
    model: text(problems, 'model', input.model, model.name),
    prompt: text(problems, 'prompt', input.prompt, ''),
    negativePrompt: text(problems, 'negative prompt', input.negativePrompt, ''),
    width: side(
      problems,
      'width',
      input.width,
      model.nativeSize.width,
      model.sizeFactor,
      model.leastSide,
    ),
    height: side(
      problems,
      'height',
      input.height,
      model.nativeSize.height,
      model.sizeFactor,
      model.leastSide,
    ),
    ...fixedNumbers(problems, withoutGuidance(input, words.profile, model), model),
    ...samplerAndSchedule(problems, input, model, words.profile),
    seed: seed(problems, 'seed', input.seed),
    variation: variation(problems, input.variation),
    seedResize: seedResize(problems, input.seedResize, model.sizeFactor),
    eta: null,
    ...optionalNumbers(problems, input, model),
    ...words,
    init: initImage(problems, input.init, words.profile),
  };
  readTransformerFields(problems, input, request, model);
  const { distilledOverPictures: usual } = model.network ?? {};
  if (usual !== undefined && request.init !== null && words.profile === 'diffusers') {
    request.distilledGuidance ??= usual;
  }
  readAdditions(problems, input, request, model);
  return request;
}

/** Where cond + w (cond - uncond) is how a pipeline guides, a scale of 1 does: one that is made without is asked with 0. */
function withoutGuidance(
  input: RequestInput,
  profile: GenerateRequest['profile'],
  { unguided, network }: ModelInfo,
): RequestInput {
  const isLeftOut = unguided === true && isAbsent(input.guidanceScale);
  if (!isLeftOut || profile !== 'diffusers' || network?.guidance !== 'from-positive') return input;
  return { ...input, guidanceScale: 0 };
}

/** What a request holds only where it was asked for. */
function readAdditions(
  problems: Problems,
  input: RequestInput,
  request: GenerateRequest,
  model: ModelInfo,
): void {
  const pag = pagScale(problems, input.pagScale, model);
  if (pag > 0) request.pagScale = pag;
  const hires = hiresFix(problems, input.hires, request, model);
  if (hires) request.hires = hires;
  const takesOver = refiner(problems, input.refiner, request);
  if (takesOver) request.refiner = takesOver;
  const replanned = replan(problems, input.replan, request);
  if (replanned) request.replan = replanned;
  const each = imagesOfBatch(problems, input.each, request);
  if (each) request.each = each;
  const shortcuts = negativeGuidance(problems, input.negativeGuidance, request);
  if (shortcuts) request.negativeGuidance = shortcuts;
  if (!isAbsent(input.endAfter)) {
    const most = request.steps + (hires?.steps ?? 0);
    request.endAfter = whole(problems, 'end after', input.endAfter, most, { min: 1, max: most });
  }
  const xl = xlWords(problems, input.xl);
  if (xl) request.xl = xl;
  Object.assign(request, optionalWords(problems, input));
  const encoders = files(problems, 'text encoder', input.textEncoders);
  if (encoders.length > 0) request.textEncoders = encoders;
}

/** Tokenizers of diffusion transformers, and pictures to edit. */
function readTransformerFields(
  problems: Problems,
  input: RequestInput,
  request: GenerateRequest,
  model: ModelInfo,
): void {
  const tokenizers = files(problems, 'tokenizer', input.tokenizers);
  if (tokenizers.length > 0) request.tokenizers = tokenizers;
  const shown = Array.isArray(input.references) ? input.references : [];
  if (shown.length > MOST_REFERENCES) {
    problems.push(say('too-many-references', MOST_REFERENCES, shown.length));
  } else if (shown.some((each) => !(each instanceof Uint8Array))) {
    problems.push(say('no-picture-bytes', 'reference'));
  } else if (shown.length > 0) request.references = shown as Uint8Array[];
  else if (model.edits) showStart(input, request);
}

/**
 * To a model that edits a start picture is the picture to edit, and it begins from noise; unless a strength or a mask asks
 * for img2img as A1111 does it with such models.
 */
function showStart(input: RequestInput, request: GenerateRequest): void {
  const { init, profile } = request;
  if (init === null || init.mask !== null) return;
  const isNamed = !isAbsent(fieldsOf(input.init)?.['strength']);
  if (isNamed && (profile === 'a1111' || init.strength < 1)) return;
  request.references = [init.image];
  request.init = null;
}

/**
 * "512x768" -> its sides, also with × or spaces.
 * @throws UserError
 */
export function parseSize(text: string): ImageSize {
  const match = /^\s*(\d{1,6})\s*[x×]\s*(\d{1,6})\s*$/i.exec(text);
  if (!match) {
    throw new UserError(say('not-a-size', shown(text)));
  }
  return { width: Number(match[1]), height: Number(match[2]) };
}

function samplerAndSchedule(
  problems: Problems,
  input: RequestInput,
  model: ModelInfo,
  profile: GenerateRequest['profile'],
): Pick<GenerateRequest, 'sampler' | 'schedule'> {
  let sampler = profile === 'diffusers' ? null : model.defaults.sampler;
  // A model's schedule belongs to its sampler; a sampler of one's own or of the folder's config brings its own.
  let schedule: GenerateRequest['schedule'] =
    isAbsent(input.sampler) && sampler !== null ? model.defaults.schedule : 'automatic';
  if (!isAbsent(input.sampler)) {
    const found = samplerWithSchedule(nameOf(input.sampler));
    if (found) {
      sampler = found.sampler;
      schedule = found.schedule ?? schedule;
    } else problems.push(unknownName('sampler', input.sampler, SAMPLERS));
  }
  if (!isAbsent(input.schedule)) {
    const named = scheduleNamed(nameOf(input.schedule));
    if (named) schedule = named;
    else problems.push(unknownName('schedule', input.schedule, SCHEDULES));
  }
  return { sampler, schedule };
}
