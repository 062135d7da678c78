import { wordsOf, type Said } from '../../engine/said.ts';
import { ENGLISH } from './en/english.ts';
import { LANGUAGES } from './languages.ts';

/**
 * Every sentence a person reads from the bot, in one folder a language, one file a subject. Another language is
 * another folder of these types, named in languages.ts; command names stay English everywhere, because people tell
 * them to each other.
 *
 * Names, prompts and numbers arrive ready to print: escaping is the caller's work (markdown.ts).
 */
export type Text = typeof ENGLISH;

/** An error or failure in the language of `text`, as far as it came in sentences. */
export function spoken(
  { message, said = [] }: { message: string; said?: readonly Said[] },
  text: Text,
): string {
  return said.length === 0 ? message : wordsOf(said, text.said);
}

const BY_LOCALE: ReadonlyMap<string, Text> = new Map(
  LANGUAGES.map(({ locale, text }) => [locale, text]),
);

/** For a menu: by locale, each in its own language. */
export const LANGUAGE_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  LANGUAGES.map(({ locale, name }) => [locale, name]),
);

/** The text for a Discord locale such as `en-GB`; English where there is no translation. */
export function textFor(locale: string): Text {
  return BY_LOCALE.get(locale) ?? BY_LOCALE.get(locale.split('-')[0] ?? '') ?? ENGLISH;
}
