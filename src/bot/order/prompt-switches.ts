import { UserError } from '../../engine/errors.ts';
import { LIMITS, WORD_NAMES } from '../../engine/request-codec.ts';
import { codeSpan } from '../render/markdown.ts';
import type { Text } from '../text/text.ts';
import { AUTO_STEPS } from './choices.ts';
import type { Choices } from './choices.ts';
import type { Order } from './options.ts';
import type { OrderNote } from './notes.ts';
import { readExtra } from './extra.ts';
import { EXTRA_ROWS, OPTION_ROWS, type OptionRow, optionRow } from './table.ts';
import { rangeOf } from './typed-options.ts';
import { readSwitches } from './switches.ts';
import type { SwitchName } from './switches.ts';

/**
 * The order that a prompt with switches means: the words without them, and what they and the option `extra` set where no
 * option of the command says otherwise.
 * @throws UserError for a switch whose value is none, and for words of `extra` that are no option
 */
export function withSwitches<T extends Order>(
  order: T,
  defaults: Pick<Choices, 'negative'>,
  text: Text,
): { order: T; notes: OrderNote[] } {
  const { prompt, found, unknown } = readSwitches(order.prompt);
  const notes: OrderNote[] = unknown.map((what) => ({ kind: 'unknown-switch', what }));
  const next: T = { ...order, prompt, extra: null };
  for (const said of [saidInExtra(order.extra ?? '', text), [...found]]) {
    lay(next, said, notes, defaults, text);
  }
  return { order: next, notes };
}

type Saying = readonly [name: SwitchName, said: { switch: string; value: string }];

/** @throws UserError with what there is, for words that are no option */
function saidInExtra(typed: string, text: Text): Saying[] {
  const { items, unknown } = readExtra(typed);
  const [first] = unknown;
  if (first !== undefined) {
    const known = EXTRA_ROWS.map(({ option }) => codeSpan(option, 40)).join(' ');
    throw new UserError(text.extraUnknown(codeSpan(first.word, 60), known));
  }
  const last = new Map<SwitchName, { switch: string; value: string }>();
  for (const { name, key, value } of items) {
    const isYes = value === '' && isSwitch(name);
    last.set(name, { switch: key, value: isYes ? 'on' : value });
  }
  return [...last];
}

/** Sets in `order` what was said and what nothing before it says otherwise. */
function lay(
  order: Order,
  sayings: readonly Saying[],
  notes: OrderNote[],
  defaults: Pick<Choices, 'negative'>,
  text: Text,
): void {
  const before = { ...order };
  const sides: { width?: string; height?: string } = {};
  for (const [name, said] of sayings) {
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
      case 'extra':
        continue;
      case 'negative':
        order.negative = joined(before.negative ?? defaults.negative ?? '', said.value);
        continue;
      default:
        if (isSet(before, name)) notes.push({ kind: 'overruled-switch', what: typed });
        else set(order, name, said.value, typed, text);
    }
  }
  if (sides.width !== undefined || sides.height !== undefined) {
    const both = `${sides.width ?? sides.height}x${sides.height ?? sides.width}`;
    if (order.size === null) order.size = both;
    else notes.push({ kind: 'overruled-switch', what: both });
  }
}

const isSwitch = (wanted: SwitchName): boolean =>
  OPTION_ROWS.some(({ name, kind }) => name === wanted && kind === 'switch');

type Plain = Exclude<SwitchName, 'width' | 'height' | 'prompt' | 'extra' | 'negative'>;

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
    default:
      Object.assign(order, { [name]: valueOf(optionRow(name), value, typed, text) });
  }
}

function valueOf(row: OptionRow, value: string, typed: string, text: Text) {
  if (row.kind === 'number') return numberIn(value, typed, rangeOf(row), text);
  if (row.kind === 'choice' && row.field !== undefined) return nameIn(row.names, value);
  if (row.kind !== 'switch') return value;
  if (/^(?:on|true|yes|1)$/i.test(value)) return true;
  if (/^(?:off|false|no|0)$/i.test(value)) return false;
  throw new UserError(text.switchOnOrOff(codeSpan(typed, 60)));
}

/** As the list has it, whatever its letter case and gaps (recipes say `No norm`); else as it was typed, to be refused. */
function nameIn(names: keyof typeof WORD_NAMES, value: string): string {
  const plain = value.toLowerCase().replaceAll(/[\s-]+/g, '_');
  return WORD_NAMES[names].find((name) => name === plain) ?? value;
}

type Range = { min: number; max: number; whole?: boolean };

function numberIn(
  value: string,
  typed: string,
  { min, max, whole = false }: Range,
  text: Text,
): number {
  const plain = value.replace(',', '.');
  const number = /^-?(?:\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})$/.test(plain)
    ? Number(plain)
    : Number.NaN;
  if (number >= min && number <= max && (!whole || Number.isInteger(number))) return number;
  throw new UserError(text.switchValue(codeSpan(typed, 60), min, max));
}

const joined = (before: string, more: string) =>
  [before, more].filter((one) => one.trim() !== '').join(', ');
