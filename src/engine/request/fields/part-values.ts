/** The parts of fields, read from what people typed and from recipes, and written into recipes, as part-options.ts says. */
import type { GenerateRequest } from '../../request.ts';
import { type FieldWithParts, type PartOf, type PartOption, partsOf } from './part-options.ts';
import { fieldsOf, isAbsent, LIMITS, type Problems, real, text, whole } from './request-values.ts';

/**
 * A number that is a part of `field`; what is wrong with it goes to `problems`. `usual` stands in for what the table has,
 * where it is left out.
 * @throws Error where the field has no such number
 */
export function partNumber<Of extends FieldWithParts>(
  problems: Problems,
  field: Of,
  part: PartOf<Of, 'number' | 'whole'>,
  fields: Readonly<Record<string, unknown>>,
  usual?: number,
): number {
  const row = partsOf(field).find((one) => one.part === part);
  if (row?.range === undefined || part === null) throw new Error(`${field} has no ${part}`);
  const read = row.shape === 'whole' ? whole : real;
  const standard = usual ?? row.usual ?? row.range.min;
  return read(problems, row.words, fields[part], standard, row.range);
}

/** What one of SDXL's parts says; undefined: nothing. Sizes and corners are two numbers each. */
export function xlPart(problems: Problems, row: PartOption, value: unknown): unknown {
  if (isAbsent(value)) return undefined;
  if (row.shape === 'text') return text(problems, row.words, value, '');
  const both = fieldsOf(value);
  if (!both) return undefined;
  const keys = row.shape === 'size' ? ['width', 'height'] : ['left', 'top'];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      whole(problems, row.words, both[key] ?? '', 0, { min: 0, max: LIMITS.conditioningSide }),
    ]),
  );
}

/** A recipe's words for the parts of one field that have a label. */
export function partWords(
  request: GenerateRequest,
  field: FieldWithParts,
): Record<string, string | number | null> {
  const whole = request[field];
  return Object.fromEntries(
    partsOf(field).flatMap(({ part, label, unwritten }) => {
      if (label === null) return [];
      const value: unknown = part === null ? whole : Object(whole)[part];
      return [[label, value === unwritten ? null : written(value)]];
    }),
  );
}

function written(value: unknown): string | number | null {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'boolean') return value ? 'True' : null;
  if (typeof value !== 'object' || value === null) return null;
  return Object.values(value).join('x');
}

/** The way back: what `parsed` says of one field, undefined where it says nothing. A size is there as `LABEL-1` and `-2`. */
export function takeParts(
  parsed: Readonly<Record<string, unknown>>,
  field: FieldWithParts,
): Record<string, unknown> | undefined {
  const found: [string, unknown][] = [];
  for (const { part, label, shape } of partsOf(field)) {
    if (label === null) continue;
    const value = parsed[label];
    const [one, two] = [parsed[`${label}-1`], parsed[`${label}-2`]];
    if (shape === 'size' && one !== undefined && part === null) return { width: one, height: two };
    const key = part ?? field;
    if (shape === 'switch' && value === 'True') found.push([key, true]);
    else if (shape === 'size' && one !== undefined) found.push([key, { width: one, height: two }]);
    else if (shape === 'corner' && one !== undefined) found.push([key, { left: one, top: two }]);
    else if (shape === 'text' && value !== undefined) found.push([key, String(value)]);
    else if (['number', 'whole', 'seed'].includes(shape) && value !== undefined) {
      found.push([key, value]);
    }
  }
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
