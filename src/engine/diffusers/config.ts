import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';

/** Reads options of a scheduler_config.json; a value of the wrong kind is named to the person. */

export type SchedulerConfig = Readonly<Record<string, unknown>>;

function wrong(key: string, wanted: string, found: unknown): UserError {
  return new UserError(say('scheduler-option', key, wanted, JSON.stringify(found)));
}

/**
 * A number of a scheduler's config, `fallback` where it is left out; infinities may come as words.
 * @throws UserError for anything else
 */
export function numberOption(config: SchedulerConfig, key: string, fallback: number): number {
  const value = config[key] ?? fallback;
  // Python writes infinities as strings or bare words; JSON readers hand them on as strings.
  if (value === 'Infinity' || value === 'inf') return Number.POSITIVE_INFINITY;
  if (value === '-Infinity' || value === '-inf') return Number.NEGATIVE_INFINITY;
  if (typeof value !== 'number' || Number.isNaN(value)) throw wrong(key, '0.0', value);
  return value;
}

/** a number, or null where the config leaves it out or says null */
export function optionalNumber(config: SchedulerConfig, key: string): number | null {
  return (config[key] ?? null) === null ? null : numberOption(config, key, 0);
}

/** A yes or no of a scheduler's config. @throws UserError for anything else */
export function flag(config: SchedulerConfig, key: string, fallback: boolean): boolean {
  const value = config[key] ?? fallback;
  if (typeof value !== 'boolean') throw wrong(key, 'true, false', value);
  return value;
}

/** @param others values of other scheduler classes, read as the given one of this class */
export function choice<T extends string>(
  config: SchedulerConfig,
  key: string,
  allowed: readonly T[],
  fallback: T,
  others: Readonly<Record<string, T>> = {},
): T {
  const value = config[key] ?? fallback;
  const known = allowed.find((name) => name === value);
  if (known !== undefined) return known;
  const translated = typeof value === 'string' ? others[value] : undefined;
  if (translated !== undefined) return translated;
  throw wrong(key, allowed.join(', '), value);
}
