import { PermissionFlagsBits } from 'discord.js';
import type { BaseInteraction, PermissionsBitField } from 'discord.js';
import type { Text } from '../text/text.ts';

export type PostingPermission = keyof Text['permissionNames'];

/**
 * What the bot lacks to post a picture where the interaction came from, asked before any GPU time is spent.
 * `granted` is Discord's `app_permissions`: the permissions in that very channel, overwrites included.
 */
export function missingToPost(
  granted: Readonly<PermissionsBitField> | null,
  place: { inGuild: boolean; inThread: boolean },
): PostingPermission[] {
  // No bit at all means that it was not told: not every Discord-like server sends the field.
  if (!place.inGuild || granted === null || granted.bitfield === 0n) return [];
  const needed: PostingPermission[] = [
    'ViewChannel',
    place.inThread ? 'SendMessagesInThreads' : 'SendMessages',
    'AttachFiles',
  ];
  return needed.filter((name) => !granted.has(PermissionFlagsBits[name]));
}

/** Asked again in the handler: a server's own overrides can open a command to anybody. */
export function mayManageServer(interaction: BaseInteraction): boolean {
  return (
    interaction.inGuild() && interaction.memberPermissions.has(PermissionFlagsBits.ManageGuild)
  );
}

/** May this person manage others' messages here? Nobody may in direct messages. */
export function isModerator(interaction: BaseInteraction): boolean {
  return (
    interaction.inGuild() && interaction.memberPermissions.has(PermissionFlagsBits.ManageMessages)
  );
}
