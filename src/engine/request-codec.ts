import { UserError } from './errors.ts';
import { say } from './sentences.ts';
import { samplerWithSchedule, scheduleNamed } from './labels.ts';
import { parseAttention } from './prompt/attention.ts';
import { stripComments } from './prompt/comments.ts';
import { EMPHASES, PROFILES, RNGS, SAMPLERS, SCHEDULES } from './names.ts';
import {
  hiresFix,
  imagesOfBatch,
  initImage,
  replan,
  seedResize,
  variation,
} from './request-fields.ts';
import {
  fieldsOf,
  isAbsent,
  LIMITS,
  oneOf,
  type Problems,
  real,
  seed,
  shown,
  side,
  text,
  unknownName,
  whole,
} from './request-values.ts';
import type { GenerateRequest, ImageSize, ModelInfo, RequestInput } from './request.ts';

export { LIMITS };

const MAX_ETA_NOISE_SEED_DELTA = 2 ** 32 - 1;

/**
 * Fills what is left out with the model's defaults and checks everything. Numbers may come as text; null and
 * undefined mean left out; seed -1 means random. Throws one UserError with a sentence for every wrong field.
 */
export function parseRequest(input: RequestInput, model: ModelInfo): GenerateRequest {
  const problems: Problems = [];
  const profile = oneOf(problems, 'profile', input.profile, PROFILES, 'a1111');
  const request: GenerateRequest = {
    model: text(problems, 'model', input.model, model.name),
    prompt: text(problems, 'prompt', input.prompt, ''),
    negativePrompt: text(problems, 'negative prompt', input.negativePrompt, ''),
    width: side(problems, 'width', input.width, model.nativeSize.width, model.sizeFactor),
    height: side(problems, 'height', input.height, model.nativeSize.height, model.sizeFactor),
    count: whole(problems, 'count', input.count, 1, LIMITS.count),
    steps: whole(problems, 'steps', input.steps, model.defaults.steps, LIMITS.steps),
    guidanceScale: real(
      problems,
      'guidance scale (cfg)',
      input.guidanceScale,
      model.defaults.guidanceScale,
      LIMITS.guidanceScale,
    ),
    ...samplerAndSchedule(problems, input, model, profile),
    seed: seed(problems, 'seed', input.seed),
    variation: variation(problems, input.variation),
    seedResize: seedResize(problems, input.seedResize, model.sizeFactor),
    etaNoiseSeedDelta: whole(problems, 'eta noise seed delta (ENSD)', input.etaNoiseSeedDelta, 0, {
      min: 0,
      max: MAX_ETA_NOISE_SEED_DELTA,
    }),
    eta: isAbsent(input.eta) ? null : real(problems, 'eta', input.eta, 0, { min: 0, max: 1 }),
    guidanceRescale: real(problems, 'guidance rescale', input.guidanceRescale, 0, {
      min: 0,
      max: 1,
    }),
    clipSkip: whole(problems, 'clip skip', input.clipSkip, 1, LIMITS.clipSkip),
    emphasis: oneOf(
      problems,
      'emphasis',
      input.emphasis,
      EMPHASES,
      profile === 'diffusers' ? 'none' : 'original',
    ),
    rng: oneOf(problems, 'rng', input.rng, RNGS, 'cpu'),
    profile,
    init: initImage(problems, input.init),
  };
  const hires = hiresFix(problems, input.hires, request);
  if (hires) request.hires = hires;
  const replanned = replan(problems, input.replan, request);
  if (replanned) request.replan = replanned;
  const each = imagesOfBatch(problems, input.each, request);
  if (each) request.each = each;
  checkPrompts(problems, request);
  if (problems.length > 0) throw new UserError(problems);
  return request;
}

/** <lora:…> and (a:1.2.3) are refused here, not when the prompt's turn comes. */
function checkPrompts(problems: Problems, request: GenerateRequest): void {
  for (const prompt of [request.prompt, request.negativePrompt]) {
    const [tag] = /<(?:lora|lyco|hypernet):[^>]+>/i.exec(stripComments(prompt)) ?? [];
    if (tag === undefined) continue;
    problems.push(say('extra-weights', shown(tag.slice(1, -1))));
  }
  if (request.emphasis === 'none' || request.profile === 'comfy') return;
  try {
    const isA1111 = request.profile === 'a1111';
    for (const prompt of [request.prompt, request.negativePrompt]) {
      parseAttention(isA1111 ? stripComments(prompt) : prompt);
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.said);
  }
}

/** "512x768" -> its sides, also with × or spaces. Throws UserError. */
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
    const found = samplerWithSchedule(String(input.sampler));
    if (found) {
      sampler = found.sampler;
      schedule = found.schedule ?? schedule;
    } else problems.push(unknownName('sampler', input.sampler, SAMPLERS));
  }
  if (!isAbsent(input.schedule)) {
    const named = scheduleNamed(String(input.schedule));
    if (named) schedule = named;
    else problems.push(unknownName('schedule', input.schedule, SCHEDULES));
  }
  return { sampler, schedule };
}

const VERSION = 1;
const REQUEST_KEYS = [
  'model',
  'prompt',
  'negativePrompt',
  'width',
  'height',
  'count',
  'steps',
  'guidanceScale',
  'sampler',
  'schedule',
  'seed',
  'variation',
  'seedResize',
  'etaNoiseSeedDelta',
  'eta',
  'guidanceRescale',
  'clipSkip',
  'emphasis',
  'rng',
  'profile',
  'init',
] as const satisfies readonly (keyof GenerateRequest)[];

/** Fields that requests stored before they existed lack. */
const OPTIONAL_KEYS = [
  'hires',
  'replan',
  'each',
] as const satisfies readonly (keyof GenerateRequest)[];

const NULLABLE: ReadonlySet<string> = new Set([
  'sampler',
  'variation',
  'seedResize',
  'eta',
  'init',
]);

/** The request as JSON, for a database row or a file: seeds as decimal strings, pictures as base64. */
export function encodeRequest(request: GenerateRequest): string {
  const { seed: ownSeed, variation: varied, init, each } = request;
  return JSON.stringify({
    version: VERSION,
    ...request,
    seed: ownSeed.toString(),
    ...(each && { each: each.map((own) => ({ ...own, seed: own.seed.toString() })) }),
    variation: varied && { ...varied, seed: varied.seed.toString() },
    init: init && { ...init, image: toBase64(init.image), mask: init.mask && toBase64(init.mask) },
  });
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The way back. Throws Error for another version, a missing field or a value no request may hold. */
export function decodeRequest(json: string): GenerateRequest {
  let fields: Record<string, unknown> | null;
  try {
    fields = fieldsOf(JSON.parse(json));
  } catch {
    throw new Error(`not a stored request: ${shown(json)} is not JSON`);
  }
  if (fields?.['version'] !== VERSION) {
    throw new Error(
      `not a stored request of version ${VERSION}: its version is ${shown(fields?.['version'])}`,
    );
  }
  const missing = REQUEST_KEYS.filter(
    (key) => fields[key] === undefined || (fields[key] === null && !NULLABLE.has(key)),
  );
  if (missing.length > 0) throw new Error(`stored request without ${missing.join(', ')}`);
  const input: RequestInput = Object.fromEntries(
    [...REQUEST_KEYS, ...OPTIONAL_KEYS].map((key) => [key, fields[key]]),
  );
  input.init = decodeInit(fields['init']);
  try {
    const request = parseRequest(input, STORED);
    // -1 asks for a random seed; a stored one is known.
    if (request.seed.toString() !== fields['seed']) throw new Error('its seed is no number');
    return fields['sampler'] === null ? { ...request, sampler: null } : request;
  } catch (error) {
    throw new Error(`broken stored request: ${(error as Error).message}`, { cause: error });
  }
}

/** Stands in for the model: a stored request has no field left to fill, and its size was checked. */
const STORED: ModelInfo = {
  name: '',
  folder: '',
  hash: '',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 1,
  nativeSize: { width: 64, height: 64 },
  defaults: { sampler: 'euler', schedule: 'automatic', steps: 1, guidanceScale: 1 },
};

function decodeInit(value: unknown): unknown {
  const init = fieldsOf(value);
  if (!init) return value;
  const bytes = (base64: unknown): unknown =>
    typeof base64 === 'string' ? new Uint8Array(Buffer.from(base64, 'base64')) : base64;
  return { ...init, image: bytes(init['image']), mask: bytes(init['mask']) };
}
