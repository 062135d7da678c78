/**
 * The fields of a request that are one number, each told once: how it is called, what it may be, what it is where nobody
 * says, by which label recipes hold it and by which flag the command line takes it. Requests are read, recipes written
 * and read, stored rows and command lines understood from here. Names, texts and switches are in word-options.ts.
 */
import type { GenerateRequest, ModelInfo, RequestInput } from '../../request.ts';
import { LIMITS, type Problems, isAbsent, real, whole } from './request-values.ts';

export type NumberOption = {
  /** its key in a request, in inputs and in stored rows */
  key: keyof GenerateRequest;
  /** as sentences call it */
  words: string;
  whole: boolean;
  range: { readonly min: number; readonly max: number };
  /** where it is left out; null: nothing stands in its place, and the sampler or the network decides */
  usual: (model: ModelInfo) => number | null;
  /** of `--flag N` */
  flag: string;
  /** what `--help` says of it; absent: it stands among the others in one line */
  help?: string;
  /** of the field line of a recipe; null: what it does is told in another way there */
  label: string | null;
  /** this value is not written, and a recipe without the label means it */
  unwritten?: number;
};

const SHARE = { min: 0, max: 1 };

/** Fields that every request has; `eta` may be null there. */
const FIXED = [
  {
    key: 'count',
    words: 'count',
    whole: true,
    range: LIMITS.count,
    usual: () => 1,
    flag: 'count',
    help: 'pictures in one go, 1-9 (1)',
    label: null,
  },
  {
    key: 'steps',
    words: 'steps',
    whole: true,
    range: LIMITS.steps,
    usual: ({ defaults }) => defaults.steps,
    flag: 'steps',
    help: "1-200 (the model's own number); auto: what calibrate found",
    label: 'Steps',
  },
  {
    key: 'guidanceScale',
    words: 'guidance scale (cfg)',
    whole: false,
    range: LIMITS.guidanceScale,
    usual: ({ defaults }) => defaults.guidanceScale,
    flag: 'cfg',
    help: 'guidance scale, 0-30; 1 is without guidance',
    label: 'CFG scale',
  },
  {
    key: 'clipSkip',
    words: 'clip skip',
    whole: true,
    range: LIMITS.clipSkip,
    usual: ({ defaults }) => defaults.clipSkip ?? 1,
    flag: 'clip-skip',
    label: 'Clip skip',
    unwritten: 1,
  },
  {
    key: 'etaNoiseSeedDelta',
    words: 'eta noise seed delta (ENSD)',
    whole: true,
    range: { min: 0, max: 2 ** 32 - 1 },
    usual: () => 0,
    flag: 'ensd',
    label: 'ENSD',
    unwritten: 0,
  },
  {
    key: 'guidanceRescale',
    words: 'guidance rescale',
    whole: false,
    range: SHARE,
    usual: () => 0,
    flag: 'cfg-rescale',
    label: 'CFG rescale',
    unwritten: 0,
  },
] as const satisfies readonly NumberOption[];

/** Fields that stand in a request only where they say something. */
const OPTIONAL = [
  {
    // A1111 has two labels for it: see infotext.ts
    key: 'eta',
    words: 'eta',
    whole: false,
    range: SHARE,
    usual: () => null,
    flag: 'eta',
    label: null,
  },
  {
    key: 'distilledGuidance',
    words: 'distilled cfg',
    whole: false,
    range: LIMITS.guidanceScale,
    usual: () => null,
    flag: 'distilled-cfg',
    help: 'what Flux dev is told of guidance (3.5; Fill 30); --cfg is true guidance',
    // Forge's
    label: 'Distilled CFG Scale',
  },
  {
    key: 'imageGuidanceScale',
    words: 'image cfg',
    whole: false,
    range: LIMITS.guidanceScale,
    usual: ({ edits }) => (edits ? 1.5 : null),
    flag: 'image-cfg',
    help: 'how strictly InstructPix2Pix keeps to the picture it edits, 0-30 (1.5)',
    label: 'Image CFG scale',
  },
  {
    key: 'textLength',
    words: 'text length',
    whole: true,
    range: { min: 16, max: 1024 },
    usual: () => null,
    flag: 'text-length',
    help: 'tokens that a text is filled up to (Flux, FLUX.2, SD 3)',
    label: 'Text length',
  },
  {
    key: 'flowShift',
    words: 'shift',
    whole: false,
    // of a flow's noise levels; 3 and 6 are usual
    range: { min: 0.1, max: 20 },
    usual: () => null,
    flag: 'shift',
    help: "how far a flow's noise levels are shifted, 0.1-20 (the model's own)",
    label: 'Shift',
  },
  {
    key: 'cfgNormalization',
    words: 'cfg normalization',
    whole: false,
    range: { min: 0, max: 10 },
    usual: () => null,
    flag: 'cfg-normalization',
    help: "the guided answer no longer than X times the prompt's own (Z-Image)",
    label: 'CFG normalization',
  },
  {
    key: 'cfgTruncation',
    words: 'cfg truncation',
    whole: false,
    range: SHARE,
    usual: () => null,
    flag: 'cfg-truncation',
    help: 'leaves the negative prompt out behind this share of the way (Z-Image)',
    label: 'CFG truncation',
  },
] as const satisfies readonly NumberOption[];

/** What no request may have where its model cannot do it, so that request-fields.ts reads it. */
const CHECKED = [
  {
    key: 'pagScale',
    words: 'pag scale',
    whole: false,
    range: LIMITS.pagScale,
    usual: ({ defaults }) => defaults.pagScale ?? 0,
    flag: 'pag',
    help: 'perturbed-attention guidance, 0-20: cleaner shapes for half as much time again (3 is usual)',
    // read with the labels of other programs: see recipe/infotext-extras.ts
    label: null,
  },
] as const satisfies readonly NumberOption[];

type FixedKey = (typeof FIXED)[number]['key'];
type OptionalKey = (typeof OPTIONAL)[number]['key'];

export const NUMBER_OPTIONS: readonly NumberOption[] = [...FIXED, ...OPTIONAL, ...CHECKED];

/** One of them by its key. @throws Error where there is none */
export function numberOption(key: NumberKey): NumberOption {
  const found = NUMBER_OPTIONS.find((option) => option.key === key);
  if (found === undefined) throw new Error(`no number is called ${key}`);
  return found;
}

/** The value of one; what is wrong with it goes to `problems`. */
export function readNumber(
  problems: Problems,
  { words, range, usual, ...option }: NumberOption,
  value: unknown,
  model: ModelInfo,
): number | null {
  const standard = usual(model);
  if (isAbsent(value)) return standard;
  const read = option.whole ? whole : real;
  return read(problems, words, value, standard ?? range.min, range);
}

/**
 * Reads all numbers that every request has; what is not said is the model's default. Bad ones are added to
 * `problems`.
 */
export function fixedNumbers(
  problems: Problems,
  input: RequestInput,
  model: ModelInfo,
): Pick<GenerateRequest, FixedKey> {
  const entries = FIXED.map((option) => [
    option.key,
    readNumber(problems, option, input[option.key], model),
  ]);
  return Object.fromEntries(entries) as Pick<GenerateRequest, FixedKey>;
}

/** Those that were given, or that the model has a usual value of. */
export function optionalNumbers(
  problems: Problems,
  input: RequestInput,
  model: ModelInfo,
): { [K in OptionalKey]?: number } {
  const given = OPTIONAL.filter(({ key, usual }) => !isAbsent(input[key]) || usual(model) !== null);
  return Object.fromEntries(
    given.map((option) => [option.key, readNumber(problems, option, input[option.key], model)]),
  );
}

/** A recipe's words for those that have a label. */
export function numberWords(request: GenerateRequest): Record<string, number | null> {
  const labelled = NUMBER_OPTIONS.filter(({ label }) => label !== null);
  return Object.fromEntries(
    labelled.map(({ key, label, unwritten }) => {
      const value = (request[key] ?? null) as number | null;
      return [label, value === unwritten ? null : value];
    }),
  );
}

/** The way back: `parsed` by label. */
export function takeNumbers(parsed: Readonly<Record<string, unknown>>, input: RequestInput): void {
  for (const { key, label } of NUMBER_OPTIONS) {
    if (label !== null && parsed[label] !== undefined) input[key] = parsed[label];
  }
}

/** A line of `--help` for each that has one, and one line of all the others. */
export function numberHelp(): { lines: string; others: string } {
  const named = NUMBER_OPTIONS.map(({ flag, whole: isWhole, help }) => ({
    flag: `--${flag} ${flag === 'steps' ? 'N|auto' : isWhole ? 'N' : 'X'}`,
    help,
  }));
  const lines = named.filter(({ help }) => help !== undefined);
  return {
    lines: lines.map(({ flag, help }) => `  ${flag.padEnd(23)} ${help}`).join('\n'),
    others: named
      .filter(({ help }) => help === undefined)
      .map(({ flag }) => flag)
      .join('  '),
  };
}

/** Flag -> key of a request. */
export const NUMBER_FLAGS: Readonly<Record<string, keyof RequestInput>> = Object.fromEntries(
  NUMBER_OPTIONS.map(({ flag, key }) => [flag, key]),
);

type NumberKey = FixedKey | OptionalKey | (typeof CHECKED)[number]['key'];

/** What each may be. */
export const NUMBER_RANGES = Object.fromEntries(
  NUMBER_OPTIONS.map(({ key, range, whole: isWhole }) => [key, { ...range, whole: isWhole }]),
) as Readonly<Record<NumberKey, { min: number; max: number; whole: boolean }>>;
