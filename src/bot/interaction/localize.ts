import type { RESTPostAPIApplicationCommandsJSONBody } from 'discord.js';
import { GERMAN_DESCRIPTIONS } from '../text/de/descriptions.ts';

/**
 * A command's definition with its descriptions in every language there is. Names stay as they are: people tell
 * them to each other.
 */
export function withTranslations(
  definition: RESTPostAPIApplicationCommandsJSONBody,
): RESTPostAPIApplicationCommandsJSONBody {
  return translated(definition);
}

function translated<T extends object>(node: T): T {
  const { description, options } = Object(node);
  const german: unknown = GERMAN_DESCRIPTIONS[description];
  return {
    ...node,
    ...(german === undefined ? {} : { description_localizations: { de: german } }),
    ...(Array.isArray(options) ? { options: options.map(translated) } : {}),
  };
}
