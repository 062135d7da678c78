import { UserError } from '../../engine/errors.ts';
import { SAMPLERS, SCHEDULES } from '../../engine/names.ts';
import { sayOfSheet } from '../sentences.ts';
import { AXES, AXIS_ROWS, type AxisName, axisRow } from './axes.ts';
import { listed } from './listed.ts';
import {
  countOf,
  type NumberKind,
  numberIn,
  type Range,
  rangeIn,
  spreadOf,
  thinned,
  written,
} from './range.ts';

/**
 * One direction of a sheet: at least one value, none twice, as written by the person (spaces cut). Of `prompt` the first
 * value is the text that all are put in place of.
 */
export type Axis = {
  name: AxisName;
  values: readonly string[];
  /** lora: the tag whose weight it is; absent: the only one of the prompt */
  of?: string;
};

/** Never looked at beyond this: a range of a million values is a slip, not a wish. */
const MOST_VALUES = 100;
/** Values that a range over the limit is thinned out to: what a sheet on Discord can show. */
const SUGGESTED = 25;

/** An axis by its name or another one it is known by. @throws UserError with those there are */
export function axisNamed(name: string): AxisName {
  const wanted = name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s/-]+/g, '_');
  const found = AXIS_ROWS.find(
    ({ name: own, aliases = [] }) => own === wanted || aliases.includes(wanted),
  );
  if (found !== undefined) return found.name;
  throw new UserError(sayOfSheet('no-axis', shortened(name), AXES.join(', ')));
}

/**
 * Values of one axis: a list with commas. Numbers may be ranges such as `3..12 by 1.5`: the first value and every step up
 * to the end. Prompts and names of models may stand in quotes, as in A1111's X/Y/Z plot; weights of a LoRA may follow its
 * name, `detail: 0,0.5,1`. Whether the model takes a value is seen later, by the plan. `all` stands for every sampler or
 * schedule.
 * @throws UserError for nothing, what is no number where one is needed, a range that never arrives or has too
 *   many values, and values given twice
 */
export function parseAxis(name: AxisName, text: string): Axis {
  const { of, list } = name === 'lora' ? loraIn(text) : { of: undefined, list: text };
  const values = valuesIn(name, list);
  if (values.length === 0) {
    throw new UserError(sayOfSheet('axis-empty', name, axisRow(name).example));
  }
  if (values.length > MOST_VALUES) throw tooMany(name, String(values.length));
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw new UserError(sayOfSheet('axis-twice', name, shownValue(value)));
    seen.add(value);
  }
  return { name, values, ...(of !== undefined && { of }) };
}

function valuesIn(name: AxisName, text: string): string[] {
  if (axisRow(name).kind === 'listed') return listed(text);
  const parts = text.split(/[,;，、]/).map((part) => part.trim());
  return parts.filter((part) => part !== '').flatMap((part) => expand(name, part));
}

/** `detail: 0,0.5,1`, also with the tag as it stands in the prompt. */
function loraIn(text: string): { of: string | undefined; list: string } {
  const tag = /^\s*<(?:lora|lyco):([^:>]+)[^>]*>\s*:?/i.exec(text);
  if (tag !== null) return { of: tag[1]?.trim() || undefined, list: text.slice(tag[0].length) };
  const colon = text.lastIndexOf(':');
  if (colon < 0) return { of: undefined, list: text };
  return { of: text.slice(0, colon).trim() || undefined, list: text.slice(colon + 1) };
}

function expand(name: AxisName, part: string): string[] {
  const kind = axisRow(name).kind;
  if (kind === 'names' || kind === 'listed') {
    return part.toLowerCase() === 'all' ? allOf(name, part) : [part];
  }
  const range = rangeIn(part);
  if (range !== null) return spread(name, kind, part, range);
  const several = /^[-\d.]+(?:\s+[-\d.]+)+$/.test(part) ? part.split(/\s+/) : [part];
  return several.map((one) => number(name, kind, one));
}

/** Of models that are no flows; the plan leaves out what a flow cannot be walked by. */
export function allSamplers(): string[] {
  return SAMPLERS.filter((sampler) => sampler !== 'flow_euler');
}

/** Lists the schedules that an axis may vary; "automatic" is one of them under another name. */
export function allSchedules(): string[] {
  return SCHEDULES.filter((schedule) => schedule !== 'automatic');
}

function allOf(name: AxisName, part: string): string[] {
  if (name === 'sampler') return allSamplers();
  if (name === 'schedule') return allSchedules();
  return [part];
}

/** @throws UserError for what is no number of this axis */
function number(name: AxisName, kind: NumberKind, text: string): string {
  const found = numberIn(text, kind);
  if (found !== null) return found;
  throw new UserError(
    sayOfSheet(
      kind === 'whole' ? 'axis-needs-whole-numbers' : 'axis-needs-numbers',
      shortened(text),
      name,
      axisRow(name).example,
    ),
  );
}

function spread(name: AxisName, kind: NumberKind, part: string, range: Range): string[] {
  const [from, to] = [number(name, kind, range.from), number(name, kind, range.to)];
  const by = number(name, kind === 'signed' ? 'decimal' : kind, range.by);
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
  const most = axisRow(name).most;
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

/** `cfg`, `lora detail` */
export function axisTitle({ name, of }: Axis): string {
  return of === undefined ? name : `${name} ${of}`;
}

/** A value as people read it: nothing at all is a value of prompts. */
export function shownValue(value: string): string {
  return value === '' ? '""' : shortened(value);
}

/** A person's string as a sentence may show it. */
export function shortened(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}`@<>]/gu, ' ').trim();
  return plain.length > 40 ? `${plain.slice(0, 40)}…` : plain;
}
