import { CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { Choices } from '../../src/bot/order/choices.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { choiceWords } from '../personal/picture-options.ts';

/** A server's defaults, one line each, also of what the model decides. */
export function describeDefaults(defaults: Choices, text: Text): string[] {
  return CHOICE_NAMES.map((name) => {
    const words = choiceWords(name, defaults, text) ?? `*${text.settingsModelDecides}*`;
    return `**${text.choiceNames[name]}:** ${words}`;
  });
}
