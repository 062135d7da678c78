import type { NUMBER_RANGES, PART_RANGES, WORD_NAMES } from '../../../engine/request-codec.ts';

type Common = {
  /** in orders and choices */
  name: string;
  /** as a command's option is called, and described in English; text/de has the rest */
  option: string;
  description: string;
  /** `--NAME 5` in a prompt, in small letters with hyphens; recipes' labels for it are among them */
  switches: readonly string[];
  /** no option of its own in /imagine: said in `extra`, which proposes these values, or those that its kind has */
  extra?: true | readonly number[];
};

/** One number of a request, or of a field that has parts. */
export type NumberRow = Common & { kind: 'number' } & (
    | { field: keyof typeof NUMBER_RANGES }
    | { part: keyof typeof PART_RANGES }
  );
/** One name of a list. `field`: absent where a model's own stands behind it, see options.ts. */
type ChoiceRow = Common & {
  kind: 'choice';
  names: keyof typeof WORD_NAMES;
  field?: 'profile' | 'emphasis' | 'rng';
};
/** Yes or no; `--NAME` alone is yes. */
type SwitchRow = Common & { kind: 'switch' } & ({ field: 'exact' } | { part: 'init.onlyMasked' });
/** What is read by options.ts; `always`: an order says that it is left out. */
type TextRow = Common & {
  kind: 'text';
  /** as the command takes it */
  longest?: number;
  /** Discord asks for names that begin so */
  completes?: true;
  always?: true;
};

export type Row = NumberRow | ChoiceRow | SwitchRow | TextRow;

/** `title`: as people read it where it was chosen beforehand, in English. */
export type ChosenRow = Row & { title: string };
