/** Requests as JSON and back, for a database row or a file. */
import { PLAIN_FAMILY } from '../families/families.ts';
import { parseAccepted } from '../request-codec.ts';
import { fieldsOf, shown } from './fields/request-values.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../request.ts';

export const STORED_VERSION = 1;
/** Those that decodeRequest reads: a newer program reads what an older one has ordered. */
export const READ_VERSIONS: readonly number[] = [STORED_VERSION];
/** Fields that every stored request has; younger ones may be absent. */
export const REQUEST_KEYS = [
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

const NULLABLE: ReadonlySet<string> = new Set([
  'sampler',
  'variation',
  'seedResize',
  'eta',
  'init',
]);

/** Seeds as decimal strings, pictures as base64. */
export function encodeRequest(request: GenerateRequest): string {
  const { seed: ownSeed, variation: varied, init, each, references } = request;
  return JSON.stringify({
    version: STORED_VERSION,
    ...request,
    seed: ownSeed.toString(),
    ...(each && { each: each.map((own) => ({ ...own, seed: own.seed.toString() })) }),
    variation: varied && { ...varied, seed: varied.seed.toString() },
    ...(references && { references: references.map(toBase64) }),
    init: init && { ...init, image: toBase64(init.image), mask: init.mask && toBase64(init.mask) },
  });
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * The way back.
 * @throws Error for another version, a missing field or a value no request may hold
 */
export function decodeRequest(json: string): GenerateRequest {
  let fields: Record<string, unknown> | null;
  try {
    fields = fieldsOf(JSON.parse(json));
  } catch {
    throw new Error(`not a stored request: ${shown(json)} is not JSON`);
  }
  if (fields === null || !READ_VERSIONS.includes(Number(fields['version']))) {
    throw new Error(
      `not a stored request of version ${STORED_VERSION}: its version is ${shown(fields?.['version'])}`,
    );
  }
  const missing = REQUEST_KEYS.filter(
    (key) => fields[key] === undefined || (fields[key] === null && !NULLABLE.has(key)),
  );
  if (missing.length > 0) throw new Error(`stored request without ${missing.join(', ')}`);
  const input: RequestInput = { ...fields };
  input.init = decodeInit(fields['init']);
  input.references = decodeReferences(fields['references']);
  try {
    // One that was accepted stays what it is, whatever networks there are now.
    const upscaler = fieldsOf(fields['hires'])?.['upscaler'];
    const upscalers = typeof upscaler === 'string' ? [upscaler] : [];
    const request = parseAccepted(input, { ...STORED, upscalers });
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
  family: PLAIN_FAMILY,
  inpainting: false,
  sizeFactor: 1,
  leastSide: 32,
  nativeSize: { width: 64, height: 64 },
  defaults: { sampler: 'euler', schedule: 'automatic', steps: 1, guidanceScale: 1 },
};

function decodeReferences(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each) =>
    typeof each === 'string' ? new Uint8Array(Buffer.from(each, 'base64')) : each,
  );
}

function decodeInit(value: unknown): unknown {
  const init = fieldsOf(value);
  if (!init) return value;
  const bytes = (base64: unknown): unknown =>
    typeof base64 === 'string' ? new Uint8Array(Buffer.from(base64, 'base64')) : base64;
  return { ...init, image: bytes(init['image']), mask: bytes(init['mask']) };
}
