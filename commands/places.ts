import { ApplicationIntegrationType, InteractionContextType } from 'discord.js';

/**
 * Where commands are offered. Never as an app of a person alone: on a server that did not invite the bot there would be
 * no settings, and nobody who may moderate what it paints.
 */
const INSTALLED = { integration_types: [ApplicationIntegrationType.GuildInstall] };

export const IN_SERVERS = { ...INSTALLED, contexts: [InteractionContextType.Guild] };

export const EVERYWHERE = {
  ...INSTALLED,
  contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
};
