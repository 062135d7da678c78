/**
 * What stands in /imagine's option `extra`: `eta:0.5 exact:true`, switches as in a prompt (`--eta 0.5 --exact`), or the
 * words of a recipe's line (`ENSD: 31337, RNG: NV`). Any option of table.ts may be named, by its own name, a switch of it
 * or its label in recipes. Pure.
 */
import { WORD_NAMES } from '../../engine/request-codec.ts';
import { MEANINGS, NAMES, type SwitchName, WORDY } from './switches.ts';
import { OPTION_ROWS, type OptionRow } from './table.ts';

/** One thing that was said; `value` as typed, empty where nothing stands behind the key. */
export type ExtraItem = {
  name: SwitchName;
  /** as typed */
  key: string;
  value: string;
  /** where the key begins, and where the value ends */
  from: number;
  to: number;
};

export type Extra = {
  items: readonly ExtraItem[];
  /** words that name no option, with where they begin */
  unknown: readonly { word: string; from: number }[];
};

const KEYS: ReadonlyMap<string, SwitchName> = new Map([
  ...Object.entries(MEANINGS).filter(([, name]) => name !== 'prompt'),
  ...OPTION_ROWS.filter((row) => row.name !== 'extra' && !isOfStart(row)).map(
    ({ option, name }) => [folded(option), name] as const,
  ),
]);

/** They stand beside the option `image`. */
function isOfStart(row: OptionRow): boolean {
  return 'part' in row && row.part.startsWith('init.');
}

const ANY_KEY = [...KEYS.keys()]
  .toSorted((a, b) => b.length - a.length)
  .map((key) => key.replaceAll('-', '[-_ ]'))
  .join('|');
const DASHES = '(?:-{2,3}|[\\u2012-\\u2015\\u2212]{1,2})';
/** A key, and whether it is clear that it is one and no word of a value. */
const KEY = new RegExp(`(?<dashes>${DASHES})?(?<key>${ANY_KEY})(?=[\\s:=,;]|$)`, 'iuy');
const CLEAR_KEY = new RegExp(
  `(?<=^|[\\s,;])(?:${DASHES}(?:${ANY_KEY})|(?:${ANY_KEY})\\s*[:=])`,
  'giu',
);
/** Of choices: their names, as recipes write them too (`No norm`). */
const NAMES_OF: ReadonlyMap<SwitchName, RegExp> = new Map(
  OPTION_ROWS.flatMap((row) => {
    if (row.kind !== 'choice' || row.extra === undefined) return [];
    const names = WORD_NAMES[row.names].map((one) => one.replaceAll('_', '[-_ ]')).join('|');
    return [[row.name, new RegExp(`(?:${names})(?=[\\s,;]|$)`, 'iy')] as const];
  }),
);
const NONE = /(?!)/y;
/** One look for whatever comes first, so that a long text is walked through once. */
const END_OF_WORDS = new RegExp(`[,;\\n]|\\s[\\u2014\\u2013] |${CLEAR_KEY.source}`, 'giu');
const GAP = /[\s,;]*/y;
const BEHIND_KEY = /\s*[:=]\s*|\s+/y;
const QUOTED = /"([^"]*)"|“([^”]*)”|„([^“]*)“/y;
const YES_OR_NO = /(?:on|off|true|false|yes|no|1|0)(?=[\s,;]|$)/iy;
const NUMBER = /-?\d{1,20}(?:[.,]\d{1,20})?(?=[\s,;]|$)/y;
const WORD = /[^\s,;]*/y;
/** What is proposed says behind a dash what it is for. */
const REMARK = /[\u2014\u2013] /y;

/** A key as it is looked up: `CFG normalization` is cfg-normalization. */
function folded(key: string): string {
  return key.toLowerCase().replaceAll(/[_ ]/g, '-');
}

/** What was typed into `extra`, in its order; later ones stand for earlier ones of the same name. */
export function readExtra(typed: string): Extra {
  const items: ExtraItem[] = [];
  const unknown: { word: string; from: number }[] = [];
  let at = taken(GAP, typed, 0).end;
  while (at < typed.length) {
    const found = matchAt(KEY, typed, at);
    const name = KEYS.get(folded(found?.groups?.['key'] ?? ''));
    if (found === null || name === undefined) {
      const remark = taken(REMARK, typed, at);
      const word = taken(WORD, typed, at);
      if (remark.text === '') unknown.push({ word: word.text, from: at });
      at = remark.text === '' ? word.end : nextKey(typed, at);
    } else {
      const from = at;
      const { value, end } = valueAt(typed, at + found[0].length, name);
      items.push({ name, key: found.groups?.['key'] ?? '', value, from, to: end });
      at = end;
    }
    at = taken(GAP, typed, at).end;
  }
  return { items, unknown };
}

/** What stands behind a key that ends at `at`. */
function valueAt(typed: string, at: number, name: SwitchName): { value: string; end: number } {
  const begin = taken(BEHIND_KEY, typed, at).end;
  const quote = matchAt(QUOTED, typed, begin);
  if (quote !== null) {
    return { value: quote.slice(1).find(Boolean) ?? '', end: begin + quote[0].length };
  }
  const isClear = /[:=]/.test(typed.slice(at, begin));
  const kind = kindOf(name);
  if (kind === 'switch') {
    const said = taken(isClear ? WORD : YES_OR_NO, typed, begin);
    return said.text === ''
      ? { value: '', end: isClear ? begin : at }
      : { value: said.text, end: said.end };
  }
  const named = taken(NAMES_OF.get(name) ?? NONE, typed, begin);
  if (named.text !== '') return { value: named.text, end: named.end };
  if (kind !== 'words') {
    const number = kind === 'number' ? taken(NUMBER, typed, begin) : { text: '', end: begin };
    const { text, end } = number.text === '' ? taken(WORD, typed, begin) : number;
    return { value: text, end };
  }
  END_OF_WORDS.lastIndex = begin;
  const end = END_OF_WORDS.exec(typed)?.index ?? typed.length;
  return { value: typed.slice(begin, end).trim(), end };
}

/** `number`: a comma may be in it; `word`: it ends at a gap; `words`: at a comma or the next option. */
function kindOf(name: SwitchName): 'number' | 'switch' | 'word' | 'words' {
  if (NAMES.has(name) || WORDY.has(name)) return 'words';
  const kind = OPTION_ROWS.find((row) => row.name === name)?.kind;
  if (kind === 'switch') return 'switch';
  return kind === 'number' ? 'number' : 'word';
}

function nextKey(typed: string, from: number): number {
  CLEAR_KEY.lastIndex = from;
  return CLEAR_KEY.exec(typed)?.index ?? typed.length;
}

function matchAt(pattern: RegExp, typed: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(typed);
}

function taken(pattern: RegExp, typed: string, at: number): { text: string; end: number } {
  const text = matchAt(pattern, typed, at)?.[0] ?? '';
  return { text, end: at + text.length };
}
