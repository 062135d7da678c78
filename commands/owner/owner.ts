import {
  ApplicationCommandOptionType,
  ApplicationIntegrationType,
  InteractionContextType,
} from 'discord.js';
import type { AutocompleteInteraction, ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Choice, Command, Scene } from '../../src/bot/interaction/command.ts';
import { NSFW_POLICIES } from '../../src/bot/policy/policy.ts';
import { overview } from './owner-overview.ts';
import { ownerAction, openForm } from './owner-actions.ts';
import { failures } from './owner-failures.ts';
import { changeLimits, changePlaces } from './owner-limits.ts';
import { block, cancel, unblock } from './owner-people.ts';
import { changeQueue, reload } from './owner-machine.ts';
import { changeServers, serverChoices } from './owner-servers.ts';

/** Forms must be the first response, and Discord waits three seconds for it. */
const FORM_WITHIN_MS = 900;

type Run = (interaction: ChatInputCommandInteraction, scene: Scene) => Promise<void>;

const SUBCOMMANDS: Readonly<Record<string, Run>> = {
  overview: (_interaction, scene) => overview(scene),
  servers: changeServers,
  limits: changeLimits,
  places: changePlaces,
  queue: changeQueue,
  block,
  unblock,
  cancel,
  reload: (_interaction, scene) => reload(scene),
  failures,
};

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

/** What the owner of the installation decides over all servers. */
export const owner: Command = {
  open: 'owner',
  visibility: 'private',
  definition: {
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
  },

  async run(interaction, scene) {
    const { answer, owner: tools, text } = scene;
    checkPlace(interaction, scene);
    const name = interaction.options.getSubcommand();
    const isForm = name === 'words' || name === 'announce' || name === 'forget';
    if (!isForm) await answer.acknowledge('private');
    const asked = tools.owners.demand(interaction.user.id, text);
    await (isForm ? inTime(asked, text.owner.cannotAsk) : asked);
    await scene.rule.reread();
    if (isForm) return openForm(name, interaction, scene);
    const run = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
    if (run === undefined) throw new UserError(text.unknownCommand);
    await run(interaction, scene);
  },

  async autocomplete(interaction: AutocompleteInteraction, scene): Promise<readonly Choice[]> {
    checkPlace(interaction, scene);
    await scene.owner.owners.demand(interaction.user.id, scene.text);
    return serverChoices(interaction, scene);
  },

  actions: { owner: ownerAction },
};

/** In direct messages, or in the server of their choice: who reads along in others is not the owner's to choose. */
function checkPlace(
  { guildId }: Pick<ChatInputCommandInteraction, 'guildId'>,
  { rule, text }: Scene,
): void {
  const { commandServer } = rule.now();
  if (guildId === null || guildId === commandServer) return;
  throw new UserError(text.owner.notHere(commandServer ?? ''));
}

/** @throws UserError with these words when it takes too long for a form */
async function inTime(work: Promise<void>, words: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UserError(words)), FORM_WITHIN_MS);
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
