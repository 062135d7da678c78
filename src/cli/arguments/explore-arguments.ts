import { UserError } from '../../engine/errors.ts';
import { AXES, type AxisName, axisRow, exampleOf } from '../../explore/sheet/axes.ts';
import { type Axis, axisNamed, parseAxis } from '../../explore/sheet/axis.ts';
import { type ThemeName, THEMES } from '../../explore/sheet/drawn/theme.ts';
import { type ImagineArguments, parseImagineArguments } from './arguments.ts';

export type ExploreArguments = {
  what:
    | { kind: 'sheet'; x: Axis; y: Axis | null; z: Axis | null }
    | { kind: 'evolution'; at: string | null }
    | ReportWanted;
  /** everything that all cells share, as `imagine` reads it */
  shared: ImagineArguments;
  out: string;
  theme: ThemeName;
  title: string;
};

/** The same sheet for several prompts and seeds, as one page. */
export type ReportWanted = {
  kind: 'report';
  /** a file with one a line; null: the one of the command line */
  prompts: string | null;
  seeds: number;
  x: Axis;
  y: Axis | null;
  z: Axis | null;
  /** the folder that it grows in */
  out: string;
  /** nothing is painted but what the machine is measured with */
  costOnly: boolean;
};

export const EXPLORE_HELP = `Shows what an option does: one labelled sheet, one picture a value.

  npm run -s explore -- <axis> "<prompt>" [--values LIST] [--y AXIS:LIST] [--z AXIS:LIST] [options]
  npm run -s explore -- evolution "<prompt>" [--at LIST] [options]
  npm run -s explore -- --prompts FILE --seeds N --x AXIS:LIST [--y AXIS:LIST] --report DIR [options]

  <axis>           ${AXES.join(', ')}
  --values LIST    values with commas and ranges: 1,5,10,20,50,150 or "3..12 by 1.5" or all
  --y AXIS:LIST    a second axis, such as sampler:euler,euler_a,dpmpp_2m
  --z AXIS:LIST    a third one, a page each value: sheet-1.png, sheet-2.png, …
  --at LIST        evolution: the steps to look at, such as 1,2,5,10,20
  --theme NAME     dark or light (dark)
  --out DIR        (./out/explore-<axis>)
  --json           one JSON object on stdout, nothing else

All options of imagine hold for every cell: --negative, --size, --steps, --cfg, --seed, --sampler,
--schedule, --model, --init, --strength, --clip-skip, … ("npm run -s imagine -- --help").

prompt is search and replace, as in A1111's X/Y/Z plot: --values 'cat,dog,"fox, asleep"' paints the prompt
as it is, and with each of the others in cat's place. lora varies the weight of one tag: --values 0,0.5,1, or
"detail: -1..1 by 0.5" where there are several. hires is the factor of hires fix, denoise its strength.

--report DIR makes one page of several prompts (FILE: one a line) with N seeds for each cell: DIR/index.html
with everything in it, figures.csv and figures.json. It says first what it will take, and goes on where it
was stopped or killed; with --cost it says only that. DIR/notes.txt, where there is one, stands in the page.

Written: sheet.png, cells/, measurements.csv and .json; for steps also curve.png: the distance to the
picture with the most steps (latents, pixels, SSIM) against steps and seconds, with the knee marked.
evolution writes strip.png, evolution.webp (animated), steps/ and measurements.json.

Exit status: 0 done, 2 bad arguments, 1 failure.
`;

/**
 * What is shown when the values are left out; null: they depend on the model and must be named.
 * @throws UserError where they must be named
 */
export function usualValues(name: AxisName): string {
  const { usual, unhurried } = axisRow(name);
  const values = unhurried ?? usual;
  if (values !== null) return values;
  throw new UserError(`Name the values of ${name}: --values '${exampleOf(name)}'.`);
}

const OWN = ['values', 'x', 'y', 'z', 'at', 'theme', 'prompts', 'seeds', 'report'] as const;
type Own = (typeof OWN)[number];

/** Null when help was asked for. Throws UserError, one line. */
export function parseExploreArguments(args: readonly string[]): ExploreArguments | null {
  const { own, rest } = takeOwn(args);
  if (rest.includes('--help') || rest.includes('-h')) return null;
  if (own.has('report')) return parseReport(own, rest);
  for (const name of ['prompts', 'seeds', 'x'] as const) {
    if (own.has(name))
      throw new UserError(`--${name} belongs to --report DIR. --help shows examples.`);
  }
  const [what, ...others] = rest;
  if (what === undefined || what.startsWith('-')) {
    throw new UserError(
      `Say first what to explore: evolution, ${AXES.join(', ')}. --help shows examples.`,
    );
  }
  const shared = parseImagineArguments(others);
  if (shared === null) return null;
  if (shared.saveLatents !== null) throw new UserError('--save-latents is for imagine only.');
  const theme = THEMES.find((name) => name === (own.get('theme') ?? 'dark'));
  if (theme === undefined) {
    throw new UserError(
      `--theme "${own.get('theme')}" is not known. There are ${THEMES.join(', ')}.`,
    );
  }
  const kind = readWhat(what, own);
  const name = kind.kind === 'sheet' ? kind.x.name : 'evolution';
  const out = shared.out ?? `out/explore-${name}`;
  return { what: kind, shared, out, theme, title: String(shared.request.prompt) };
}

const MOST_SEEDS = 100;

function parseReport(
  own: ReadonlyMap<Own, string>,
  given: readonly string[],
): ExploreArguments | null {
  const costOnly = given.includes('--cost');
  const rest = given.filter((arg) => arg !== '--cost');
  for (const name of ['values', 'at'] as const) {
    if (own.has(name))
      throw new UserError(`--${name} does not go with --report: write --x AXIS:LIST.`);
  }
  const [prompts = null, across, seeds = '1'] = [
    own.get('prompts'),
    own.get('x'),
    own.get('seeds'),
  ];
  if (across === undefined)
    throw new UserError('A report needs --x AXIS:LIST, such as --x cfg:6..9.');
  if (!/^\d{1,3}$/.test(seeds) || Number(seeds) < 1 || Number(seeds) > MOST_SEEDS)
    throw new UserError(`--seeds takes a whole number from 1 to ${MOST_SEEDS}, not "${seeds}".`);
  const hasPrompt = rest.some((arg, at) => !arg.startsWith('-') && !rest[at - 1]?.startsWith('--'));
  if (prompts !== null && hasPrompt)
    throw new UserError(
      'The prompts stand in the file of --prompts: leave the one out, or the file.',
    );
  // The prompt that imagine asks for comes from the file.
  const shared = parseImagineArguments(prompts === null ? rest : ['', ...rest]);
  if (shared === null) return null;
  if (shared.saveLatents !== null) throw new UserError('--save-latents is for imagine only.');
  const [y, z] = [own.get('y'), own.get('z')].map((text) => (text ? readAxis(text) : null));
  const out = own.get('report') ?? '';
  if (out.trim() === '') throw new UserError('--report needs a folder.');
  const what: ReportWanted = {
    kind: 'report',
    prompts,
    seeds: Number(seeds),
    x: readAxis(across),
    y: y ?? null,
    z: z ?? null,
    out,
    costOnly,
  };
  return { what, shared, out, theme: 'dark', title: String(shared.request.prompt) };
}

function readWhat(what: string, own: ReadonlyMap<Own, string>): ExploreArguments['what'] {
  const refuse = (name: Own, why: string): void => {
    if (own.has(name)) throw new UserError(`--${name} ${why}`);
  };
  if (what.toLowerCase() === 'evolution') {
    refuse('values', 'is for an axis; evolution takes --at 1,2,5,10.');
    refuse('y', 'is for an axis; evolution has one run.');
    refuse('z', 'is for an axis; evolution has one run.');
    return { kind: 'evolution', at: own.get('at') ?? null };
  }
  refuse('at', 'is for evolution; an axis takes --values.');
  const name = axisNamed(what);
  const x = parseAxis(name, own.get('values') ?? usualValues(name));
  const [y, z] = [own.get('y'), own.get('z')].map((text) => (text ? readAxis(text) : null));
  return { kind: 'sheet', x, y: y ?? null, z: z ?? null };
}

/** `cfg:1,5,9`, or a name alone for the usual values. */
function readAxis(text: string): Axis {
  const colon = text.indexOf(':');
  const name = axisNamed(colon < 0 ? text : text.slice(0, colon));
  return parseAxis(name, colon < 0 ? usualValues(name) : text.slice(colon + 1));
}

/** Our own options out of the line, in both spellings; the rest is imagine's. */
function takeOwn(args: readonly string[]): { own: Map<Own, string>; rest: string[] } {
  const own = new Map<Own, string>();
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const [, name, inline] = /^--([a-z]+)(?:=([^]*))?$/.exec(arg) ?? [];
    const mine = OWN.find((known) => known === name);
    if (mine === undefined) {
      rest.push(arg);
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined) throw new UserError(`--${mine} needs a value. --help shows examples.`);
    own.set(mine, value);
  }
  return { own, rest };
}
