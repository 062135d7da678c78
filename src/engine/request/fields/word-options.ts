/**
 * The fields of a request that are one name of a list, one text or one switch, each told once: how it is called, what it
 * may be, what it is where nobody says, how recipes hold it and by which flag the command line takes it. Numbers are in
 * number-options.ts.
 */
import {
  EMPHASES,
  type EmphasisName,
  PROFILES,
  type ProfileName,
  RNGS,
  type RngName,
  SAMPLERS,
  SCHEDULES,
} from '../../names.ts';
import type { GenerateRequest, RequestInput } from '../../request.ts';
import { say } from '../../sentences.ts';
import { EMPHASIS_LABELS, SAMPLER_LABELS, SCHEDULE_LABELS } from './labels.ts';
import { isAbsent, oneOf, type Problems, shown, text } from './request-values.ts';

/** How a recipe's field line holds it. */
type InRecipe = {
  label: string;
  /** null: it is not written */
  write: (request: GenerateRequest) => string | null;
  /** `found`: what stands behind the label; undefined: nothing is read of it */
  read: (found: string | undefined, input: RequestInput) => unknown;
};

type Row = {
  /** its key in a request, in inputs and in stored rows */
  key: keyof GenerateRequest;
  /** as sentences call it */
  words: string;
  kind: 'choice' | 'text' | 'switch';
  /** of a choice */
  names?: readonly string[];
  /** of `--flag NAME`, a switch's without a value; null: the command line takes more than a word */
  flag: string | null;
  /** what stands behind the flag in `--help`, and what it says of it; absent: it is told of elsewhere */
  help?: readonly [value: string, what: string];
  /** null: a recipe tells it in another way, or needs not */
  recipe: InRecipe | null;
};

const NEGATIVE = {
  key: 'negativePrompt',
  words: 'negative prompt',
  kind: 'text',
  flag: 'negative',
  help: ['TEXT', 'what should not be in it'],
  // It has a line of its own there.
  recipe: null,
} as const satisfies Row;

/** Read together: a sampler's name may bring its schedule (sampler-names.ts). */
const PATH = [
  {
    key: 'sampler',
    words: 'sampler',
    kind: 'choice',
    names: SAMPLERS,
    flag: 'sampler',
    help: ['NAME', 'euler, euler_a, dpmpp_2m, … or A1111\'s names such as "DPM++ 2M"'],
    recipe: {
      label: 'Sampler',
      write: ({ sampler }) => sampler && SAMPLER_LABELS[sampler],
      read: () => undefined,
    },
  },
  {
    key: 'schedule',
    words: 'schedule',
    kind: 'choice',
    names: SCHEDULES,
    flag: 'schedule',
    help: ['NAME', 'automatic, karras, exponential, …'],
    recipe: {
      label: 'Schedule type',
      write: ({ sampler, schedule }) =>
        sampler || schedule !== 'automatic' ? SCHEDULE_LABELS[schedule] : null,
      read: () => undefined,
    },
  },
] as const satisfies readonly Row[];

const usualEmphasis = (profile: unknown): EmphasisName =>
  profile === 'diffusers' ? 'none' : 'original';

/** Names that every request has. */
const FIXED = [
  {
    key: 'profile',
    words: 'profile',
    kind: 'choice',
    names: PROFILES,
    usual: (): ProfileName => 'a1111',
    flag: 'profile',
    help: ['NAME', 'a1111, diffusers or comfy: whose rules hold (a1111)'],
    recipe: {
      label: 'Profile',
      write: ({ profile }) => (profile === 'a1111' ? null : profile),
      read: (found) => PROFILES.find((name) => name === found),
    },
  },
  {
    key: 'emphasis',
    words: 'emphasis',
    kind: 'choice',
    names: EMPHASES,
    usual: usualEmphasis,
    flag: 'emphasis',
    help: ['NAME', 'original, no_norm, ignore or none: how weights of words act'],
    recipe: {
      label: 'Emphasis',
      // It says nothing where no word has a weight.
      write: ({ prompt, negativePrompt, emphasis, profile }) =>
        /[([]/.test(prompt + negativePrompt) && emphasis !== usualEmphasis(profile)
          ? EMPHASIS_LABELS[emphasis]
          : null,
      read: (found, { profile }) =>
        profile === 'diffusers'
          ? undefined
          : EMPHASES.find((name) => EMPHASIS_LABELS[name] === found),
    },
  },
  {
    key: 'rng',
    words: 'rng',
    kind: 'choice',
    names: RNGS,
    usual: (): RngName => 'cpu',
    flag: 'rng',
    help: ['cpu|nv', "noise of torch's CPU generator, or of A1111 on a GPU (cpu)"],
    recipe: {
      label: 'RNG',
      write: ({ rng }) => rng.toUpperCase(),
      // A1111 paints with the GPU's where it says nothing.
      read: (found) => (found === 'CPU' ? 'cpu' : 'nv'),
    },
  },
] as const satisfies readonly (Row & {
  kind: 'choice';
  names: readonly string[];
  usual: (profile: ProfileName) => string;
})[];

/** Fields that stand in a request only where they say something. */
const OPTIONAL = [
  {
    key: 'vae',
    words: 'vae',
    kind: 'text',
    flag: null,
    recipe: {
      label: 'VAE',
      write: ({ vae }) => (vae ? fileOf(vae) : null),
      // Names only: a path in somebody's picture leads nowhere here.
      read: (found = '') =>
        fileOf(found).replace(/\.(?:safetensors|sft|pt|ckpt)$/i, '') || undefined,
    },
  },
  {
    key: 'exact',
    words: 'exact',
    kind: 'switch',
    flag: 'exact',
    help: [
      '',
      "painted alone: no evaluation of the network is shared with other people's pictures",
    ],
    recipe: null,
  },
] as const satisfies readonly (Row & { kind: 'text' | 'switch' })[];

type FixedKey = (typeof FIXED)[number]['key'];

export type WordOption = Row;
export const WORD_OPTIONS: readonly WordOption[] = [NEGATIVE, ...PATH, ...FIXED, ...OPTIONAL];

/** The name of a file or folder: where it lies on this machine is nobody's business. */
function fileOf(model: string): string {
  return model.split(/[\\/]/).findLast((part) => part !== '') ?? model;
}

/** Names that every request has; the profile first, for others go by it. */
export function fixedWords(
  problems: Problems,
  input: RequestInput,
): Pick<GenerateRequest, FixedKey> {
  const profile = oneOf(problems, 'profile', input.profile, PROFILES, 'a1111');
  const entries = FIXED.map(({ key, words, names, usual }) => [
    key,
    key === 'profile' ? profile : oneOf<string>(problems, words, input[key], names, usual(profile)),
  ]);
  return Object.fromEntries(entries) as Pick<GenerateRequest, FixedKey>;
}

/** Those that say something. */
export function optionalWords(
  problems: Problems,
  input: RequestInput,
): { vae?: string; exact?: true } {
  const said = OPTIONAL.map(({ key, words, kind }) => [
    key,
    kind === 'switch'
      ? isYes(problems, words, input[key])
      : text(problems, words, input[key], '').trim(),
  ]);
  return Object.fromEntries(said.filter(([, value]) => Boolean(value))) as {
    vae?: string;
    exact?: true;
  };
}

/** Switches may come as text. */
function isYes(problems: Problems, name: string, value: unknown): boolean {
  if (isAbsent(value) || value === false || value === 'false' || value === 'off') return false;
  if (value === true || value === 'true' || value === 'on') return true;
  problems.push(say('no-switch', name, shown(value)));
  return false;
}

/** A recipe's words for those that have a label. */
export function wordsInRecipe(request: GenerateRequest): Record<string, string | null> {
  const labelled = WORD_OPTIONS.flatMap(({ recipe }) => (recipe === null ? [] : [recipe]));
  return Object.fromEntries(labelled.map(({ label, write }) => [label, write(request)]));
}

/** The way back: `parsed` by label. */
export function takeWords(parsed: Readonly<Record<string, unknown>>, input: RequestInput): void {
  for (const { key, recipe } of WORD_OPTIONS) {
    if (recipe === null) continue;
    const found = parsed[recipe.label];
    const value = recipe.read(found === undefined ? undefined : String(found), input);
    if (value !== undefined) input[key] = value;
  }
}

/** `--help`'s line of each flag. */
export function wordHelp(): ReadonlyMap<string, string> {
  return new Map(
    WORD_OPTIONS.flatMap(({ flag, help }) => {
      if (flag === null || help === undefined) return [];
      const [value, what] = help;
      return [[flag, `  ${`--${flag} ${value}`.padEnd(23)} ${what}`]];
    }),
  );
}

/** What each choice may be. */
export const WORD_NAMES = Object.fromEntries(
  [...PATH, ...FIXED].map(({ key, names }) => [key, names]),
) as { readonly [K in (typeof PATH | typeof FIXED)[number] as K['key']]: K['names'] };

/** Flag -> key of a request, and whether it takes a word. */
export const WORD_FLAGS: Readonly<Record<string, { key: keyof RequestInput; takesWord: boolean }>> =
  Object.fromEntries(
    WORD_OPTIONS.flatMap(({ flag, key, kind }) =>
      flag === null ? [] : [[flag, { key, takesWord: kind !== 'switch' }]],
    ),
  );
