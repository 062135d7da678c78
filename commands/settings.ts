import {
  ApplicationCommandOptionType,
  ApplicationIntegrationType,
  InteractionContextType,
  PermissionFlagsBits,
} from 'discord.js';
import type { APIApplicationCommandBasicOption, ChatInputCommandInteraction } from 'discord.js';
import { SAMPLERS, SCHEDULES } from '../src/engine/names.ts';
import { UserError } from '../src/engine/errors.ts';
import type { Command, Scene } from '../src/bot/command.ts';
import { LIMITS, parseSize } from '../src/engine/request-codec.ts';
import { AUTO_STEPS } from '../src/bot/choices.ts';
import { completeOrder, findModel, isSampler, isSchedule } from '../src/bot/options.ts';
import { mayManageServer } from '../src/bot/permissions.ts';
import { SETTING_NAMES } from '../src/bot/settings.ts';
import type { ServerDefaults } from '../src/bot/settings.ts';
import { modelChoices, stepsChoices } from './picture-options.ts';
import { stored } from './presets.ts';
import { settingsAction, showPanel } from './settings-actions.ts';
import { describeDefaults } from './settings-words.ts';

const SETTABLE: APIApplicationCommandBasicOption[] = [
  {
    type: ApplicationCommandOptionType.String,
    name: 'model',
    description: 'Which model paints',
    autocomplete: true,
    max_length: 100,
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
    type: ApplicationCommandOptionType.Integer,
    name: 'steps',
    description: 'How often the picture is refined',
    autocomplete: true,
    min_value: AUTO_STEPS,
    max_value: LIMITS.steps.max,
  },
  {
    type: ApplicationCommandOptionType.Number,
    name: 'cfg',
    description: 'How strictly the prompt is followed',
    min_value: LIMITS.guidanceScale.min,
    max_value: LIMITS.guidanceScale.max,
  },
  {
    type: ApplicationCommandOptionType.String,
    name: 'size',
    description: 'Width x height in pixels, for example 512x768',
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
    type: ApplicationCommandOptionType.Integer,
    name: 'clip-skip',
    description: 'How many of the last layers of the text encoder are left out',
    min_value: LIMITS.clipSkip.min,
    max_value: LIMITS.clipSkip.max,
  },
  {
    type: ApplicationCommandOptionType.String,
    name: 'negative',
    description: 'What should not be in the pictures',
    max_length: 2000,
  },
];

export const settings: Command = {
  visibility: 'private',
  definition: {
    name: 'settings',
    description: 'See and change the defaults of this server',
    default_member_permissions: String(PermissionFlagsBits.ManageGuild),
    contexts: [InteractionContextType.Guild],
    integration_types: [ApplicationIntegrationType.GuildInstall],
    options: [
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'show',
        description: 'Everything of this server in one panel',
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'set',
        description: 'Change one or more defaults',
        options: SETTABLE,
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'reset',
        description: "Go back to the model's own defaults",
        options: [
          {
            type: ApplicationCommandOptionType.String,
            name: 'option',
            description: 'Only this one; left out: all of them',
            choices: SETTING_NAMES.map((name) => ({ name, value: name })),
          },
        ],
      },
    ],
  },

  async run(interaction, scene) {
    const { text } = scene;
    if (interaction.guildId === null) throw new UserError(text.settingsNeedServer);
    if (!mayManageServer(interaction)) throw new UserError(text.settingsNeedPermission);
    switch (interaction.options.getSubcommand()) {
      case 'set':
        return set(interaction, interaction.guildId, scene);
      case 'reset':
        return reset(interaction, interaction.guildId, scene);
      default:
        return showPanel('defaults', interaction.guildId, scene);
    }
  },

  async autocomplete(interaction, scene) {
    const focused = interaction.options.getFocused(true);
    if (focused.name === 'steps') return stepsChoices(focused.value, scene);
    return modelChoices(await scene.engine.models(), focused.value);
  },

  actions: { settings: settingsAction },
};

async function set(
  interaction: ChatInputCommandInteraction,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { answer, engine, text } = scene;
  const [models, present] = await Promise.all([engine.models(), scene.settings.defaults(guildId)]);
  const change = changeOf(interaction);
  if (change.model !== undefined) change.model = findModel(models, change.model, text).name;
  if (Object.keys(change).length === 0) throw new UserError(text.settingsNothingToSet);
  // Defaults that no picture could be made with are refused here, not at everybody's next /imagine.
  const nothingChosen = {
    prompt: '',
    negative: null,
    steps: null,
    cfg: null,
    seed: null,
    sampler: null,
    schedule: null,
    size: null,
    count: null,
    model: null,
  };
  completeOrder(nothingChosen, { ...scene, models, defaults: { ...present, ...change } });
  const defaults = await stored(scene, () => scene.settings.change(guildId, change));
  await answer.tell([text.settingsSaved, ...describeDefaults(defaults, text)].join('\n'));
}

async function reset(
  interaction: ChatInputCommandInteraction,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  const told = interaction.options.getString('option');
  const name = SETTING_NAMES.find((known) => known === told);
  await stored(scene, () => scene.settings.reset(guildId, name));
  await answer.tell(
    name === undefined ? text.settingsReset : text.settingsResetOne(text.settingNames[name]),
  );
}

function changeOf({ options }: ChatInputCommandInteraction): ServerDefaults {
  const change: ServerDefaults = {};
  const model = options.getString('model');
  const sampler = options.getString('sampler');
  const schedule = options.getString('schedule');
  const steps = options.getInteger('steps');
  const cfg = options.getNumber('cfg');
  const size = options.getString('size');
  const count = options.getInteger('count');
  const clipSkip = options.getInteger('clip-skip');
  const negative = options.getString('negative');
  if (model !== null) change.model = model;
  if (isSampler(sampler)) change.sampler = sampler;
  if (isSchedule(schedule)) change.schedule = schedule;
  if (steps !== null) change.steps = steps;
  if (cfg !== null) change.cfg = cfg;
  if (size !== null) change.size = parseSize(size);
  if (count !== null) change.count = count;
  if (clipSkip !== null) change.clipSkip = clipSkip;
  if (negative !== null) change.negative = negative;
  return change;
}
