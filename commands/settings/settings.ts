import { ApplicationCommandOptionType, PermissionFlagsBits } from 'discord.js';
import type { ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { Command, Scene } from '../../src/bot/interaction/command.ts';
import { mayManageServer } from '../../src/bot/interaction/permissions.ts';
import { CHOICE_OPTIONS, PICTURE_OPTIONS, choicesOf } from '../personal/picture-options.ts';
import { completeChoice } from '../personal/picture-choices.ts';
import { checkedChoices, stored } from '../personal/presets.ts';
import { settingsAction, showPanel, tellChanged } from './settings-actions.ts';
import { describeDefaults } from './settings-words.ts';
import { IN_SERVERS } from '../places.ts';

export const settings: Command = {
  visibility: 'private',
  definition: {
    name: 'settings',
    description: 'See and change the defaults of this server',
    default_member_permissions: String(PermissionFlagsBits.ManageGuild),
    ...IN_SERVERS,
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
        options: [...CHOICE_OPTIONS],
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
            choices: CHOICE_NAMES.map((choice) => PICTURE_OPTIONS[choice].name).map((name) => ({
              name,
              value: name,
            })),
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
    return (await completeChoice(interaction, scene)) ?? [];
  },

  actions: { settings: settingsAction },
};

async function set(
  interaction: ChatInputCommandInteraction,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { answer, settings, text } = scene;
  const given = await choicesOf(interaction, scene);
  if (Object.keys(given).length === 0) throw new UserError(text.settingsNothingToSet);
  const change = await checkedChoices(given, '', guildId, scene);
  const defaults = await stored(scene, () => settings.change(guildId, change));
  await tellChanged('defaults', interaction, scene);
  await answer.tell(
    [text.settingsSaved, ...describeDefaults(defaults, text, await scene.engine.models())].join(
      '\n',
    ),
  );
}

async function reset(
  interaction: ChatInputCommandInteraction,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  const told = interaction.options.getString('option');
  const name = CHOICE_NAMES.find((choice) => PICTURE_OPTIONS[choice].name === told);
  await stored(scene, () => scene.settings.reset(guildId, name));
  await tellChanged('defaults', interaction, scene);
  await answer.tell(
    name === undefined ? text.settingsReset : text.settingsResetOne(text.choiceNames[name]),
  );
}
