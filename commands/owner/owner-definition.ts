/** /owner as Discord is told it. */
import {
  ApplicationCommandOptionType,
  ApplicationIntegrationType,
  InteractionContextType,
} from 'discord.js';
import type { Command } from '../../src/bot/interaction/command.ts';
import { NSFW_POLICIES } from '../../src/bot/policy/policy.ts';

const {
  String: STRING,
  Integer: INTEGER,
  Number: NUMBER,
  Subcommand: SUBCOMMAND,
} = ApplicationCommandOptionType;

const person = {
  type: ApplicationCommandOptionType.String as const,
  name: 'person',
  description: 'A mention, or the id',
  required: true,
  max_length: 40,
};

export const definition: Command['definition'] = {
  name: 'owner',
  description: 'Over all servers; for whoever the bot belongs to',
  integration_types: [ApplicationIntegrationType.GuildInstall],
  contexts: [InteractionContextType.BotDM],
  options: [
    {
      type: SUBCOMMAND,
      name: 'overview',
      description: 'Servers, queue, rules, disk and devices at a glance',
    },
    {
      type: SUBCOMMAND,
      name: 'servers',
      description: 'Which servers may use the bot',
      options: [
        {
          type: STRING,
          name: 'allow',
          description: 'The id of a server that may use it',
          autocomplete: true,
          max_length: 40,
        },
        {
          type: STRING,
          name: 'leave',
          description: 'The id of a server that may not; the bot leaves it',
          autocomplete: true,
          max_length: 40,
        },
        {
          type: STRING,
          name: 'invites',
          description: 'Whether those who invite the bot wait for your yes',
          choices: [
            { name: 'ask', value: 'ask' },
            { name: 'anybody', value: 'anybody' },
          ],
        },
      ],
    },
    {
      type: SUBCOMMAND,
      name: 'words',
      description: 'Words and patterns that no server may use',
    },
    {
      type: SUBCOMMAND,
      name: 'limits',
      description: 'What servers and people may have at most; 0 takes a limit away',
      options: [
        {
          type: STRING,
          name: 'nsfw',
          description: 'The most that a server may allow',
          choices: NSFW_POLICIES.map((value) => ({ name: value, value })),
        },
        {
          type: NUMBER,
          name: 'person_seconds',
          description: 'Seconds of the machine a day, one person, over all servers',
          min_value: 0,
          max_value: 10_000_000,
        },
        {
          type: INTEGER,
          name: 'person_waiting',
          description: 'Orders waiting, one person, over all servers',
          min_value: 0,
          max_value: 1000,
        },
        {
          type: NUMBER,
          name: 'server_seconds',
          description: 'Seconds of the machine a day, one server',
          min_value: 0,
          max_value: 10_000_000,
        },
        {
          type: INTEGER,
          name: 'server_waiting',
          description: 'Orders waiting, one server',
          min_value: 0,
          max_value: 1000,
        },
        {
          type: NUMBER,
          name: 'work',
          description: 'Steps x pixels x pictures of one order, in millions',
          min_value: 0,
          max_value: 1_000_000,
        },
      ],
    },
    {
      type: SUBCOMMAND,
      name: 'queue',
      description: 'Pause the queue, let it run empty, or let it go on',
      options: [
        {
          type: STRING,
          name: 'state',
          description: 'What happens from now on',
          required: true,
          choices: [
            { name: 'pause', value: 'pause' },
            { name: 'drain', value: 'drain' },
            { name: 'resume', value: 'resume' },
          ],
        },
        {
          type: STRING,
          name: 'words',
          description: 'What everybody is told about it',
          max_length: 500,
        },
      ],
    },
    {
      type: SUBCOMMAND,
      name: 'block',
      description: 'Somebody may not use the bot anywhere',
      options: [person],
    },
    {
      type: SUBCOMMAND,
      name: 'unblock',
      description: 'Somebody may use the bot again',
      options: [person],
    },
    {
      type: SUBCOMMAND,
      name: 'cancel',
      description: 'Stop all that somebody has waiting or running',
      options: [person],
    },
    {
      type: SUBCOMMAND,
      name: 'forget',
      description: 'Remove everything that is kept of somebody, for good',
      options: [person],
    },
    {
      type: SUBCOMMAND,
      name: 'announce',
      description: 'Say something to all servers',
    },
    {
      type: SUBCOMMAND,
      name: 'reload',
      description: 'Read the models folder anew',
    },
    {
      type: SUBCOMMAND,
      name: 'failures',
      description: 'What failed by the machine, with the references people were given',
      options: [
        {
          type: STRING,
          name: 'reference',
          description: 'As somebody was told it',
          max_length: 40,
        },
      ],
    },
    {
      type: SUBCOMMAND,
      name: 'places',
      description: 'Where alarms go, and in which server /owner works too',
      options: [
        {
          type: STRING,
          name: 'alarms',
          description: 'The id of a channel, or “none”',
          max_length: 40,
        },
        {
          type: STRING,
          name: 'server',
          description: 'The id of a server, or “none”',
          max_length: 40,
        },
      ],
    },
  ],
};
