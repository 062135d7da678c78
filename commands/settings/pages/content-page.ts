import { ButtonStyle } from 'discord.js';
import { NSFW_POLICIES, SPOILER_POLICIES } from '../../../src/bot/policy/policy.ts';
import { LANGUAGE_NAMES } from '../../../src/bot/text/text.ts';
import { button, type PanelView, paragraph, type Part, row, stringSelect } from '../panel-parts.ts';

/** Draws the page of what may be painted: words, patterns, what is not safe for work, spoilers, the language. */
export function contentPage({ policy, text }: PanelView): Part[] {
  const { panel } = text;
  const { words, patterns, nsfwWords } = policy;
  const nsfw = NSFW_POLICIES.map((value) => ({
    label: panel.nsfw[value],
    value,
    default: policy.nsfw === value,
  }));
  const languages = [
    {
      value: 'discord',
      label: panel.languageIs(panel.discordsLanguage),
      default: policy.language === null,
    },
    ...Object.entries(LANGUAGE_NAMES).map(([value, name]) => ({
      value,
      label: panel.languageIs(name),
      default: policy.language === value,
    })),
  ];
  const spoiler = SPOILER_POLICIES.map((value) => ({
    label: panel.spoiler[value],
    value,
    default: policy.spoiler === value,
  }));
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
    row(stringSelect('language', languages, {})),
    row(
      button('words', panel.words),
      policy.gallery
        ? button('gallery-off', panel.galleryOff)
        : button('gallery-on', panel.galleryOn),
      button('reset-content', panel.reset, ButtonStyle.Danger),
    ),
  ];
}
