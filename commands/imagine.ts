import {
  ApplicationCommandOptionType,
  ApplicationIntegrationType,
  InteractionContextType,
} from 'discord.js';
import type { AutocompleteInteraction, ChatInputCommandInteraction } from 'discord.js';
import { SAMPLERS, SCHEDULES } from '../src/engine/names.ts';
import { LIMITS } from '../src/engine/request-codec.ts';
import type { ModelInfo } from '../src/engine/request.ts';
import type { Choice, Command, Scene } from '../src/bot/command.ts';
import { plainLine, shorten } from '../src/bot/markdown.ts';
import { chooseModel, completeOrder, sensibleSizes } from '../src/bot/options.ts';
import type { Order } from '../src/bot/options.ts';
import { placeOrder } from '../src/bot/order.ts';
import { again, reroll } from './reroll.ts';
import { recipe } from './recipe.ts';
import { remix } from './remix.ts';
import { remove } from './delete.ts';
import { stop } from './stop.ts';
import { vary } from './vary.ts';

export const imagine: Command = {
  visibility: 'public',
  definition: {
    name: 'imagine',
    description: 'Paint a picture from words',
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    integration_types: [ApplicationIntegrationType.GuildInstall],
    options: [
      {
        type: ApplicationCommandOptionType.String,
        name: 'prompt',
        description: 'What should be in the picture',
        required: true,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'negative',
        description: 'What should not be in it',
      },
      {
        type: ApplicationCommandOptionType.Integer,
        name: 'steps',
        description: 'How often the picture is refined; 20 to 30 is usual',
        min_value: LIMITS.steps.min,
        max_value: LIMITS.steps.max,
      },
      {
        type: ApplicationCommandOptionType.Number,
        name: 'cfg',
        description: 'How strictly the prompt is followed; 5 to 9 is usual',
        min_value: LIMITS.guidanceScale.min,
        max_value: LIMITS.guidanceScale.max,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'seed',
        description: 'The same seed gives the same picture; left out: a new one',
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'sampler',
        description: 'The path from noise to picture',
        choices: SAMPLERS.map((name) => ({ name, value: name })),
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'schedule',
        description: 'How the noise levels are spaced',
        choices: SCHEDULES.map((name) => ({ name, value: name })),
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'size',
        description: 'Width x height in pixels, for example 512x768',
        autocomplete: true,
        max_length: 40,
      },
      {
        type: ApplicationCommandOptionType.Integer,
        name: 'count',
        description: 'How many pictures',
        min_value: LIMITS.count.min,
        max_value: LIMITS.count.max,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'model',
        description: 'Which model paints',
        autocomplete: true,
        max_length: 100,
      },
    ],
  },

  async run(interaction, scene) {
    const [models, defaults] = await Promise.all([
      scene.engine.models(),
      scene.settings.defaults(interaction.guildId),
    ]);
    const request = completeOrder(orderOf(interaction), { ...scene, models, defaults });
    await placeOrder(interaction, scene, request, null);
  },

  async autocomplete(interaction, scene) {
    const focused = interaction.options.getFocused(true);
    const models = await scene.engine.models();
    if (focused.name === 'model') return modelChoices(models, focused.value);
    if (focused.name === 'size') return sizeChoices(interaction, models, focused.value, scene);
    return [];
  },

  actions: { reroll, again, vary, remix, recipe, stop, delete: remove },
};

function orderOf({ options }: ChatInputCommandInteraction): Order {
  return {
    prompt: options.getString('prompt', true),
    negative: options.getString('negative'),
    steps: options.getInteger('steps'),
    cfg: options.getNumber('cfg'),
    seed: options.getString('seed'),
    sampler: options.getString('sampler'),
    schedule: options.getString('schedule'),
    size: options.getString('size'),
    count: options.getInteger('count'),
    model: options.getString('model'),
  };
}

/** Names that contain what was typed, those that begin with it first; Discord takes 100 characters. */
export function modelChoices(models: readonly ModelInfo[], typed: string): Choice[] {
  const wanted = typed.trim().toLowerCase();
  return models
    .filter(({ name }) => name.length <= 100 && name.toLowerCase().includes(wanted))
    .toSorted((a, b) => rank(a.name, wanted) - rank(b.name, wanted))
    .map(({ name }) => ({ name, value: name }))
    .slice(0, 25);
}

function rank(name: string, wanted: string): number {
  return name.toLowerCase().startsWith(wanted) ? 0 : 1;
}

async function sizeChoices(
  interaction: AutocompleteInteraction,
  models: readonly ModelInfo[],
  typed: string,
  { settings, text }: Scene,
): Promise<Choice[]> {
  const defaults = await settings.defaults(interaction.guildId);
  const named = interaction.options.getString('model');
  const known = models.some((model) => model.name === named) ? named : null;
  const sizes = sensibleSizes(chooseModel(models, known, defaults, text));
  const wanted = typed.replaceAll(/\s/g, '').toLowerCase();
  const choices = sizes.map(({ width, height }) => {
    const { square, portrait, landscape } = text.shapes;
    const shape = width === height ? square : width < height ? portrait : landscape;
    return { name: text.sizeChoice(width, height, shape), value: `${width}x${height}` };
  });
  const fitting = choices.filter(
    ({ name, value }) => value.startsWith(wanted) || name.includes(wanted),
  );
  // What was typed stays choosable: any size on the model's grid is allowed, not only these.
  if (/^\d{2,5}[x×]\d{2,5}$/.test(wanted) && !choices.some(({ value }) => value === wanted)) {
    fitting.unshift({ name: shorten(plainLine(wanted), 40), value: wanted });
  }
  return fitting;
}
