import type { AutocompleteInteraction, ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Choice, Command, Scene } from '../../src/bot/interaction/command.ts';
import { definition } from './owner-definition.ts';
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

/** What the owner of the installation decides over all servers. */
export const owner: Command = {
  open: 'owner',
  visibility: 'private',
  definition,

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
