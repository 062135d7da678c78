import { UserError } from '../../engine/errors.ts';
import type { Margins } from '../../engine/picture/outpaint.ts';
import { NUMBER_FLAGS, parseSize, WORD_FLAGS } from '../../engine/request-codec.ts';
import type { RequestInput } from '../../engine/request.ts';
import { PART_ARGUMENTS, readParts } from './part-arguments.ts';
import { parseCommandLine } from './command-line.ts';

/** What one command line asks for; request values are still unchecked text. */
export type ImagineArguments = {
  request: RequestInput;
  model: string | null;
  /** a file whose recipe is painted */
  from: string | null;
  /** networks in place of the model's own: a name or a file, and files */
  vae: string | null;
  textEncoders: readonly string[];
  /** folders */
  tokenizers: readonly string[];
  /** files: pictures to edit from */
  references: readonly string[];
  out: string | null;
  saveLatents: string | null;
  /** pictures that the model's safety checker flags are not written */
  safety: boolean;
  init: InitArguments | null;
  json: boolean;
};

export type InitArguments = {
  /** files */
  image: string;
  mask: string | null;
  strength: unknown;
  maskBlur: unknown;
  onlyMasked: boolean;
  outpaint: Margins | null;
};

/** Flags whose text, or whose being there, is a field of the request. */
const TEXT_OPTIONS: Readonly<Record<string, keyof RequestInput>> = {
  ...NUMBER_FLAGS,
  ...Object.fromEntries(Object.entries(WORD_FLAGS).map(([flag, { key }]) => [flag, key])),
  seed: 'seed',
};

const TEXT = { type: 'string' } as const;
const SWITCH = { type: 'boolean' } as const;

const OPTIONS = {
  ...Object.fromEntries(
    Object.keys(TEXT_OPTIONS).map((name) => [
      name,
      WORD_FLAGS[name]?.takesWord === false ? SWITCH : TEXT,
    ]),
  ),
  ...PART_ARGUMENTS,
  size: { type: 'string' },
  model: { type: 'string' },
  from: { type: 'string' },
  vae: { type: 'string' },
  'text-encoder': { type: 'string', multiple: true },
  tokenizer: { type: 'string', multiple: true },
  reference: { type: 'string', multiple: true },
  out: { type: 'string' },
  init: { type: 'string' },
  mask: { type: 'string' },
  outpaint: { type: 'string' },
  replan: { type: 'string' },
  'save-latents': { type: 'string' },
  safety: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Null when help was asked for. Throws UserError, one line. */
export function parseImagineArguments(args: readonly string[]): ImagineArguments | null {
  const { values, positionals } = parse(joinNegativeNumbers(args));
  if (values.help) return null;
  const prompt = readPrompt(positionals, values.from !== undefined);
  const request: RequestInput = prompt === null ? {} : { prompt };
  const texts: Readonly<Record<string, unknown>> = values;
  for (const [name, key] of Object.entries(TEXT_OPTIONS)) {
    const value = texts[name];
    if (value !== undefined) request[key] = value;
  }
  if (values.size !== undefined) Object.assign(request, parseSize(values.size));
  readParts(values, request);
  if (values.replan !== undefined) request.replan = readReplan(values.replan);
  return {
    request,
    model: values.model ?? null,
    from: values.from ?? null,
    vae: values.vae ?? null,
    textEncoders: values['text-encoder'] ?? [],
    tokenizers: values.tokenizer ?? [],
    references: values.reference ?? [],
    out: values.out ?? null,
    saveLatents: values['save-latents'] ?? null,
    safety: readSafety(values.safety),
    init: readInit(values),
    json: values.json ?? false,
  };
}

function readSafety(text = 'on'): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new UserError(`--safety is on or off, not "${text}".`);
}

function readReplan(text: string): { after: string; rest: string } {
  const [, after, rest] = /^\s*(\d+)\s*\+\s*(\d+)\s*$/.exec(text) ?? [];
  if (after !== undefined && rest !== undefined) return { after, rest };
  throw new UserError(`--replan takes two numbers of steps, such as 12+5, not "${text}".`);
}

/** Null where a recipe has one. */
function readPrompt(positionals: readonly string[], fromRecipe: boolean): string | null {
  const [prompt, ...more] = positionals;
  if (prompt === undefined && fromRecipe) return null;
  if (prompt === undefined) {
    throw new UserError(
      'A prompt is missing: npm run -s imagine -- "a red cat". --help shows more.',
    );
  }
  if (more.length > 0) {
    throw new UserError(`Put the whole prompt in quotes: "${positionals.join(' ').slice(0, 80)}".`);
  }
  return prompt;
}

type Values = ReturnType<typeof parse>['values'] & Readonly<Record<string, unknown>>;

function readInit(values: Values): InitArguments | null {
  const { init } = values;
  if (init === undefined) {
    for (const name of ['strength', 'mask', 'mask-blur', 'only-masked', 'outpaint'] as const) {
      if (values[name] === undefined) continue;
      throw new UserError(`--${name} needs --init FILE, the picture to start from.`);
    }
    return null;
  }
  if (values['only-masked'] && values.mask === undefined) {
    throw new UserError('--only-masked needs --mask FILE, white where to paint.');
  }
  for (const name of ['mask', 'size'] as const) {
    if (values.outpaint === undefined || values[name] === undefined) continue;
    throw new UserError(`--outpaint makes its own ${name}: leave --${name} out.`);
  }
  return {
    image: init,
    mask: values.mask ?? null,
    strength: values.strength,
    maskBlur: values['mask-blur'],
    onlyMasked: values['only-masked'] === true,
    outpaint: values.outpaint === undefined ? null : readMargins(values.outpaint),
  };
}

function readMargins(text: string): Margins {
  const numbers = text
    .split(',')
    .map((part) => (/^\s*\d{1,4}\s*$/.test(part) ? Number(part) : NaN));
  const [left = NaN, top = NaN, right = NaN, bottom = NaN] = numbers;
  const isWrong = numbers.length !== 4 || numbers.some(Number.isNaN);
  if (isWrong || left + top + right + bottom === 0) {
    throw new UserError(
      `--outpaint takes the pixels to add as LEFT,TOP,RIGHT,BOTTOM, such as 0,0,128,0, not "${text}".`,
    );
  }
  return { left, top, right, bottom };
}

function parse(args: string[]) {
  return parseCommandLine(args, OPTIONS, '--help shows every option.');
}

/** `--seed -1` means what it says, although a dash usually starts an option. */
function joinNegativeNumbers(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [at, arg] of args.entries()) {
    const before = args[at - 1];
    if (
      /^-\.?\d/.test(arg) &&
      before?.startsWith('--') &&
      before !== '--' &&
      !before.includes('=')
    ) {
      joined[joined.length - 1] = `${before}=${arg}`;
    } else joined.push(arg);
  }
  return joined;
}
