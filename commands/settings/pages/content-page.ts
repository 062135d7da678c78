import { ButtonStyle } from 'discord.js';
import { NSFW_POLICIES, SPOILER_POLICIES } from '../../../src/bot/policy/policy.ts';
import { LANGUAGE_NAMES } from '../../../src/bot/text/text.ts';
import {
  button,
  optionsOf,
  type PanelView,
  paragraph,
  type Part,
  row,
  stringSelect,
} from '../panel-parts.ts';

/** Draws the page of what may be painted: words, patterns, what is not safe for work, spoilers, the language. */
export function contentPage({ policy, text }: PanelView): Part[] {
  const { panel } = text;
  const { words, patterns, nsfwWords } = policy;
  const languageOf = (name: string): string =>
    panel.languageIs(LANGUAGE_NAMES[name] ?? panel.discordsLanguage);
  const languages = ['discord', ...Object.keys(LANGUAGE_NAMES)];
  const nsfw = optionsOf(NSFW_POLICIES, (value) => panel.nsfw[value], policy.nsfw);
  const spoiler = optionsOf(SPOILER_POLICIES, (value) => panel.spoiler[value], policy.spoiler);
  const language = optionsOf(languages, languageOf, policy.language ?? 'discord');
  return [
    paragraph([
      panel.titles.content,
      panel.lines.nsfw(panel.nsfw[policy.nsfw]),
      panel.lines.spoiler(panel.spoiler[policy.spoiler]),
      panel.lines.words(words.length, patterns.length, nsfwWords.length),
      panel.lines.language(
        policy.language === null
          ? panel.discordsLanguage
          : (LANGUAGE_NAMES[policy.language] ?? policy.language),
      ),
      policy.gallery ? panel.lines.galleryOn : panel.lines.galleryOff,
    ]),
    row(stringSelect('nsfw', nsfw, {})),
    row(stringSelect('spoiler', spoiler, {})),
    row(stringSelect('language', language, {})),
    row(
      button('words', panel.words),
      policy.gallery
        ? button('gallery-off', panel.galleryOff)
        : button('gallery-on', panel.galleryOn),
      button('reset-content', panel.reset, ButtonStyle.Danger),
    ),
  ];
}
