import { UserError } from '../../engine/errors.ts';
import { type Axis, type AxisName, AXES, axisNamed, parseAxis } from '../../explore/sheet/axis.ts';
import { type ThemeName, THEMES } from '../../explore/sheet/theme.ts';
import { type ImagineArguments, parseImagineArguments } from './arguments.ts';

export type ExploreArguments = {
  what: { kind: 'sheet'; x: Axis; y: Axis | null } | { kind: 'evolution'; at: string | null };
  /** everything that all cells share, as `imagine` reads it */
  shared: ImagineArguments;
  out: string;
  theme: ThemeName;
  title: string;
};

export const EXPLORE_HELP = `Shows what an option does: one labelled sheet, one picture a value.

  npm run -s explore -- <axis> "<prompt>" [--values LIST] [--y AXIS:LIST] [options]
  npm run -s explore -- evolution "<prompt>" [--at LIST] [options]

  <axis>           ${AXES.join(', ')}
  --values LIST    values with commas and ranges: 1,5,10,20,50,150 or "3..12 by 1.5" or all
  --y AXIS:LIST    a second axis, such as sampler:euler,euler_a,dpmpp_2m
  --at LIST        evolution: the steps to look at, such as 1,2,5,10,20
  --theme NAME     dark or light (dark)
  --out DIR        (./out/explore-<axis>)
  --json           one JSON object on stdout, nothing else

All options of imagine hold for every cell: --negative, --size, --steps, --cfg, --seed, --sampler,
--schedule, --model, --init, --strength, --clip-skip, … ("npm run -s imagine -- --help").

Written: sheet.png, cells/, measurements.csv and .json; for steps also curve.png: the distance to the
picture with the most steps (latents, pixels, SSIM) against steps and seconds, with the knee marked.
evolution writes strip.png, evolution.webp (animated), steps/ and measurements.json.

Exit status: 0 done, 2 bad arguments, 1 failure.
`;

const USUAL: Readonly<Record<AxisName, string | null>> = {
  steps: '1,5,10,20,50,150',
  cfg: '1,3,5,7,10,15',
  sampler: 'euler,euler_a,heun,dpmpp_2m,dpmpp_2m_sde,ddim',
  schedule: 'uniform,karras,exponential,sgm_uniform,simple,beta',
  seed: '1..6',
  clip_skip: '1,2',
  pag: '0,1,2,3,5,8',
  size: null,
  strength: '0.2..0.8 by 0.2',
};

/** What is shown when the values are left out; null: they depend on the model and must be named. */
export function usualValues(name: AxisName): string {
  const usual = USUAL[name];
  if (usual !== null) return usual;
  throw new UserError(`Name the values of ${name}: --values 128x128,128x192.`);
}

const OWN = ['values', 'y', 'at', 'theme'] as const;
type Own = (typeof OWN)[number];

/** Null when help was asked for. Throws UserError, one line. */
export function parseExploreArguments(args: readonly string[]): ExploreArguments | null {
  const { own, rest } = takeOwn(args);
  if (rest.includes('--help') || rest.includes('-h')) return null;
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

function readWhat(what: string, own: ReadonlyMap<Own, string>): ExploreArguments['what'] {
  const refuse = (name: Own, why: string): void => {
    if (own.has(name)) throw new UserError(`--${name} ${why}`);
  };
  if (what.toLowerCase() === 'evolution') {
    refuse('values', 'is for an axis; evolution takes --at 1,2,5,10.');
    refuse('y', 'is for an axis; evolution has one run.');
    return { kind: 'evolution', at: own.get('at') ?? null };
  }
  refuse('at', 'is for evolution; an axis takes --values.');
  const name = axisNamed(what);
  const x = parseAxis(name, own.get('values') ?? usualValues(name));
  const second = own.get('y');
  if (second === undefined) return { kind: 'sheet', x, y: null };
  const colon = second.indexOf(':');
  const down = axisNamed(colon < 0 ? second : second.slice(0, colon));
  const values = colon < 0 ? usualValues(down) : second.slice(colon + 1);
  return { kind: 'sheet', x, y: parseAxis(down, values) };
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
