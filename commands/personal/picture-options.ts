import { ApplicationCommandOptionType } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type {
  APIApplicationCommandBasicOption,
  AutocompleteInteraction,
  ChatInputCommandInteraction,
} from 'discord.js';
import { SAMPLERS, SCHEDULES } from '../../src/engine/names.ts';
import { LIMITS } from '../../src/engine/request-codec.ts';
import type { ImageSize, ModelInfo } from '../../src/engine/request.ts';
import type { ChoiceName, Choices } from '../../src/bot/order/choices.ts';
import { AUTO_STEPS, CHOICE_NAMES, VAE_OF_MODEL } from '../../src/bot/order/choices.ts';
import type { Choice, Scene } from '../../src/bot/interaction/command.ts';
import { PICTURE_NUMBERS, rangeOf, typedNumbers } from '../../src/bot/order/numbers.ts';
import type { NumberName } from '../../src/bot/order/numbers.ts';
import { DEFAULT_LIMITS } from '../../src/bot/policy/limits.ts';
import { escapeMarkdown, plainLine, quoted, shorten } from '../../src/bot/render/markdown.ts';
import { chooseModel } from '../../src/bot/order/options.ts';
import { isSampler, isSchedule } from '../../src/engine/names.ts';
import { offeredSizes, sizeFrom } from '../../src/bot/order/sizes.ts';
import type { Text } from '../../src/bot/text/text.ts';

/** The options of a picture that can be chosen beforehand as well as in `/imagine`. */
export const PICTURE_OPTIONS: Readonly<
  Record<ChoiceName | NumberName, APIApplicationCommandBasicOption>
> = {
  ...numberOptions(),
  negative: {
    type: ApplicationCommandOptionType.String,
    name: 'negative',
    description: 'What should not be in it',
  },
  model: {
    type: ApplicationCommandOptionType.String,
    name: 'model',
    description: 'Which model paints',
    autocomplete: true,
    max_length: 100,
  },
  size: {
    type: ApplicationCommandOptionType.String,
    name: 'size',
    description: 'Pixels (512x768), a ratio (16:9), or square, portrait, landscape, tall, wide',
    autocomplete: true,
    max_length: 40,
  },
  // A text, so that "auto" can be sent before Discord has shown it as a choice.
  steps: {
    type: ApplicationCommandOptionType.String,
    name: 'steps',
    description: 'How often the picture is refined; 20 to 30 is usual, auto takes as few as it can',
    autocomplete: true,
    max_length: 10,
  },
  sampler: {
    type: ApplicationCommandOptionType.String,
    name: 'sampler',
    description: 'The path from noise to picture',
    choices: SAMPLERS.map((name) => ({ name, value: name })),
  },
  schedule: {
    type: ApplicationCommandOptionType.String,
    name: 'schedule',
    description: 'How the noise levels are spaced',
    choices: SCHEDULES.map((name) => ({ name, value: name })),
  },
  vae: {
    type: ApplicationCommandOptionType.String,
    name: 'vae',
    description: "Which VAE turns latents into pixels; automatic is the model's own",
    autocomplete: true,
    max_length: 100,
  },
};

/** How many pictures an installation allows may be fewer than the engine could paint. */
function numberOptions(): Record<NumberName, APIApplicationCommandBasicOption> {
  const options = PICTURE_NUMBERS.map(({ name, option, description }) => {
    const { min, max, whole } = rangeOf(name);
    const type = whole ? ApplicationCommandOptionType.Integer : ApplicationCommandOptionType.Number;
    const most = name === 'count' ? DEFAULT_LIMITS.count : max;
    return [name, { type, name: option, description, min_value: min, max_value: most }] as const;
  });
  return Object.fromEntries(options) as Record<NumberName, APIApplicationCommandBasicOption>;
}

/** The numbers that were given to a command. */
export function typedNumbersOf({
  options,
}: ChatInputCommandInteraction): ReturnType<typeof typedNumbers> {
  return typedNumbers((option) => {
    const value = options.get(option)?.value;
    return typeof value === 'number' ? value : null;
  });
}

export const SEED_OPTION: APIApplicationCommandBasicOption = {
  type: ApplicationCommandOptionType.String,
  name: 'seed',
  description: 'The same seed gives the same picture; left out: a new one',
  max_length: 40,
};

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
  const sampler = options.getString('sampler');
  const schedule = options.getString('schedule');
  const size = options.getString('size');
  const [models, server] = await Promise.all([engine.models(), settings.defaults(guildId)]);
  const defaults = { ...server, ...own.choices };
  const model = chooseModel(models, options.getString('model'), defaults, text);
  const given: { [K in ChoiceName]?: Choices[K] | null } = {
    ...typedNumbersOf(interaction),
    model: options.getString('model'),
    sampler: isSampler(sampler) ? sampler : null,
    schedule: isSchedule(schedule) ? schedule : null,
    steps: stepsOf(options.getString('steps'), text),
    size: size === null ? null : sizeFrom(size, model, text),
    negative: options.getString('negative'),
    vae: vaeHere(options.getString('vae'), models, text),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** One line for each that is set, ready to print. */
export function choiceLines(choices: Choices, { text }: Pick<Scene, 'text'>): string[] {
  return CHOICE_NAMES.flatMap((name) => {
    const words = choiceWords(name, choices, text);
    return words === null ? [] : [`**${text.choiceNames[name]}:** ${words}`];
  });
}

/** Ready to print; null where it is not set. */
export function choiceWords(name: ChoiceName, choices: Choices, text: Text): string | null {
  const value = choices[name];
  if (value === undefined) return null;
  if (typeof value === 'object') return sizeWords(value);
  if (typeof value === 'number') {
    return name === 'steps' && value === AUTO_STEPS ? text.auto : String(value);
  }
  return name === 'negative' || name === 'model' || name === 'vae'
    ? quoted(value, 200)
    : escapeMarkdown(value);
}

const sizeWords = ({ width, height }: ImageSize) => `${width}x${height}`;

/** VAEs that some model here may be given, and the word for a model's own. */
function vaesOf(models: readonly ModelInfo[]): string[] {
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

/** Choices for `model`, `size`, `vae` and `steps`; null for any other option. */
export async function completeChoice(
  interaction: AutocompleteInteraction,
  scene: Scene,
): Promise<readonly Choice[] | null> {
  const focused = interaction.options.getFocused(true);
  if (focused.name === 'steps') return stepsChoices(focused.value, scene);
  if (!['model', 'size', 'vae'].includes(focused.name)) return null;
  const models = await scene.engine.models();
  if (focused.name === 'vae') return nameChoices(vaesOf(models), focused.value);
  if (focused.name === 'model') return modelChoices(models, focused.value);
  return sizeChoices(interaction, models, focused.value, scene);
}

/** What was typed, and automatic steps. */
export function stepsChoices(typed: string, { text }: Pick<Scene, 'text'>): Choice[] {
  const steps = /^\d{1,3}$/.test(typed.trim()) ? Number(typed) : 0;
  const own =
    steps >= LIMITS.steps.min && steps <= LIMITS.steps.max
      ? [{ name: text.steps(steps), value: String(steps) }]
      : [];
  return [...own, { name: text.autoChoice, value: 'auto' }];
}

/** Names that contain what was typed, those that begin with it first; Discord takes 100 characters. */
export function modelChoices(models: readonly ModelInfo[], typed: string): Choice[] {
  return nameChoices(
    models.map(({ name }) => name),
    typed,
  );
}

export function nameChoices(names: readonly string[], typed: string): Choice[] {
  const wanted = typed.trim().toLowerCase();
  return names
    .filter((name) => name.length <= 100 && name.toLowerCase().includes(wanted))
    .toSorted((a, b) => rank(a, wanted) - rank(b, wanted))
    .map((name) => ({ name, value: name }))
    .slice(0, 25);
}

function rank(name: string, wanted: string): number {
  return name.toLowerCase().startsWith(wanted) ? 0 : 1;
}

async function sizeChoices(
  interaction: AutocompleteInteraction,
  models: readonly ModelInfo[],
  typed: string,
  { settings, own, text }: Scene,
): Promise<Choice[]> {
  const defaults = { ...(await settings.defaults(interaction.guildId)), ...own.choices };
  const named = interaction.options.getString('model');
  const known = models.some((model) => model.name === named) ? named : null;
  const model = chooseModel(models, known, defaults, text);
  const wanted = typed.replaceAll(/\s/g, '').toLowerCase();
  const choices = offeredSizes(model).map(({ width, height, ratio, shape }) => {
    const name = text.shapes[shape ?? (width < height ? 'portrait' : 'landscape')];
    const words = shape === 'square' ? name : `${ratio} · ${name}`;
    return { name: text.sizeChoice(width, height, words), value: `${width}x${height}` };
  });
  const fitting = choices.filter(
    ({ name, value }) => value.startsWith(wanted) || name.toLowerCase().includes(wanted),
  );
  return wanted === '' ? fitting : [...typedSize(typed, model, fitting, text), ...fitting];
}

/** What was typed stays choosable, with the pixels it means: any size on the model's grid is allowed, not only these. */
function typedSize(
  typed: string,
  model: ModelInfo,
  offered: readonly { value: string | number }[],
  text: Text,
): Choice[] {
  try {
    const { width, height } = sizeFrom(typed, model, text);
    const value = `${width}x${height}`;
    if (offered.some((one) => one.value === value)) return [];
    const words = shorten(plainLine(typed), 20);
    return [{ name: words === value ? value : text.sizeChoice(width, height, words), value }];
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
