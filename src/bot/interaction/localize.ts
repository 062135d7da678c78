import { ApplicationCommandType } from 'discord.js';
import type { RESTPostAPIApplicationCommandsJSONBody } from 'discord.js';
import { LANGUAGES } from '../text/languages.ts';
import type { Text } from '../text/text.ts';

/**
 * A command's definition with its descriptions in every language there is. Names of slash commands stay as they are:
 * people tell them to each other. Those in a message's menu are read, so they are translated.
 */
export function withTranslations(
  definition: RESTPostAPIApplicationCommandsJSONBody,
): RESTPostAPIApplicationCommandsJSONBody {
  if (definition.type !== ApplicationCommandType.Message) return translated(definition);
  const names = inAll(({ names: own }) => own[definition.name]);
  return { ...definition, ...(names && { name_localizations: names }) };
}

function translated<T extends object>(node: T): T {
  const { description, options } = Object(node);
  const others = inAll(({ descriptions }) => descriptions?.[description]);
  return {
    ...node,
    ...(others && { description_localizations: others }),
    ...(Array.isArray(options) ? { options: options.map(translated) } : {}),
  };
}

/** By locale; null where no language has it. */
function inAll(
  find: (language: (typeof LANGUAGES)[number]) => string | undefined,
): Record<string, string> | null {
  const found = LANGUAGES.flatMap((language) => {
    const words = find(language);
    return words === undefined ? [] : [[language.locale, words] as const];
  });
  return found.length === 0 ? null : Object.fromEntries(found);
}

/** An option's description in the language of `text`. */
export function describedIn(text: Text, description: string): string {
  const own = LANGUAGES.find((language) => language.text === text);
  return own?.descriptions?.[description] ?? description;
}
