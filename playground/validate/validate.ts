import type { FieldError } from '../rest/api-error.ts';
import { invalidForm } from '../rest/api-error.ts';

type Path = readonly (string | number)[];
export type Fields = Readonly<Record<string, unknown>>;

/** Collects complaints by field; `finish` throws them all at once as Discord's 50035. */
export type Checks = {
  fail(path: Path, code: string, message: string): void;
  /** A text of `least` to `most` characters; absent (undefined or null) passes unless `required`. */
  text(path: Path, value: unknown, least: number, most: number, required?: boolean): void;
  integer(path: Path, value: unknown, least: number, most: number): void;
  /** The list, or an empty one after a complaint. */
  list(path: Path, value: unknown, least: number, most: number): readonly unknown[];
  /** The object, or null after a complaint. */
  object(path: Path, value: unknown): Fields | null;
  finish(): void;
};

/**
 * Starts an empty list of faults and the checks that add to it, worded as Discord words them. `value`s that are
 * missing pass unless they are required.
 */
export function startChecks(): Checks {
  const found: FieldError[] = [];
  const fail = (path: Path, code: string, message: string): void =>
    void found.push({ path, code, message });
  return {
    fail,
    text(path, value, least, most, required = false) {
      if (value === undefined || value === null) {
        if (required) fail(path, 'BASE_TYPE_REQUIRED', 'This field is required');
        return;
      }
      if (typeof value !== 'string') {
        return fail(path, 'STRING_TYPE_CONVERT', `Could not interpret "${show(value)}" as string.`);
      }
      const length = [...value].length;
      if (length < least && least === 1) {
        fail(path, 'BASE_TYPE_REQUIRED', 'This field is required');
      } else if (length < least || length > most) {
        fail(path, ...tooLong(least, most, 'length'));
      }
    },
    integer(path, value, least, most) {
      if (value === undefined || value === null) return;
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
        return fail(path, 'NUMBER_TYPE_COERCE', `Value "${show(value)}" is not int.`);
      }
      if (value > most) {
        fail(path, 'NUMBER_TYPE_MAX', `int value should be less than or equal to ${most}.`);
      }
      if (value < least) {
        fail(path, 'NUMBER_TYPE_MIN', `int value should be greater than or equal to ${least}.`);
      }
    },
    list(path, value, least, most) {
      if (!Array.isArray(value)) {
        fail(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
        return [];
      }
      if (value.length < least || value.length > most) {
        fail(path, ...tooLong(least, most, 'length'));
      }
      return value;
    },
    object(path, value) {
      if (isFields(value)) return value;
      fail(path, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
      return null;
    },
    finish() {
      if (found.length > 0) throw invalidForm(found);
    },
  };
}

/** Is it an object with fields, neither null nor a list? */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function tooLong(least: number, most: number, what: string): [code: string, message: string] {
  return least > 0
    ? ['BASE_TYPE_BAD_LENGTH', `Must be between ${least} and ${most} in ${what}.`]
    : ['BASE_TYPE_MAX_LENGTH', `Must be ${most} or fewer in ${what}.`];
}
