import { ApplicationCommandOptionType } from 'discord.js';
import type { ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { Command, Scene } from '../../src/bot/interaction/command.ts';
import { NO_PREFERENCES } from '../../src/bot/stores/preferences.ts';
import type { Preferences } from '../../src/bot/stores/preferences.ts';
import { LANGUAGE_NAMES, textFor } from '../../src/bot/text/text.ts';
import { CHOICE_OPTIONS, PICTURE_OPTIONS, choiceLines, choicesOf } from './picture-options.ts';
import { completeChoice } from './picture-choices.ts';
import { checkedChoices, stored } from './presets.ts';
import { EVERYWHERE } from '../places.ts';

const OWN_LANGUAGE = 'discord';

export const preferences: Command = {
  visibility: 'private',
  definition: {
    name: 'preferences',
    description: 'What you prefer when you leave an option out; for you alone, on every server',
    ...EVERYWHERE,
    options: [
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'show',
        description: 'See what you prefer',
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'set',
        description: 'Prefer something',
        options: [
          {
            type: ApplicationCommandOptionType.String,
            name: 'language',
            description: 'The language the bot speaks to you',
            choices: [
              { name: "your Discord's", value: OWN_LANGUAGE },
              ...Object.entries(LANGUAGE_NAMES).map(([value, name]) => ({ name, value })),
            ],
          },
          {
            type: ApplicationCommandOptionType.Boolean,
            name: 'private',
            description: 'Only you see your pictures, unless you say otherwise',
          },
          ...CHOICE_OPTIONS,
        ],
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'reset',
        description: 'Prefer nothing any more',
        options: [
          {
            type: ApplicationCommandOptionType.String,
            name: 'option',
            description: 'Only this one; left out: all of them',
            choices: [
              ...CHOICE_NAMES.map((name) => PICTURE_OPTIONS[name].name),
              'language',
              'private',
            ].map((name) => ({ name, value: name })),
          },
        ],
      },
    ],
  },

  async run(interaction, scene) {
    switch (interaction.options.getSubcommand()) {
      case 'set':
        return set(interaction, scene);
      case 'reset':
        return reset(interaction, scene);
      default:
        return scene.answer.tell(await described(scene.own, scene.text, scene));
    }
  },

  async autocomplete(interaction, scene) {
    return (await completeChoice(interaction, scene)) ?? [];
  },
};

async function set(interaction: ChatInputCommandInteraction, scene: Scene): Promise<void> {
  const { own, answer } = scene;
  const language = interaction.options.getString('language');
  const hidden = interaction.options.getBoolean('private');
  const given = await choicesOf(interaction, scene);
  if (language === null && hidden === null && Object.keys(given).length === 0) {
    throw new UserError(scene.text.preferencesNothingToSet);
  }
  const choices = await checkedChoices(
    { ...own.choices, ...given },
    '',
    interaction.guildId,
    scene,
  );
  const next: Preferences = {
    choices,
    language: language === null ? own.language : language === OWN_LANGUAGE ? null : language,
    private: hidden ?? own.private,
  };
  await stored(scene, () => scene.preferences.set(interaction.user.id, next));
  const text = textFor(next.language ?? interaction.locale);
  await answer.tell(`${text.preferencesSaved}\n${await described(next, text, scene)}`);
}

async function reset(interaction: ChatInputCommandInteraction, scene: Scene): Promise<void> {
  const { own, answer } = scene;
  const told = interaction.options.getString('option');
  const name = CHOICE_NAMES.find((one) => PICTURE_OPTIONS[one].name === told);
  const next: Preferences =
    told === null ? NO_PREFERENCES : { ...own, choices: { ...own.choices } };
  if (name !== undefined) delete next.choices[name];
  if (told === 'language') next.language = null;
  if (told === 'private') next.private = false;
  await stored(scene, () => scene.preferences.set(interaction.user.id, next));
  const text = textFor(next.language ?? interaction.locale);
  await answer.tell(
    told === null
      ? text.preferencesReset
      : `${text.preferencesSaved}\n${await described(next, text, scene)}`,
  );
}

async function described(own: Preferences, text: Scene['text'], scene: Scene): Promise<string> {
  const language = own.language === null ? null : LANGUAGE_NAMES[own.language];
  return [
    text.preferencesTitle,
    `**${text.preferenceLanguage}:** ${language ?? text.preferenceYourDiscord}`,
    `**${text.preferencePrivate}:** ${own.private ? text.yes : text.no}`,
    ...(await choiceLines(own.choices, { ...scene, text })),
  ].join('\n');
}
