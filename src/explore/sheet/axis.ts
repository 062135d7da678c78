import { UserError } from '../../engine/errors.ts';
import { SAMPLERS, SCHEDULES } from '../../engine/names.ts';
import type { RequestInput } from '../../engine/request.ts';
import { LIMITS } from '../../engine/request-codec.ts';
import { countOf, numberIn, type Range, rangeIn, spreadOf, thinned, written } from './range.ts';
import { sayOfSheet } from '../sentences.ts';

/** What a sheet can vary, by the names people know from `/imagine`. */
export const AXES = [
  'steps',
  'cfg',
  'sampler',
  'schedule',
  'seed',
  'clip_skip',
  'pag',
  'size',
  'strength',
] as const;
export type AxisName = (typeof AXES)[number];

/** One direction of a sheet: at least one value, none twice, as written by the person (spaces cut). */
export type Axis = { name: AxisName; values: readonly string[] };

type Kind = 'whole' | 'decimal' | 'text';
const KINDS: Readonly<Record<AxisName, Kind>> = {
  steps: 'whole',
  cfg: 'decimal',
  sampler: 'text',
  schedule: 'text',
  seed: 'whole',
  clip_skip: 'whole',
  pag: 'decimal',
  size: 'text',
  strength: 'decimal',
};

const EXAMPLES: Readonly<Record<AxisName, string>> = {
  steps: '1,5,10,20,50,150 or 5..40 by 5',
  cfg: '1,4,7,12 or 3..12 by 1.5',
  sampler: 'euler,heun,dpmpp_2m',
  schedule: 'uniform,karras,exponential',
  seed: '1,2,3 or 7..12',
  clip_skip: '1,2 or 1..3',
  pag: '0,1,3,5 or 0..6 by 1.5',
  size: '128x128,128x192,192x128',
  strength: '0.2,0.5,0.8 or 0.1..0.9 by 0.2',
};

/** Where an axis ends for every model. */
const MOST: Partial<Record<AxisName, number>> = {
  steps: LIMITS.steps.max,
  cfg: LIMITS.guidanceScale.max,
  clip_skip: LIMITS.clipSkip.max,
  pag: LIMITS.pagScale.max,
  strength: 1,
};

/** Never looked at beyond this: a range of a million values is a slip, not a wish. */
const MOST_VALUES = 100;
/** Values that a range over the limit is thinned out to: what a sheet on Discord can show. */
const SUGGESTED = 25;

export function axisNamed(name: string): AxisName {
  const wanted = name.trim().toLowerCase().replaceAll(/[\s-]/g, '_');
  const found = AXES.find((axis) => axis === wanted);
  if (found !== undefined) return found;
  throw new UserError(sayOfSheet('no-axis', shortened(name), AXES.join(', ')));
}

/**
 * Values of one axis: a list with commas, whose parts may be ranges such as `3..12 by 1.5`: the first value and every step up to the end.
 * Whether the model takes a value is seen later, by the plan. `all` stands for every sampler or schedule.
 * @throws UserError for nothing, what is no number where one is needed, a range that never arrives or has too
 *   many values, and values given twice
 */
export function parseAxis(name: AxisName, text: string): Axis {
  const parts = text.split(/[,;，、]/).map((part) => part.trim());
  const given = parts.filter((part) => part !== '');
  if (given.length === 0) {
    throw new UserError(sayOfSheet('axis-empty', name, EXAMPLES[name]));
  }
  const values = given.flatMap((part) => expand(name, part));
  if (values.length > MOST_VALUES) throw tooMany(name, String(values.length));
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw new UserError(sayOfSheet('axis-twice', name, shortened(value)));
    seen.add(value);
  }
  return { name, values };
}

function expand(name: AxisName, part: string): string[] {
  const kind = KINDS[name];
  if (kind === 'text') return part.toLowerCase() === 'all' ? allOf(name, part) : [part];
  const range = rangeIn(part);
  if (range !== null) return spread(name, part, range);
  const several = /^[\d.]+(?:\s+[\d.]+)+$/.test(part) ? part.split(/\s+/) : [part];
  return several.map((one) => number(name, one));
}

function allOf(name: AxisName, part: string): string[] {
  if (name === 'sampler') return [...SAMPLERS].filter((sampler) => sampler !== 'flow_euler');
  if (name === 'schedule') return [...SCHEDULES].filter((schedule) => schedule !== 'automatic');
  return [part];
}

/** @throws UserError for what is no number of this axis */
function number(name: AxisName, text: string): string {
  const whole = KINDS[name] === 'whole';
  const found = numberIn(text, whole);
  if (found !== null) return found;
  throw new UserError(
    sayOfSheet(
      whole ? 'axis-needs-whole-numbers' : 'axis-needs-numbers',
      shortened(text),
      name,
      EXAMPLES[name],
    ),
  );
}

function spread(name: AxisName, part: string, range: Range): string[] {
  const [from, to, by] = [range.from, range.to, range.by].map((text) => number(name, text)) as [
    string,
    string,
    string,
  ];
  const whole = spreadOf({ from, to, by });
  if (whole.step === 0n) throw new UserError(sayOfSheet('range-by-zero', shortened(part)));
  if (whole.from > whole.to) {
    const turned = `${to}..${from}${by === '1' ? '' : ` by ${by}`}`;
    throw new UserError(sayOfSheet('range-backwards', shortened(part), turned));
  }
  const count = countOf(whole);
  if (count > BigInt(MOST_VALUES)) throw tooLong(name, { from, to, by }, count);
  return Array.from({ length: Number(count) }, (_, index) =>
    written(whole.from + BigInt(index) * whole.step, whole.places),
  );
}

/** With a range that would do: no further than the axis goes, and as many values as a sheet shows. */
function tooLong(name: AxisName, range: Range, count: bigint): UserError {
  const most = MOST[name];
  const isWithin = most === undefined || Number(range.to) <= most || Number(range.from) > most;
  const to = isWithin ? range.to : String(most);
  const fits = thinned(spreadOf({ ...range, to }), SUGGESTED);
  const by = written(fits.step, fits.places);
  return new UserError(
    sayOfSheet(
      'range-too-long',
      name,
      String(count),
      MOST_VALUES,
      `${range.from}..${to}${by === '1' ? '' : ` by ${by}`}`,
      String(countOf(fits)),
    ),
  );
}

function tooMany(name: AxisName, count: string): UserError {
  return new UserError(sayOfSheet('axis-too-long', name, count, MOST_VALUES));
}

/** One value laid over a request that is still to be checked. */
export function withValue(input: RequestInput, name: AxisName, value: string): RequestInput {
  switch (name) {
    case 'cfg':
      return { ...input, guidanceScale: value };
    case 'clip_skip':
      return { ...input, clipSkip: value };
    case 'pag':
      return { ...input, pagScale: value };
    case 'size': {
      const [width = '', height = width] = value.toLowerCase().split(/[x×*]/);
      return { ...input, width: width.trim(), height: height.trim() };
    }
    case 'strength':
      return { ...input, init: { ...(input.init as object), strength: value } };
    case 'steps':
    case 'sampler':
    case 'schedule':
    case 'seed':
      return { ...input, [name]: value };
  }
}

/** A person's string as a sentence may show it. */
export function shortened(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}`@<>]/gu, ' ').trim();
  return plain.length > 40 ? `${plain.slice(0, 40)}…` : plain;
}
