import { randomInt } from 'node:crypto';
import { upscalerNamed } from './labels.ts';
import { UPSCALERS } from './names.ts';
import type { GenerateRequest, HiresFix, InitImage } from './request.ts';

/** What a request may hold, whatever the model. */
export const LIMITS = {
  promptLength: 4000,
  steps: { min: 1, max: 150 },
  guidanceScale: { min: 0, max: 30 },
  /** pixels, each side */
  side: { min: 64, max: 2048 },
  count: { min: 1, max: 9 },
  clipSkip: { min: 1, max: 12 },
  maskBlur: { min: 0, max: 64 },
  hiresScale: { min: 1, max: 4 },
  seed: { min: 0n, max: 2n ** 64n - 1n },
} as const;

/** A1111's random seeds stay below this. */
const RANDOM_SEED_LIMIT = 2 ** 32;

/** Sentences about what is wrong, collected over all fields. */
export type Problems = string[];

export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** Shortened, without line breaks and control characters: safe to repeat in any message. */
export function shown(value: unknown): string {
  const plain = typeof value === 'object' ? 'an object' : String(value);
  const safe = plain.replace(/[\p{Cc}\p{Cf}`@<>]/gu, ' ');
  // By code points, so that no emoji is cut in two.
  const start = Array.from(safe.slice(0, 100)).slice(0, 40).join('');
  return safe.length > start.length ? `"${start}…"` : `"${safe}"`;
}

export function text(problems: Problems, field: string, value: unknown, fallback: string): string {
  if (isAbsent(value)) return fallback;
  if (typeof value !== 'string') {
    problems.push(`${field} must be text, not ${shown(value)}.`);
  } else if (value.length > LIMITS.promptLength) {
    problems.push(
      `${field} has ${value.length} characters; at most ${LIMITS.promptLength} are taken.`,
    );
  } else return value;
  return fallback;
}

type Range = { readonly min: number; readonly max: number };

/** NaN when the value is no plain decimal number. */
function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  const isDecimal =
    typeof value === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value);
  return isDecimal ? Number(value) : Number.NaN;
}

export function real(
  problems: Problems,
  field: string,
  value: unknown,
  fallback: number,
  { min, max }: Range,
): number {
  if (isAbsent(value)) return fallback;
  const number = toNumber(value);
  if (number >= min && number <= max) return number;
  problems.push(`${field} must be a number from ${min} to ${max}, not ${shown(value)}.`);
  return fallback;
}

export function whole(
  problems: Problems,
  field: string,
  value: unknown,
  fallback: number,
  { min, max }: Range,
): number {
  if (isAbsent(value)) return fallback;
  const number = toNumber(value);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  problems.push(`${field} must be a whole number from ${min} to ${max}, not ${shown(value)}.`);
  return fallback;
}

export function side(
  problems: Problems,
  field: string,
  value: unknown,
  fallback: number,
  factor: number,
): number {
  if (isAbsent(value)) return fallback;
  const min = Math.ceil(LIMITS.side.min / factor) * factor;
  const max = Math.floor(LIMITS.side.max / factor) * factor;
  const number = toNumber(value);
  const isWhole = Number.isInteger(number);
  if (isWhole && number >= min && number <= max && number % factor === 0) return number;
  const allowed = `${field} must be a multiple of ${factor} from ${min} to ${max}`;
  if (!isWhole || number < min || number > max) {
    problems.push(`${allowed}, not ${shown(value)}.`);
  } else {
    const below = Math.floor(number / factor) * factor;
    problems.push(
      `${allowed}, not ${shown(value)}; the nearest are ${below} and ${below + factor}.`,
    );
  }
  return fallback;
}

export function seed(problems: Problems, field: string, value: unknown): bigint {
  if (isAbsent(value)) return randomSeed();
  const digits = typeof value === 'string' ? value.trim() : String(value);
  const fits =
    /^-?\d{1,20}$/.test(digits) && (typeof value !== 'number' || Number.isSafeInteger(value));
  if (fits) {
    const number = BigInt(digits);
    if (number === -1n) return randomSeed();
    if (number >= LIMITS.seed.min && number <= LIMITS.seed.max) return number;
  }
  problems.push(
    `${field} must be a whole number from 0 to ${LIMITS.seed.max} or -1 for a random one, not ${shown(value)}.`,
  );
  return 0n;
}

function randomSeed(): bigint {
  return BigInt(randomInt(RANDOM_SEED_LIMIT));
}

export function oneOf<T extends string>(
  problems: Problems,
  field: string,
  value: unknown,
  names: readonly T[],
  fallback: T,
): T {
  if (isAbsent(value)) return fallback;
  const found = names.find((name) => name === String(value).trim().toLowerCase());
  if (!found) problems.push(unknownName(field, value, names));
  return found ?? fallback;
}

export function unknownName(field: string, value: unknown, names: readonly string[]): string {
  const close = nearest(String(value), names);
  const hint = close ? ` Did you mean ${close}?` : '';
  return `${field} ${shown(value)} is not known.${hint} There are ${names.join(', ')}.`;
}

/** The name with the fewest edits, when that is few enough to have been meant. */
function nearest(value: string, names: readonly string[]): string | null {
  const wanted = value.toLowerCase().slice(0, 40);
  let best: { name: string; edits: number } | null = null;
  for (const name of names) {
    const edits = editDistance(wanted, name);
    if (!best || edits < best.edits) best = { name, edits };
  }
  return best && best.edits <= Math.max(2, best.name.length / 3) ? best.name : null;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

export function fieldsOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
}

export function variation(problems: Problems, value: unknown): GenerateRequest['variation'] {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  if (!fields) {
    problems.push(`variation must have a seed and a strength, not ${shown(value)}.`);
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
    problems.push(`seed resize must have a width and a height, not ${shown(value)}.`);
    return null;
  }
  // A1111 writes 0x0 for "off".
  if (toNumber(fields['width']) === 0 || toNumber(fields['height']) === 0) return null;
  return {
    width: side(problems, 'seed resize width', fields['width'] ?? '', 0, factor),
    height: side(problems, 'seed resize height', fields['height'] ?? '', 0, factor),
  };
}

export function initImage(problems: Problems, value: unknown): InitImage | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  const image = fields?.['image'];
  const mask = fields?.['mask'] ?? null;
  if (!fields || !(image instanceof Uint8Array)) {
    problems.push('init image must be the bytes of a picture.');
    return null;
  }
  if (mask !== null && !(mask instanceof Uint8Array)) {
    problems.push('mask must be the bytes of a picture.');
    return null;
  }
  return {
    image,
    strength: real(problems, 'strength', fields['strength'], 0.75, { min: 0, max: 1 }),
    mask,
    maskBlur: real(problems, 'mask blur', fields['maskBlur'], 4, LIMITS.maskBlur),
    onlyMasked: fields['onlyMasked'] === true,
  };
}

/** `first` is the pass that comes before: its size is enlarged, and its steps are taken where none are named. */
export function hiresFix(
  problems: Problems,
  value: unknown,
  first: Pick<GenerateRequest, 'width' | 'height' | 'steps' | 'init'>,
): HiresFix | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  if (!fields) {
    problems.push(
      `hires must have a scale, steps, a strength and an upscaler, not ${shown(value)}.`,
    );
    return null;
  }
  const scale = real(problems, 'hires scale', fields['scale'], 2, LIMITS.hiresScale);
  const longest = Math.floor(Math.max(first.width, first.height) * scale);
  if (longest > LIMITS.side.max) {
    problems.push(
      `hires scale ${scale} makes a side of ${longest} pixels; at most ${LIMITS.side.max} are painted. ` +
        'Choose a smaller scale or size.',
    );
  }
  if (first.init !== null) {
    problems.push(
      'hires fix enlarges what was painted from text alone; with a start picture, choose a larger size instead.',
    );
  }
  // A1111 writes 0 for "as many as the first pass".
  const steps = toNumber(fields['steps']) === 0 ? null : fields['steps'];
  return {
    scale,
    steps: whole(problems, 'hires steps', steps, first.steps, LIMITS.steps),
    strength: real(problems, 'hires strength', fields['strength'], 0.7, { min: 0, max: 1 }),
    upscaler: upscaler(problems, fields['upscaler']),
  };
}

function upscaler(problems: Problems, value: unknown): HiresFix['upscaler'] {
  if (isAbsent(value)) return 'latent';
  const found = upscalerNamed(String(value));
  if (!found) problems.push(unknownName('hires upscaler', value, UPSCALERS));
  return found ?? 'latent';
}
