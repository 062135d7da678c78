import { GERMAN_DESCRIPTIONS, GERMAN_NAMES } from './de/descriptions.ts';
import { GERMAN } from './de/german.ts';
import { ENGLISH } from './en/english.ts';

/** A language: one folder beside this file, and one entry below. A test finds what a folder lacks. */
export type Language = {
  /** as Discord calls it: the first part of its locale */
  locale: string;
  /** in itself */
  name: string;
  text: typeof ENGLISH;
  /** of commands and options, by the English words of their definitions; English needs none */
  descriptions: Readonly<Record<string, string>> | null;
  /** of the commands in a message's menu, by their English names */
  names: Readonly<Record<string, string>>;
};

export const LANGUAGES: readonly Language[] = [
  { locale: 'en', name: 'English', text: ENGLISH, descriptions: null, names: {} },
  {
    locale: 'de',
    name: 'Deutsch',
    text: GERMAN,
    descriptions: GERMAN_DESCRIPTIONS,
    names: GERMAN_NAMES,
  },
];
