/** What people said by the options of table.ts: read from a command, checked where it was stored, laid into a request. */
import { LIMITS, NUMBER_RANGES, PART_RANGES, WORD_NAMES } from '../../engine/request-codec.ts';
import type { RequestInput } from '../../engine/request.ts';
import type { NumberRow } from './rows/row.ts';
import { OPTION_ROWS, type OptionName, type OptionRow, type TypedOptions } from './table.ts';

type Values = { readonly [K in OptionName]?: unknown };

/** What a number may be. */
export function rangeOf(row: NumberRow): { min: number; max: number; whole: boolean } {
  return 'part' in row ? PART_RANGES[row.part] : NUMBER_RANGES[row.field];
}

/** `of`: what was given to a command's option of this name, null for nothing. */
export function typedOptions(
  of: (option: string) => string | number | boolean | null,
): TypedOptions {
  const typed = OPTION_ROWS.filter(({ name }) => name !== 'steps').map((row) => {
    const value = of(row.option);
    return [row.name, fits(row, value) ? value : null] as const;
  });
  return Object.fromEntries(typed) as TypedOptions;
}

function fits({ kind }: OptionRow, value: unknown): boolean {
  if (kind === 'number') return typeof value === 'number';
  return kind === 'switch' ? typeof value === 'boolean' : typeof value === 'string';
}

/** Whether a stored value may be what was chosen for it. Sizes and steps are more than one row tells. */
export function mayBeChosen(row: OptionRow, value: unknown): boolean {
  switch (row.kind) {
    case 'number': {
      const { min, max } = rangeOf(row);
      return typeof value === 'number' && value >= min && value <= max;
    }
    case 'choice':
      return WORD_NAMES[row.names].some((name) => name === value);
    case 'switch':
      return typeof value === 'boolean';
    case 'text':
      return typeof value === 'string' && value.length <= longestOf(row);
  }
}

/** Of names, twice what a command takes: a stored one may be a file's that was chosen from a menu. */
function longestOf({ longest }: Extract<OptionRow, { kind: 'text' }>): number {
  return longest === undefined ? LIMITS.promptLength : 2 * longest;
}

/** As fields of a request: what was said, else what was chosen beforehand; absent where neither says anything. */
export function optionFields(said: Values, chosen: Values = {}): RequestInput {
  const fields: RequestInput = {};
  for (const row of OPTION_ROWS) {
    if (!('field' in row) || row.field === undefined) continue;
    const value = said[row.name] ?? chosen[row.name];
    if (value !== undefined && value !== null) fields[row.field] = value;
  }
  return fields;
}
