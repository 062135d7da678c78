import { ApplicationIntegrationType, InteractionContextType } from 'discord.js';
import type { BaseInteraction, RESTPostAPIApplicationCommandsJSONBody } from 'discord.js';

/**
 * The bot as an app of one person: used on a server that did not invite it, or in somebody's direct messages. There are
 * no settings there and nobody who may moderate what it paints, so every answer is for that person alone, and lives as
 * long as the interaction's token.
 */
export function isUserInstalled(
  interaction: Pick<BaseInteraction, 'authorizingIntegrationOwners' | 'context' | 'guildId'>,
): boolean {
  if (interaction.context === InteractionContextType.PrivateChannel) return true;
  const owners = interaction.authorizingIntegrationOwners ?? {};
  const isPersons = owners[ApplicationIntegrationType.UserInstall] !== undefined;
  return (
    interaction.guildId !== null &&
    isPersons &&
    owners[ApplicationIntegrationType.GuildInstall] === undefined
  );
}

/** A command that people may take along; those that belong to servers stay there. */
export function asUserInstallable(
  definition: RESTPostAPIApplicationCommandsJSONBody,
): RESTPostAPIApplicationCommandsJSONBody {
  if (definition.contexts?.includes(InteractionContextType.BotDM) !== true) return definition;
  return {
    ...definition,
    integration_types: [
      ApplicationIntegrationType.GuildInstall,
      ApplicationIntegrationType.UserInstall,
    ],
    contexts: [...definition.contexts, InteractionContextType.PrivateChannel],
  };
}
