import { CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { ChoiceName, Choices } from '../../src/bot/order/choices.ts';
import { isHeard } from '../../src/bot/order/unguided.ts';
import { optionRow } from '../../src/bot/order/table.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import { escapeMarkdown, quoted } from '../../src/bot/render/markdown.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { choiceWords } from '../personal/picture-options.ts';

/**
 * A server's defaults, one line each; of what is left to the model, its own value. `models`: the one that paints here
 * unless somebody names another comes from the defaults, else is the first. What does nothing for it has no line.
 */
export function describeDefaults(
  defaults: Choices,
  text: Text,
  models: readonly ModelInfo[] = [],
): string[] {
  const model = models.find(({ name }) => name === defaults.model) ?? models[0];
  const heard = CHOICE_NAMES.filter((name) => model === undefined || isHeard(name, model));
  return heard.map((name) => {
    const own = model === undefined ? null : ownWords(name, model, defaults, text);
    const words =
      choiceWords(name, defaults, text) ??
      (own === null ? `*${text.settingsModelDecides}*` : text.settingsModels(own));
    return `**${text.choiceNames[name]}:** ${words}`;
  });
}

/** Ready to print; null: the model has no word for it. */
function ownWords(
  name: ChoiceName,
  { name: called, nativeSize, defaults: own }: ModelInfo,
  set: Choices,
  text: Text,
): string | null {
  switch (name) {
    case 'model':
      return quoted(called, 80);
    case 'sampler':
      return escapeMarkdown(own.sampler);
    case 'schedule':
      // A schedule belongs to its sampler: of another one the model says nothing.
      return set.sampler === undefined || set.sampler === own.sampler
        ? escapeMarkdown(own.schedule)
        : 'automatic';
    case 'steps':
      return String(own.steps);
    case 'cfg':
      return String(own.guidanceScale);
    case 'size':
      return `${nativeSize.width}x${nativeSize.height}`;
    case 'count':
    case 'clipSkip':
      return '1';
    case 'pag':
      return String(own.pagScale ?? 0);
    case 'negative':
      return text.settingsEmpty;
    default:
      return optionRow(name).kind === 'switch' ? text.no : null;
  }
}
