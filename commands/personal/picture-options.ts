import { ApplicationCommandOptionType } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { APIApplicationCommandBasicOption, ChatInputCommandInteraction } from 'discord.js';
import { LIMITS, WORD_NAMES } from '../../src/engine/request-codec.ts';
import type { ImageSize, ModelInfo } from '../../src/engine/request.ts';
import type { ChoiceName, Choices } from '../../src/bot/order/choices.ts';
import { AUTO_STEPS, CHOICE_NAMES, VAE_OF_MODEL } from '../../src/bot/order/choices.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import {
  OPTION_ROWS,
  type OptionName,
  type OptionRow,
  type TypedOptions,
} from '../../src/bot/order/table.ts';
import { rangeOf, typedOptions } from '../../src/bot/order/typed-options.ts';
import { DEFAULT_LIMITS } from '../../src/bot/policy/limits.ts';
import { escapeMarkdown, quoted } from '../../src/bot/render/markdown.ts';
import { checkHeard, isHeard } from '../../src/bot/order/unguided.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { sizeFrom } from '../../src/bot/order/sizes.ts';
import type { Text } from '../../src/bot/text/text.ts';

/** The options of a picture, as commands define them. */
export const PICTURE_OPTIONS = Object.fromEntries(
  OPTION_ROWS.map((row) => [row.name, definitionOf(row)]),
) as Readonly<Record<OptionName, APIApplicationCommandBasicOption>>;

function definitionOf(row: OptionRow): APIApplicationCommandBasicOption {
  const { String: Text, Number: Decimal, Integer, Boolean: Switch } = ApplicationCommandOptionType;
  const { option: name, description } = row;
  switch (row.kind) {
    case 'number': {
      const { min, max, whole } = rangeOf(row);
      // How many pictures an installation allows may be fewer than the engine could paint.
      const most = row.name === 'count' ? DEFAULT_LIMITS.count : max;
      const rest = { name, description, min_value: min, max_value: most };
      return whole ? { type: Integer, ...rest } : { type: Decimal, ...rest };
    }
    case 'choice': {
      const choices = WORD_NAMES[row.names].map((one) => ({ name: one, value: one }));
      return { type: Text, name, description, choices };
    }
    case 'switch':
      return { type: Switch, name, description };
    case 'text': {
      const { completes, longest } = row;
      const limit = longest === undefined ? {} : { max_length: longest };
      return completes
        ? { type: Text, name, description, autocomplete: true, ...limit }
        : { type: Text, name, description, ...limit };
    }
  }
}

/** What was given to a command of them; steps are read by stepsOf. */
export function typedOptionsOf({ options }: ChatInputCommandInteraction): TypedOptions {
  return typedOptions((option) => options.get(option)?.value ?? null);
}

export const CHOICE_OPTIONS: readonly APIApplicationCommandBasicOption[] = CHOICE_NAMES.map(
  (name) => PICTURE_OPTIONS[name],
);

/** The steps that were typed: a number, AUTO_STEPS, or null. @throws UserError for anything else */
export function stepsOf(typed: string | null, text: Text): number | null {
  const plain = typed?.trim().toLowerCase() ?? '';
  if (plain === '') return null;
  if (plain === 'auto' || plain === text.auto.toLowerCase()) return AUTO_STEPS;
  const { min, max } = LIMITS.steps;
  const steps = /^\d{1,6}$/.test(plain) ? Number(plain) : Number.NaN;
  if (steps >= min && steps <= max) return steps;
  throw new UserError(text.stepsOrAuto(quoted(plain, 40), min, max));
}

/** What was given of them; a ratio means the pixels that the model chosen, or else used here, paints best. @throws UserError for a size that is none */
export async function choicesOf(
  interaction: ChatInputCommandInteraction,
  { engine, settings, own, text }: Scene,
): Promise<Choices> {
  const { options, guildId } = interaction;
  const typed = typedOptionsOf(interaction);
  const [models, server] = await Promise.all([engine.models(), settings.defaults(guildId)]);
  const defaults = { ...server, ...own.choices };
  const model = chooseModel(models, typed.model, defaults, text);
  if (typed.model !== null) checkHeard(typed, model);
  const given: { [K in ChoiceName]?: unknown } = {
    ...Object.fromEntries(
      CHOICE_NAMES.map((name) => [name, name === 'steps' ? null : typed[name]]),
    ),
    steps: stepsOf(options.getString('steps'), text),
    size: typed.size === null ? null : sizeFrom(typed.size, model, text),
    vae: vaeHere(typed.vae ?? null, models, text),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => (value ?? null) !== null));
}

/** One line for each that is set, ready to print; of what does nothing for the model among them none. */
export async function choiceLines(
  choices: Choices,
  { engine, text }: Pick<Scene, 'engine' | 'text'>,
): Promise<string[]> {
  const models = choices.model === undefined ? [] : await engine.models();
  const model = models.find(({ name }) => name === choices.model);
  const heard = CHOICE_NAMES.filter((name) => model === undefined || isHeard(name, model));
  return heard.flatMap((name) => {
    const words = choiceWords(name, choices, text);
    return words === null ? [] : [`**${text.choiceNames[name]}:** ${words}`];
  });
}

/** Ready to print; null where it is not set. */
export function choiceWords(name: ChoiceName, choices: Choices, text: Text): string | null {
  const value = choices[name];
  if (value === undefined) return null;
  if (typeof value === 'object') return sizeWords(value);
  if (typeof value === 'boolean') return value ? text.yes : text.no;
  if (typeof value === 'number') {
    return name === 'steps' && value === AUTO_STEPS ? text.auto : String(value);
  }
  return name === 'negative' || name === 'model' || name === 'vae'
    ? quoted(value, 200)
    : escapeMarkdown(value);
}

const sizeWords = ({ width, height }: ImageSize) => `${width}x${height}`;

/** VAEs that some model here may be given, and the word for a model's own. */
export function vaesOf(models: readonly ModelInfo[]): string[] {
  return [VAE_OF_MODEL, ...new Set(models.flatMap(({ vaes = [] }) => vaes))];
}

/** As it is called here. @throws UserError with the names there are */
export function vaeHere(
  typed: string | null,
  models: readonly ModelInfo[],
  text: Text,
): string | null {
  if (typed === null || typed.trim() === '') return null;
  const names = vaesOf(models);
  const found = names.find((name) => name.toLowerCase() === typed.trim().toLowerCase());
  if (found !== undefined) return found;
  const there = names.slice(0, 10).map((name) => quoted(name, 60));
  throw new UserError(text.unknownVae(quoted(typed, 60), text.anyModel, there.join(', ')));
}
