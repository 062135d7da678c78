/** What people typed, one value at a time: text, numbers, sides, seeds and names, checked and told in sentences. */
import { randomInt } from 'node:crypto';
import { isRecord } from '../../is-record.ts';
import { familyNamed } from '../../families/families.ts';
import type { ModelInfo } from '../../request.ts';
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';

/** What a request may hold, whatever the model. */
export const LIMITS = {
  promptLength: 4000,
  steps: { min: 1, max: 200 },
  guidanceScale: { min: 0, max: 30 },
  /** beyond this nothing but burnt pictures come */
  pagScale: { min: 0, max: 20 },
  /** pixels, each side */
  side: { min: 64, max: 2048 },
  count: { min: 1, max: 9 },
  clipSkip: { min: 1, max: 12 },
  maskBlur: { min: 0, max: 64 },
  hiresScale: { min: 1, max: 4 },
  /** A1111's slider ends there */
  minSigma: { min: 0, max: 15 },
  switchAt: { min: 0.01, max: 1 },
  /** pixels that SDXL may be told of */
  conditioningSide: 16_384,
  seed: { min: 0n, max: 2n ** 64n - 1n },
} as const;

/** Pictures that a model may be shown at once. */
export const MOST_REFERENCES = 16;

/** Whether perturbed-attention guidance is possible. */
export function canPerturb({ family }: Pick<ModelInfo, 'family'>): boolean {
  return familyNamed(family).limits.perturbs;
}

/** A family as people say it. */
export function familyTitle(name: ModelInfo['family']): string {
  return familyNamed(name).title;
}

/** Smaller ones are toys, such as the embedded model. */
const LEAST_NATIVE_SIZE = 256;

/**
 * The model that paints where nobody names one: the first that paints from words alone; what people brought comes before
 * the embedded toy. Undefined where there is none.
 */
export function modelToBeginWith(models: readonly ModelInfo[]): ModelInfo | undefined {
  const painters = models.filter(
    ({ inpainting, edits, family }) => !inpainting && !edits && familyNamed(family).limits.begins,
  );
  const isToy = ({ nativeSize: { width, height } }: ModelInfo): boolean =>
    Math.max(width, height) < LEAST_NATIVE_SIZE;
  return painters.find((model) => !isToy(model)) ?? painters[0] ?? models[0];
}

/** A1111's random seeds stay below this. */
const RANDOM_SEED_LIMIT = 2 ** 32;

/** Sentences about what is wrong, collected over all fields. */
export type Problems = Said[];

/** Null and undefined mean left out. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** Shortened, without line breaks and control characters: safe to repeat in any message. */
export function shown(value: unknown): string {
  const plain = typeof value === 'object' ? 'an object' : nameOf(value);
  const safe = plain.replace(/[\p{Cc}\p{Cf}`@<>]/gu, ' ');
  // By code points, so that no emoji is cut in two.
  const start = Array.from(safe.slice(0, 100)).slice(0, 40).join('');
  return safe.length > start.length ? `"${start}…"` : `"${safe}"`;
}

/** A name or number as text; nothing of an object, whose `toString` may be anything. */
export function nameOf(value: unknown): string {
  return typeof value === 'object' || typeof value === 'function' ? '' : String(value);
}

/** Paths, none of them empty. */
export function files(problems: Problems, field: string, value: unknown): readonly string[] {
  if (isAbsent(value)) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '')) {
    return value as string[];
  }
  problems.push(say('not-text', field, shown(value)));
  return [];
}

/** Text of at most LIMITS.promptLength characters; what is wrong goes to `problems`, and `fallback` comes back. */
export function text(problems: Problems, field: string, value: unknown, fallback: string): string {
  if (isAbsent(value)) return fallback;
  if (typeof value !== 'string') {
    problems.push(say('not-text', field, shown(value)));
  } else if (value.length > LIMITS.promptLength) {
    problems.push(say('text-too-long', field, value.length, LIMITS.promptLength));
  } else return value;
  return fallback;
}

type Range = { readonly min: number; readonly max: number };

/** NaN when the value is no plain decimal number. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  const isDecimal =
    typeof value === 'string' &&
    /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(value);
  return isDecimal ? Number(value) : Number.NaN;
}

/** A number within `range`; what is wrong goes to `problems`, and `fallback` comes back. */
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
  problems.push(say('not-in-range', field, min, max, shown(value)));
  return fallback;
}

/** A whole number within `range`; what is wrong goes to `problems`, and `fallback` comes back. */
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
  problems.push(say('not-whole-in-range', field, min, max, shown(value)));
  return fallback;
}

/**
 * Pixels of a side: a multiple of `factor` within LIMITS.side, no less than `least`; what is wrong goes to `problems`.
 */
export function side(
  problems: Problems,
  field: string,
  value: unknown,
  fallback: number,
  factor: number,
  least: number = LIMITS.side.min,
): number {
  if (isAbsent(value)) return fallback;
  const min = Math.ceil(least / factor) * factor;
  const max = Math.floor(LIMITS.side.max / factor) * factor;
  const number = toNumber(value);
  const isWhole = Number.isInteger(number);
  if (isWhole && number >= min && number <= max && number % factor === 0) return number;
  if (!isWhole || number < min || number > max) {
    problems.push(say('not-a-side', field, factor, min, max, shown(value)));
  } else {
    const below = Math.floor(number / factor) * factor;
    problems.push(
      say('side-off-grid', field, factor, min, max, shown(value), below, below + factor),
    );
  }
  return fallback;
}

/** 0 to 2^64 - 1; a new one below 2^32 where it is left out or -1. */
export function seed(problems: Problems, field: string, value: unknown): bigint {
  if (isAbsent(value)) return randomSeed();
  const digits = typeof value === 'string' ? value.trim() : nameOf(value);
  const fits =
    /^-?\d{1,20}$/.test(digits) && (typeof value !== 'number' || Number.isSafeInteger(value));
  if (fits) {
    const number = BigInt(digits);
    if (number === -1n) return randomSeed();
    if (number >= LIMITS.seed.min && number <= LIMITS.seed.max) return number;
  }
  problems.push(say('not-a-seed', field, String(LIMITS.seed.max), shown(value)));
  return 0n;
}

function randomSeed(): bigint {
  return BigInt(randomInt(RANDOM_SEED_LIMIT));
}

/** One of these names, whatever its letter case; what is wrong goes to `problems`, and `fallback` comes back. */
export function oneOf<T extends string>(
  problems: Problems,
  field: string,
  value: unknown,
  names: readonly T[],
  fallback: T,
): T {
  if (isAbsent(value)) return fallback;
  const found = names.find((name) => name === nameOf(value).trim().toLowerCase());
  if (!found) problems.push(unknownName(field, value, names));
  return found ?? fallback;
}

/** The sentence for a name that there is not: the nearest one, where it was nearly typed, and all there are. */
export function unknownName(field: string, value: unknown, names: readonly string[]): Said {
  const close = nearest(nameOf(value), names);
  const all = names.join(', ');
  return close === null
    ? say('unknown-name', field, shown(value), all)
    : say('nearly-a-name', field, shown(value), close, all);
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

/** Null for what has no fields. */
export function fieldsOf(value: unknown): Record<string, unknown> | null {
  return isRecord(value) ? value : null;
}
