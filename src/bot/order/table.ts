/**
 * The options of a picture on Discord, each told once (rows/): how it is called in commands, in prompts and in what is
 * chosen beforehand. What it may be, the engine's tables say. Orders, choices, presets, settings and the commands'
 * definitions are typed and read from here.
 */
import type { NUMBER_RANGES, WORD_NAMES } from '../../engine/request-codec.ts';
import { CHOSEN_ROWS } from './rows/chosen-rows.ts';
import { PICTURE_ROWS } from './rows/picture-rows.ts';
import type { Row } from './rows/row.ts';

const ROWS = [...CHOSEN_ROWS, ...PICTURE_ROWS] as const;

type Rows = (typeof ROWS)[number];
type Chosen = (typeof CHOSEN_ROWS)[number];
type Named<R, Kind> = Extract<R, { kind: Kind }>;

export type OptionName = Rows['name'];
export type NumberName = Named<Rows, 'number'>['name'];
export type SwitchName = Named<Rows, 'switch'>['name'];
type AlwaysText = Extract<Rows, { always: true }>['name'] | 'sampler' | 'schedule';
type OtherText = Exclude<
  Named<Rows, 'text' | 'choice'>['name'],
  AlwaysText | 'steps' // typed as text, meant as a number
>;

export type OptionRow = Row & { name: OptionName };
export const OPTION_ROWS: readonly OptionRow[] = ROWS;

/** What /imagine takes in its option `extra`: Discord allows it twenty-five of its own. */
export const EXTRA_ROWS: readonly OptionRow[] = OPTION_ROWS.filter(
  ({ extra }) => extra !== undefined,
);

/** What was given to a command's options, or typed into a prompt; null: left out. */
export type TypedOptions = { [K in AlwaysText]: string | null } & {
  [K in OtherText]?: string | null;
} & { [K in NumberName]?: number | null } & { [K in SwitchName]?: boolean | null };

/** What may be chosen beforehand, by the kinds of values that need nothing else to be understood. */
export type ChosenOptions = { [K in Named<Chosen, 'number'>['name']]?: number } & {
  [K in Named<Chosen, 'switch'>['name']]?: boolean;
} & {
  [R in Named<Chosen, 'choice'> as R['name']]?: (typeof WORD_NAMES)[R['names']][number];
} & { [K in Exclude<Named<Chosen, 'text'>['name'], 'size' | 'steps'>]?: string };

export type ChosenName = Chosen['name'];

export const CHOSEN_NAMES: readonly ChosenName[] = CHOSEN_ROWS.map(({ name }) => name);

/** English; the other languages have their own. */
export const CHOSEN_TITLES = Object.fromEntries(
  CHOSEN_ROWS.map(({ name, title }) => [name, title]),
) as Readonly<Record<ChosenName, string>>;

/** The row of an option. @throws Error where there is none */
export function optionRow(name: OptionName): OptionRow {
  const found = OPTION_ROWS.find((row) => row.name === name);
  if (found === undefined) throw new Error(`no option is called ${name}`);
  return found;
}

/** The option that may be chosen beforehand for a number of a request; null where there is none. */
export function chosenNumberOf(
  field: string | undefined,
): { name: Named<Chosen, 'number'>['name']; field: keyof typeof NUMBER_RANGES } | null {
  const row = CHOSEN_ROWS.find((one) => 'field' in one && one.field === field);
  return row?.kind === 'number' ? row : null;
}
