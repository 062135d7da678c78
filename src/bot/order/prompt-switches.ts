import { UserError } from '../../engine/errors.ts';
import { LIMITS } from '../../engine/request-codec.ts';
import { codeSpan } from '../render/markdown.ts';
import type { Text } from '../text/text.ts';
import { AUTO_STEPS } from './choices.ts';
import type { Choices } from './choices.ts';
import type { Order } from './options.ts';
import type { OrderNote } from './notes.ts';
import { type OptionRow, optionRow } from './table.ts';
import { rangeOf } from './typed-options.ts';
import { readSwitches } from './switches.ts';
import type { SwitchName } from './switches.ts';

/**
 * The order that a prompt with switches means: the words without them, and what they set where no option of the command
 * says otherwise. @throws UserError for a switch whose value is none
 */
export function withSwitches<T extends Order>(
  order: T,
  defaults: Pick<Choices, 'negative'>,
  text: Text,
): { order: T; notes: OrderNote[] } {
  const { prompt, found, unknown } = readSwitches(order.prompt);
  const notes: OrderNote[] = unknown.map((what) => ({ kind: 'unknown-switch', what }));
  const next: T = { ...order, prompt };
  const sides: { width?: string; height?: string } = {};
  for (const [name, said] of found) {
    const typed = `${said.switch} ${said.value}`.trim();
    if (said.value === '' && name !== 'negative') {
      throw new UserError(text.switchNeedsValue(codeSpan(said.switch, 40)));
    }
    switch (name) {
      case 'width':
      case 'height':
        sides[name] = said.value;
        continue;
      case 'prompt':
        continue;
      case 'negative':
        next.negative = joined(order.negative ?? defaults.negative ?? '', said.value);
        continue;
      default:
        if (isSet(order, name)) notes.push({ kind: 'overruled-switch', what: typed });
        else set(next, name, said.value, typed, text);
    }
  }
  if (sides.width !== undefined || sides.height !== undefined) {
    const both = `${sides.width ?? sides.height}x${sides.height ?? sides.width}`;
    if (next.size === null) next.size = both;
    else notes.push({ kind: 'overruled-switch', what: both });
  }
  return { order: next, notes };
}

type Plain = Exclude<SwitchName, 'width' | 'height' | 'prompt' | 'negative'>;

function isSet(order: Order, name: Plain): boolean {
  return (order[name] ?? null) !== null;
}

function set(order: Order, name: Plain, value: string, typed: string, text: Text): void {
  const number = (most: Range): number => numberIn(value, typed, most, text);
  switch (name) {
    case 'steps':
      order.steps = /^auto$/i.test(value) ? AUTO_STEPS : number({ ...LIMITS.steps, whole: true });
      return;
    case 'seed':
    case 'variationSeed':
      order[name] = /^(?:-1|random)$/i.test(value) ? null : value;
      return;
    case 'hires':
      order.hires = number(LIMITS.hiresScale);
      return;
    case 'variation':
      order.variation = number({ min: 0, max: 1 });
      return;
    default:
      Object.assign(order, { [name]: valueOf(optionRow(name), value, typed, text) });
  }
}

function valueOf(row: OptionRow, value: string, typed: string, text: Text) {
  if (row.kind === 'number') return numberIn(value, typed, rangeOf(row), text);
  if (row.kind !== 'switch') return value;
  if (/^(?:on|true)$/i.test(value)) return true;
  if (/^(?:off|false)$/i.test(value)) return false;
  throw new UserError(text.switchOnOrOff(codeSpan(typed, 60)));
}

type Range = { min: number; max: number; whole?: boolean };

function numberIn(
  value: string,
  typed: string,
  { min, max, whole = false }: Range,
  text: Text,
): number {
  const plain = value.replace(',', '.');
  const number = /^-?\d{1,9}(\.\d{1,6})?$/.test(plain) ? Number(plain) : Number.NaN;
  if (number >= min && number <= max && (!whole || Number.isInteger(number))) return number;
  throw new UserError(text.switchValue(codeSpan(typed, 60), min, max));
}

const joined = (before: string, more: string) =>
  [before, more].filter((one) => one.trim() !== '').join(', ');
