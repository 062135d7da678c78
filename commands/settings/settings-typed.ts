import { UserError } from '../../src/engine/errors.ts';
import { plainLine, shorten } from '../../src/bot/render/markdown.ts';
import { LIST_LIMITS } from '../../src/bot/policy/policy.ts';
import { compilePattern } from '../../src/bot/policy/words.ts';
import type { Text } from '../../src/bot/text/text.ts';

/** undefined for an empty field. @throws UserError for what is no number of the range */
export function numberOf(
  typed: string,
  label: string,
  { min, max, whole = false }: { min: number; max: number; whole?: boolean },
  text: Text,
): number | undefined {
  if (typed === '') return undefined;
  const plain = typed.replace(',', '.');
  const value = /^\d{1,9}(\.\d{1,4})?$/.test(plain) ? Number(plain) : Number.NaN;
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new UserError(text.panel.notANumber(label, shown(typed), min, max));
}

/** undefined for an empty field. @throws UserError for what is neither on nor off, nor yes nor no in their language */
export function switchOf(typed: string, label: string, text: Text): boolean | undefined {
  const said = typed.toLowerCase();
  if (said === '') return undefined;
  if (['on', 'true', 'yes', text.yes].includes(said)) return true;
  if (['off', 'false', 'no', text.no].includes(said)) return false;
  throw new UserError(text.switchOnOrOff(`${label}: ${shown(typed)}`));
}

/** Words, one a line or between commas. @throws UserError for too many or too long ones */
export function entriesOf(typed: string, text: Text): string[] {
  return listOf(typed, /[\n,]/, LIST_LIMITS.words, LIST_LIMITS.wordLength, text);
}

function listOf(
  typed: string,
  separator: RegExp,
  most: number,
  longest: number,
  text: Text,
): string[] {
  const entries = [...new Set(typed.split(separator).map((entry) => entry.trim()))].filter(
    (entry) => entry !== '',
  );
  if (entries.length > most) throw new UserError(text.panel.tooManyWords(entries.length, most));
  const long = entries.find((entry) => entry.length > longest);
  if (long !== undefined) throw new UserError(text.panel.wordTooLong(shown(long), longest));
  return entries;
}

/** One a line. @throws UserError for one that RE2 does not take */
export function patternsOf(typed: string, text: Text): string[] {
  const { patterns, patternLength } = LIST_LIMITS;
  const entries = listOf(typed, /\n/, patterns, patternLength, text);
  const bad = entries.find((entry) => compilePattern(entry) === null);
  if (bad !== undefined) throw new UserError(text.panel.badPattern(shown(bad)));
  return entries;
}

const shown = (typed: string) => shorten(plainLine(typed), 60);
