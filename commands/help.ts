import { ApplicationIntegrationType, InteractionContextType } from 'discord.js';
import type { Command } from '../src/bot/command.ts';

export const help: Command = {
  visibility: 'private',
  definition: {
    name: 'help',
    description: 'A short guide: what the options do, what the buttons do',
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    integration_types: [ApplicationIntegrationType.GuildInstall],
  },
  async run(_interaction, { answer, text }) {
    await answer.tell(text.help);
  },
};
