import type { APIInteraction } from 'discord-api-types/v10';
import { attachmentSizeLimit } from '../messages/message-files.ts';
import { integrationOwners, renderMessage } from '../messages/render-message.ts';
import { appPermissions, renderChannel, renderMember, renderUser } from '../world/render.ts';
import type { State } from '../state.ts';
import type { Channel } from '../world/channels.ts';
import type { StoredInteraction } from '../store/stored.ts';
import { applicationId, permissionsOf } from '../world/world.ts';

/** The INTERACTION_CREATE payload. */
export function interactionEvent(state: State, interaction: StoredInteraction): APIInteraction {
  const channel = state.world.channels.get(interaction.channelId);
  const person = state.world.people.get(interaction.userId);
  if (!channel || !person)
    throw new Error(`Interaction ${interaction.id} names an unknown place or person.`);
  const guild = interaction.guildId ? state.world.guilds.get(interaction.guildId) : undefined;
  const member = guild?.members.find((one) => one.userId === interaction.userId);
  const source = interaction.sourceMessageId
    ? state.store.message(interaction.sourceMessageId)
    : null;
  const permissions = String(permissionsOf(state.world, interaction.userId, channel));
  return {
    id: interaction.id,
    application_id: applicationId,
    type: interaction.type,
    token: interaction.token,
    version: 1,
    data: interaction.data,
    channel_id: channel.id,
    channel: { ...partialChannel(state, channel), permissions },
    ...(guild && member
      ? {
          guild_id: guild.id,
          guild: { id: guild.id, locale: 'en-US', features: [] },
          guild_locale: 'en-US',
          member: { ...renderMember(state, member), permissions },
          context: 0,
        }
      : { user: renderUser(person), context: 1 }),
    locale: state.locales.get(interaction.userId) ?? 'en-US',
    app_permissions: appPermissions(state, channel),
    attachment_size_limit: attachmentSizeLimit,
    authorizing_integration_owners: integrationOwners(interaction),
    entitlements: [],
    entitlement_sku_ids: [],
    ...(source ? { message: renderMessage(state, source) } : {}),
  } as unknown as APIInteraction;
}

/** Of a thread that the bot has not met Discord need not say who started it. */
function partialChannel(state: State, channel: Channel): object {
  return { ...renderChannel(state, channel), owner_id: undefined };
}
