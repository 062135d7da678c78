/**
 * The options of a picture on Discord, each told once: how it is called in commands, in prompts and in what is chosen
 * beforehand. What it may be, the engine's tables say. Orders, choices, presets, settings and the commands' definitions
 * are typed and read from here.
 */
import type { NUMBER_RANGES, PART_RANGES, WORD_NAMES } from '../../engine/request-codec.ts';

type Common = {
  /** in orders and choices */
  name: string;
  /** as a command's option is called, and described in English; text/de has the rest */
  option: string;
  description: string;
  /** as people read it where it was chosen beforehand, in English; null: it may not be */
  title: string | null;
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

type Row = NumberRow | ChoiceRow | SwitchRow | TextRow;

/** In the order in which choices are shown. */
const ROWS = [
  {
    kind: 'text',
    name: 'model',
    option: 'model',
    description: 'Which model paints',
    title: 'Model',
    switches: ['model', 'sd-model', 'checkpoint'],
    longest: 100,
    completes: true,
    always: true,
  },
  {
    kind: 'choice',
    name: 'sampler',
    names: 'sampler',
    option: 'sampler',
    description: 'The path from noise to picture',
    title: 'Sampler',
    switches: ['sampler', 'sampler-name'],
  },
  {
    kind: 'choice',
    name: 'schedule',
    names: 'schedule',
    option: 'schedule',
    description: 'How the noise levels are spaced',
    title: 'Schedule',
    switches: ['schedule', 'scheduler'],
  },
  // A text, so that "auto" can be sent before Discord has shown it as a choice.
  {
    kind: 'text',
    name: 'steps',
    option: 'steps',
    description: 'How often the picture is refined; 20 to 30 is usual, auto takes as few as it can',
    title: 'Steps',
    switches: ['steps'],
    longest: 10,
    completes: true,
  },
  {
    kind: 'number',
    name: 'cfg',
    field: 'guidanceScale',
    option: 'cfg',
    description: 'How strictly the prompt is followed; 5 to 9 is usual',
    title: 'CFG',
    switches: ['cfg', 'cfg-scale', 'guidance', 'guidance-scale'],
  },
  {
    kind: 'text',
    name: 'size',
    option: 'size',
    description: 'Pixels (512x768), a ratio (16:9), or square, portrait, landscape, tall, wide',
    title: 'Size',
    switches: ['ar', 'aspect', 'aspect-ratio', 'size'],
    longest: 40,
    completes: true,
    always: true,
  },
  {
    kind: 'number',
    name: 'count',
    field: 'count',
    option: 'count',
    description: 'How many pictures',
    title: 'Count',
    switches: ['count', 'n', 'n-iter', 'batch-size', 'repeat', 'r'],
  },
  {
    kind: 'number',
    name: 'clipSkip',
    field: 'clipSkip',
    option: 'clip_skip',
    description: 'Which layer of the text encoder is read: 1 the last, 2 the one before it',
    title: 'Clip skip',
    switches: ['clip-skip', 'clipskip'],
  },
  {
    kind: 'number',
    name: 'pag',
    field: 'pagScale',
    option: 'pag',
    description: 'Perturbed-attention guidance, for shapes that hold together; 0 none, 3 is usual',
    title: 'PAG',
    switches: ['pag', 'pag-scale'],
    extra: [0, 1, 3, 5],
  },
  {
    kind: 'text',
    name: 'negative',
    option: 'negative',
    description: 'What should not be in it',
    title: 'Negative prompt',
    switches: ['no', 'neg', 'negative', 'negative-prompt'],
    always: true,
  },
  {
    kind: 'text',
    name: 'vae',
    option: 'vae',
    description: "Which VAE turns latents into pixels; automatic is the model's own",
    title: 'VAE',
    switches: ['vae', 'sd-vae'],
    longest: 100,
    completes: true,
    extra: true,
  },
  {
    kind: 'switch',
    name: 'exact',
    field: 'exact',
    option: 'exact',
    description: "Painted alone, never together with other people's pictures",
    title: 'Painted alone',
    switches: ['exact'],
    extra: true,
  },
  {
    kind: 'text',
    name: 'seed',
    option: 'seed',
    description: 'The same seed gives the same picture; left out: a new one',
    title: null,
    switches: ['seed'],
    longest: 40,
    always: true,
  },
  {
    kind: 'number',
    name: 'eta',
    field: 'eta',
    option: 'eta',
    description: 'How much fresh noise DDIM and ancestral samplers add each step',
    title: null,
    switches: ['eta', 'eta-ddim'],
    extra: [0, 0.5, 1],
  },
  {
    kind: 'number',
    name: 'rescale',
    field: 'guidanceRescale',
    option: 'rescale',
    description: 'Guidance rescale, against burnt colours at high cfg; 0.7 is usual',
    title: null,
    switches: ['rescale', 'cfg-rescale'],
  },
  {
    kind: 'number',
    name: 'imageCfg',
    field: 'imageGuidanceScale',
    option: 'image_cfg',
    description: 'How strictly a model that edits keeps to the picture; 1.5 is usual',
    title: null,
    switches: ['image-cfg', 'image-cfg-scale'],
    extra: [1, 1.5, 2],
  },
  {
    kind: 'number',
    name: 'strength',
    part: 'init.strength',
    option: 'strength',
    description: 'How much of the start picture is repainted: 0 nothing, 1 everything',
    title: null,
    switches: [],
  },
  {
    kind: 'number',
    name: 'maskBlur',
    part: 'init.maskBlur',
    option: 'mask_blur',
    description: "How soft the mask's edge is, in pixels",
    title: null,
    switches: [],
  },
  {
    kind: 'switch',
    name: 'onlyMasked',
    part: 'init.onlyMasked',
    option: 'only_masked',
    description: 'Repaint the masked part alone, at full size',
    title: null,
    switches: [],
  },
  {
    kind: 'number',
    name: 'hires',
    part: 'hires.scale',
    option: 'hires',
    description: 'A second pass at a larger size: 2 is twice each side',
    title: null,
    switches: ['hires', 'hr-scale', 'hires-upscale'],
  },
  {
    kind: 'number',
    name: 'hiresStrength',
    part: 'hires.strength',
    option: 'hires_strength',
    description: 'How much the second pass repaints; 0.4 to 0.7 is usual',
    title: null,
    switches: ['hires-strength'],
  },
  {
    kind: 'number',
    name: 'variation',
    part: 'variation.strength',
    option: 'variation',
    description: 'How far the noise moves towards that of variation_seed',
    title: null,
    switches: ['variation', 'subseed-strength', 'variation-seed-strength'],
  },
  {
    kind: 'text',
    name: 'variationSeed',
    option: 'variation_seed',
    description: 'The other noise of a variation; left out: a new one',
    title: null,
    switches: ['variation-seed', 'subseed'],
  },
  {
    kind: 'choice',
    name: 'profile',
    names: 'profile',
    field: 'profile',
    option: 'profile',
    description: 'Whose conventions of noise and weights are followed',
    title: null,
    // Midjourney's --profile is another thing.
    switches: [],
  },
  {
    kind: 'text',
    name: 'extra',
    option: 'extra',
    description: 'Any further option, such as eta:0.5 exact:true',
    title: null,
    switches: [],
    longest: 400,
    completes: true,
  },
  {
    kind: 'choice',
    name: 'emphasis',
    names: 'emphasis',
    field: 'emphasis',
    option: 'emphasis',
    description: 'How weights such as (word:1.2) act',
    title: null,
    switches: ['emphasis'],
    extra: true,
  },
  {
    kind: 'choice',
    name: 'rng',
    names: 'rng',
    field: 'rng',
    option: 'rng',
    description: "Whose noise: torch's on a processor (cpu), or A1111's on a graphics card (nv)",
    title: null,
    switches: ['rng'],
    extra: true,
  },
  {
    kind: 'number',
    name: 'ensd',
    field: 'etaNoiseSeedDelta',
    option: 'ensd',
    description: 'Eta noise seed delta: added to the seed for all noise after the first',
    title: null,
    switches: ['ensd'],
    extra: [0, 31337],
  },
  {
    kind: 'number',
    name: 'shift',
    field: 'flowShift',
    option: 'shift',
    description: "How far the noise levels of a flow are shifted; left out: the model's own",
    title: null,
    switches: ['shift'],
    extra: [1, 3, 6],
  },
  {
    kind: 'number',
    name: 'distilledCfg',
    field: 'distilledGuidance',
    option: 'distilled_cfg',
    description: 'What Flux dev is told of guidance; 3.5 is usual',
    title: null,
    switches: ['distilled-cfg', 'distilled-cfg-scale'],
    extra: [2, 3.5, 5],
  },
  {
    kind: 'number',
    name: 'textLength',
    field: 'textLength',
    option: 'text_length',
    description: 'Tokens that a text is filled up to (Flux, FLUX.2, SD 3)',
    title: null,
    switches: ['text-length'],
    extra: [256, 512],
  },
  {
    kind: 'number',
    name: 'cfgNormalization',
    field: 'cfgNormalization',
    option: 'cfg_normalization',
    description: "Guidance no longer than this many times the prompt's own answer (Z-Image)",
    title: null,
    switches: ['cfg-normalization'],
    extra: [0, 1],
  },
  {
    kind: 'number',
    name: 'cfgTruncation',
    field: 'cfgTruncation',
    option: 'cfg_truncation',
    description: 'The negative prompt is left out behind this share of the way (Z-Image)',
    title: null,
    switches: ['cfg-truncation'],
    extra: [0.5, 0.75, 1],
  },
] as const satisfies readonly Row[];

type Rows = (typeof ROWS)[number];
type Chosen = Exclude<Rows, { title: null }>;
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

export const CHOSEN_NAMES: readonly ChosenName[] = ROWS.filter(isChosen).map(({ name }) => name);

/** English; the other languages have their own. */
export const CHOSEN_TITLES = Object.fromEntries(
  ROWS.filter(isChosen).map(({ name, title }) => [name, title]),
) as Readonly<Record<ChosenName, string>>;

function isChosen(row: Rows): row is Chosen {
  return row.title !== null;
}

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
  const row = ROWS.filter(isChosen).find((one) => 'field' in one && one.field === field);
  return row?.kind === 'number' ? row : null;
}
