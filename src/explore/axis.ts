import { UserError } from '../engine/errors.ts';
import { SAMPLERS, SCHEDULES } from '../engine/names.ts';
import type { RequestInput } from '../engine/request.ts';
import { sayOfSheet } from './sentences.ts';

/** What a sheet can vary, by the names people know from `/imagine`. */
export const AXES = [
  'steps',
  'cfg',
  'sampler',
  'schedule',
  'seed',
  'clip_skip',
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
  size: '128x128,128x192,192x128',
  strength: '0.2,0.5,0.8 or 0.1..0.9 by 0.2',
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
 * Values of one axis: a list with commas, whose parts may be ranges such as `3..12 by 1.5` (both ends included).
 * Whether the model takes a value is seen later, by the plan. `all` stands for every sampler or schedule.
 * @throws UserError for nothing, what is no number where one is needed, a range that never arrives or has too
 *   many values, and values given twice
 */
export function parseAxis(name: AxisName, text: string): Axis {
  const parts = text.split(/[,;]/).map((part) => part.trim());
  const given = parts.filter((part) => part !== '');
  if (given.length === 0) {
    throw new UserError(sayOfSheet('axis-empty', name, EXAMPLES[name]));
  }
  const values = given.flatMap((part) => expand(name, part));
  if (values.length > MOST_VALUES) throw tooMany(name, String(values.length));
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw new UserError(sayOfSheet('axis-twice', name, value));
    seen.add(value);
  }
  return { name, values };
}

function expand(name: AxisName, part: string): string[] {
  const kind = KINDS[name];
  if (kind === 'text') return part.toLowerCase() === 'all' ? allOf(name, part) : [part];
  const range = /^(\S+?)\s*(?:\.\.|…)\s*(\S+?)(?:\s+(?:by|step)\s+(\S+))?$/i.exec(part);
  if (range === null) return [number(name, part)];
  const [, from = '', to = '', by = '1'] = range;
  return spread(name, part, { from: number(name, from), to: number(name, to), by });
}

function allOf(name: AxisName, part: string): string[] {
  if (name === 'sampler') return [...SAMPLERS].filter((sampler) => sampler !== 'flow_euler');
  if (name === 'schedule') return [...SCHEDULES].filter((schedule) => schedule !== 'automatic');
  return [part];
}

/** The number in its shortest writing, so that 7 and 7.0 are seen as one. Seeds are longer than a double. */
function number(name: AxisName, text: string): string {
  const whole = KINDS[name] === 'whole';
  const shape = whole ? /^\d{1,20}$/ : /^(\d+\.?\d*|\.\d+)$/;
  const plain = text.trim();
  if (shape.test(plain)) return whole ? BigInt(plain).toString() : String(Number(plain));
  throw new UserError(
    sayOfSheet(
      whole ? 'axis-needs-whole-numbers' : 'axis-needs-numbers',
      shortened(text),
      name,
      EXAMPLES[name],
    ),
  );
}

function spread(
  name: AxisName,
  part: string,
  range: { from: string; to: string; by: string },
): string[] {
  const by = number(name, range.by);
  const whole = KINDS[name] === 'whole';
  // Decimals are counted in ten-thousandths, so that 0.1 + 0.2 meets 0.3.
  const units = (text: string): bigint =>
    whole ? BigInt(text) : BigInt(Math.round(Number(text) * 10_000));
  const [from, to, step] = [units(range.from), units(range.to), units(by)];
  if (step === 0n) {
    throw new UserError(sayOfSheet('range-by-zero', shortened(part)));
  }
  if (from > to) {
    throw new UserError(
      sayOfSheet('range-backwards', shortened(part), `${range.to}..${range.from}`),
    );
  }
  const count = (to - from) / step + 1n;
  const written = (value: bigint): string =>
    whole ? value.toString() : String(Number(value) / 10_000);
  if (count > BigInt(MOST_VALUES)) {
    const wider = step * ((count + BigInt(SUGGESTED) - 1n) / BigInt(SUGGESTED));
    const fits = `${range.from}..${range.to} by ${written(wider)}`;
    const has = (to - from) / wider + 1n;
    throw new UserError(
      sayOfSheet('range-too-long', name, String(count), MOST_VALUES, fits, String(has)),
    );
  }
  return Array.from({ length: Number(count) }, (_, index) => {
    return written(from + BigInt(index) * step);
  });
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
    case 'size': {
      const [width, height] = value.toLowerCase().split(/[x×]/);
      return { ...input, width: width?.trim() ?? '', height: height?.trim() ?? '' };
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

function shortened(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}`@<>]/gu, ' ').trim();
  return plain.length > 40 ? `${plain.slice(0, 40)}…` : plain;
}
