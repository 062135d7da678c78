/**
 * Switches that Midjourney's and A1111's users type into a prompt (`--ar 16:9 --no snow --seed 5`): taken out of the
 * text, and read where an option of Darkroom means the same. Pure.
 */

import { OPTION_ROWS, type OptionName } from './table.ts';

/** What a switch can set. `prompt`: A1111's prompts from a file give the words themselves as a switch. */
export type SwitchName = OptionName | 'width' | 'height' | 'prompt';

export type Switches = {
  /** the words without the switches */
  prompt: string;
  /** what was said, the last of each, as typed; `switch` is the switch's own name */
  found: ReadonlyMap<SwitchName, { switch: string; value: string }>;
  /** switches that mean nothing here, with what belongs to them, as typed */
  unknown: readonly string[];
};

/** By what stands behind the hyphens. */
export const MEANINGS: Readonly<Record<string, SwitchName>> = {
  ...Object.fromEntries(
    OPTION_ROWS.flatMap(({ name, switches }) => switches.map((one) => [one, name])),
  ),
  width: 'width',
  height: 'height',
  prompt: 'prompt',
};

/** Meanings whose value is every word up to the next switch. */
export const WORDY: ReadonlySet<SwitchName> = new Set(['negative', 'prompt']);
/** Meanings whose value may be a name of several words. */
export const NAMES: ReadonlySet<SwitchName> = new Set(['sampler', 'model', 'schedule', 'vae']);

/** Meanings that are yes without a value. */
const YES: ReadonlySet<SwitchName> = new Set(
  OPTION_ROWS.filter(({ kind }) => kind === 'switch').map(({ name }) => name),
);

/** What the others' switches take, where nothing here means the same: so much is taken out with them. */
const FOREIGN: Readonly<Record<string, 'flag' | 'value' | 'values' | 'maybe'>> = {
  ...all('value', 's stylize chaos c quality q weird w iw stop style exp ow cw sw sv sameseed'),
  ...all('value', 'motion bs seed-resize-from-w seed-resize-from-h denoising-strength restore'),
  ...all('value', 'outpath-samples outpath-grids styles prompt-styles s-churn s-tmin s-noise'),
  ...all('values', 'sref cref oref'),
  ...all('maybe', 'v version niji p personalize profile'),
  ...all('flag', 'tile tiling fast turbo relax public stealth raw draft hd hq sd video loop end'),
  ...all('flag', 'test testp creative uplight upbeta upanime light beta restore-faces'),
  ...all('flag', 'do-not-save-samples do-not-save-grid do-not-reload-embeddings'),
};

function all<T>(kind: T, names: string): Record<string, T> {
  return Object.fromEntries(names.split(' ').map((name) => [name, kind]));
}

/** Two hyphens, or the dash that a phone makes of them. */
const DASH = '(?:-{2,3}|[\\u2012-\\u2015\\u2212]{1,2})';
const START = new RegExp(
  `(?<before>^|[^\\\\])(?<dash>${DASH})(?<gap> ?)(?<name>[A-Za-z][\\w-]*)`,
  'gu',
);

type Found = {
  /** where its dash stands, and where what follows its name begins */
  from: number;
  to: number;
  /** as typed, with two hyphens */
  typed: string;
  name: string;
  meaning: SwitchName | null;
  takes: 'flag' | 'yes' | 'value' | 'values' | 'maybe' | 'words' | 'unknown';
};

/** `typed`: a prompt as it was typed. A backslash before the dashes keeps them as words. */
export function readSwitches(typed: string): Switches {
  const starts = startsIn(typed);
  const found = new Map<SwitchName, { switch: string; value: string }>();
  const unknown: string[] = [];
  let words = '';
  let at = 0;
  for (const [index, one] of starts.entries()) {
    const end = starts[index + 1]?.from ?? typed.length;
    const { value, rest } = valueOf(typed.slice(one.to, end), one, starts.length === index + 1);
    words += typed.slice(at, one.from);
    at = end;
    if (one.meaning === null) unknown.push(`${one.typed} ${value}`.trim());
    else if (one.meaning === 'prompt') words += ` ${value} `;
    else {
      const before = one.meaning === 'negative' ? found.get('negative')?.value : undefined;
      const both = before === undefined || before === '' ? value : `${before}, ${value}`;
      found.set(one.meaning, { switch: one.typed, value: both });
    }
    words += rest;
  }
  words += typed.slice(at);
  return { prompt: starts.length === 0 ? plain(typed) : tidied(plain(words)), found, unknown };
}

const plain = (text: string) => text.replaceAll(new RegExp(`\\\\(?=${DASH}[A-Za-z])`, 'gu'), '');

/** Without the gaps that switches left, and without a comma that led to one. */
function tidied(text: string): string {
  return text
    .replaceAll(/[ \t]{2,}/g, ' ')
    .replaceAll(/ +(?=,)/g, '')
    .replace(/^[\s,]+|[\s,]+$/g, '');
}

function startsIn(text: string): Found[] {
  const found: Found[] = [];
  for (const match of text.matchAll(START)) {
    const { before = '', dash = '', gap = '', name: written = '' } = match.groups ?? {};
    const known = lookUp(written);
    const from = match.index + before.length;
    const to = match.index + match[0].length - known.surplus;
    const apart = before === '' || /[\s,;.)\]}]/u.test(before);
    const number = /^[\s=:]*[“"']?-?\d/u.test(text.slice(to));
    const isHyphens = dash.startsWith('-');
    // "well--known" and "a cat — no, two" are prose; "cat--ar 16:9" and "— ar 16:9" are switches with a slip.
    const isKnown = known.meaning !== null || known.takes !== 'unknown';
    if (gap !== '' && !(isKnown && number && written !== 'no')) continue;
    if (!apart && !(isKnown && number)) continue;
    if (!isHyphens && !isKnown && found.length === 0) continue;
    // A phone's dash before a word that takes no value is prose, unless it ends the prompt.
    if (!isHyphens && known.takes === 'yes' && /[^\s,;.]/u.test(text.slice(to))) continue;
    found.push({ ...known, from, to, typed: `--${known.name}` });
  }
  return found;
}

/** `--ar16:9` and `--v6` are written together: what is too much of the name belongs to the value. */
function lookUp(written: string): Omit<Found, 'from' | 'to' | 'typed'> & { surplus: number } {
  for (const name of [written, /^[A-Za-z_-]*[A-Za-z]/.exec(written)?.[0] ?? written]) {
    const key = name.toLowerCase().replaceAll('_', '-');
    const surplus = written.length - name.length;
    const meaning = Object.hasOwn(MEANINGS, key) ? (MEANINGS[key] ?? null) : null;
    if (meaning !== null) {
      const takes = WORDY.has(meaning) ? 'words' : YES.has(meaning) ? 'yes' : 'value';
      return { name, meaning, takes, surplus };
    }
    const takes = Object.hasOwn(FOREIGN, key) ? FOREIGN[key] : undefined;
    if (takes !== undefined) return { name, meaning: null, takes, surplus };
  }
  return { name: written, meaning: null, takes: 'unknown', surplus: 0 };
}

/** What follows a switch: its value, and the words that go on after it. */
function valueOf(
  after: string,
  { meaning, takes }: Found,
  isLast: boolean,
): { value: string; rest: string } {
  const text = after.replace(/^\s*[=:]?\s*/, '');
  const quote = /^(?:"([^"]*)"|'([^']*)'|“([^”]*)”|„([^“]*)“)/u.exec(text);
  if (takes === 'flag') return { value: '', rest: after };
  if (takes === 'yes') {
    // "--exact on a table" is a table: a value stands alone, or behind an equals sign.
    const said = /^\s*[=:]\s*([^\s,;]+)|^\s*(on|off|true|false)[\s,;.]*$/i.exec(after);
    const value = said?.[1] ?? said?.[2];
    return value === undefined
      ? { value: 'on', rest: after }
      : { value, rest: after.slice(said?.[0].length) };
  }
  if (takes === 'words' && quote === null) return { value: text.trim(), rest: '' };
  if (quote !== null) {
    const value = quote.slice(1).find((one) => one !== undefined) ?? '';
    return { value: value.trim(), rest: text.slice(quote[0].length) };
  }
  if (meaning !== null && NAMES.has(meaning)) return { value: ended(text), rest: '' };
  const tokens = text
    .trim()
    .split(/\s+/u)
    .filter((token) => token !== '');
  const isNumber = (token: string | undefined) => token !== undefined && /\d/.test(token);
  const isLink = (token: string) => /^(?:https?:\/\/|\d|random\b)/i.test(token);
  let taken = 1;
  if (takes === 'values') {
    const other = tokens.findIndex((token) => !isLink(token));
    taken = Math.max(1, other === -1 ? tokens.length : other);
  } else if (takes === 'maybe' || takes === 'unknown') {
    // One word alone before the next switch is a value; more of them are the prompt going on.
    taken = isNumber(tokens[0]) || (tokens.length === 1 && isLast) ? 1 : 0;
    if (tokens.length === 1 && takes === 'unknown') taken = 1;
  }
  return {
    value: ended(tokens.slice(0, taken).join(' ')),
    rest: ` ${tokens.slice(taken).join(' ')}`,
  };
}

const ended = (value: string) => value.trim().replace(/[,;.]+$/, '');
