/**
 * The options of a picture on Discord that are one number, each told once: how it is called in commands, in prompts and
 * in what is chosen beforehand. What it may be, the engine's table says.
 */
import { NUMBER_RANGES } from '../../engine/request-codec.ts';
import type { RequestInput } from '../../engine/request.ts';

type Row = {
  /** in orders and choices */
  name: string;
  /** of a request */
  field: keyof typeof NUMBER_RANGES;
  /** as a command's option is called, and described in English; text/de has the rest */
  option: string;
  description: string;
  /** servers, presets and people may choose it beforehand */
  beforehand: boolean;
  /** `--NAME 5` in a prompt, in small letters with hyphens */
  switches: readonly string[];
};

export const PICTURE_NUMBERS = [
  {
    name: 'cfg',
    field: 'guidanceScale',
    option: 'cfg',
    description: 'How strictly the prompt is followed; 5 to 9 is usual',
    beforehand: true,
    switches: ['cfg', 'cfg-scale', 'guidance', 'guidance-scale'],
  },
  {
    name: 'count',
    field: 'count',
    option: 'count',
    description: 'How many pictures',
    beforehand: true,
    switches: ['count', 'n', 'n-iter', 'batch-size', 'repeat', 'r'],
  },
  {
    name: 'clipSkip',
    field: 'clipSkip',
    option: 'clip_skip',
    description: 'Which layer of the text encoder is read: 1 the last, 2 the one before it',
    beforehand: true,
    switches: ['clip-skip', 'clipskip'],
  },
  {
    name: 'pag',
    field: 'pagScale',
    option: 'pag',
    description: 'Perturbed-attention guidance, for shapes that hold together; 0 none, 3 is usual',
    beforehand: true,
    switches: ['pag', 'pag-scale'],
  },
  {
    name: 'eta',
    field: 'eta',
    option: 'eta',
    description: 'How much fresh noise DDIM and ancestral samplers add each step',
    beforehand: false,
    switches: ['eta'],
  },
  {
    name: 'rescale',
    field: 'guidanceRescale',
    option: 'rescale',
    description: 'Guidance rescale, against burnt colours at high cfg; 0.7 is usual',
    beforehand: false,
    switches: ['rescale', 'cfg-rescale'],
  },
  {
    name: 'imageCfg',
    field: 'imageGuidanceScale',
    option: 'image_cfg',
    description: 'How strictly a model that edits keeps to the picture; 1.5 is usual',
    beforehand: false,
    switches: ['image-cfg', 'image-cfg-scale'],
  },
] as const satisfies readonly Row[];

type Rows = (typeof PICTURE_NUMBERS)[number];
export type NumberName = Rows['name'];
/** Those that may be chosen beforehand. */
export type ChosenNumber = Extract<Rows, { beforehand: true }>['name'];

export type PictureNumber = Row & { name: NumberName };

export function pictureNumber(name: string): PictureNumber | undefined {
  return PICTURE_NUMBERS.find((row) => row.name === name);
}

export const CHOSEN_NUMBERS: readonly ChosenNumber[] = PICTURE_NUMBERS.filter(
  (row) => row.beforehand,
).map(({ name }) => name);

/** What it may be. */
export function rangeOf(name: NumberName): { min: number; max: number; whole: boolean } {
  const field = pictureNumber(name)?.field;
  if (field === undefined) throw new Error(`no number is called ${name}`);
  return NUMBER_RANGES[field];
}

export function isChosenNumber(name: string): name is ChosenNumber {
  return CHOSEN_NUMBERS.some((one) => one === name);
}

/** The number of a field of a request that may be chosen beforehand; null where there is none. */
export function chosenNumberOf(
  field: string | undefined,
): { name: ChosenNumber; field: Row['field'] } | null {
  const row = PICTURE_NUMBERS.find((one) => one.field === field);
  return row !== undefined && row.beforehand ? row : null;
}

/** Whether a stored value may be that number. */
export function isNumberOf(name: NumberName, value: unknown): boolean {
  const { min, max } = rangeOf(name);
  return typeof value === 'number' && value >= min && value <= max;
}

type Numbers = { readonly [K in NumberName]?: number | null };

/** As fields of a request: what was said, else what was chosen beforehand; absent where neither says anything. */
export function numbersOf(said: Numbers, chosen: Numbers = {}): RequestInput {
  const fields: RequestInput = {};
  for (const { name, field } of PICTURE_NUMBERS) {
    const value = said[name] ?? chosen[name];
    if (value !== undefined && value !== null) fields[field] = value;
  }
  return fields;
}

/** `of`: the number that was given to a command's option of this name, null for none. */
export function typedNumbers(of: (option: string) => number | null): {
  [K in NumberName]?: number;
} {
  const typed = PICTURE_NUMBERS.map(({ name, option }) => [name, of(option)] as const);
  return Object.fromEntries(typed.filter(([, value]) => value !== null));
}
