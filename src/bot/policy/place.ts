import { isUserInstalled } from '../interaction/user-installed.ts';
import type { Post } from './posts.ts';
import type { Channel, MessageComponentInteraction, RepliableInteraction } from 'discord.js';

export type Asking = RepliableInteraction | MessageComponentInteraction;

/** Where somebody asks for a picture, as the server's rules see it. */
export type Place = {
  guildId: string | null;
  channelId: string;
  /** the channel a thread belongs to, and the category above */
  above: readonly string[];
  ageRestricted: boolean;
  /** the post of somebody else that this is, where that stands in the way; absent: it is none */
  othersPost?: Post | null;
  userId: string;
  roleIds: readonly string[];
};

/** Where somebody asks, as far as a server's rules look at it. */
export function placeOf(interaction: Asking): Place {
  const { channel, member } = interaction;
  const roles = member?.roles;
  // Where nobody of ours has a say no server's rules hold, and nothing is open.
  const foreign = isUserInstalled(interaction);
  const guildId = foreign ? null : interaction.guildId;
  return placeIn(foreign ? null : channel, {
    guildId,
    channelId: interaction.channelId ?? '0',
    userId: interaction.user.id,
    // Discord's own list in the interaction when the member is not cached.
    roleIds: roles === undefined ? [] : Array.isArray(roles) ? roles : [...roles.cache.keys()],
  });
}

/** `channel`: null where it is not known. */
export function placeIn(
  channel: Channel | null,
  who: Omit<Place, 'above' | 'ageRestricted'>,
): Place {
  const thread = channel?.isThread() === true ? channel : null;
  const flagged = thread === null ? channel : thread.parent;
  return {
    ...who,
    above: [
      thread?.parentId,
      flagged !== null && 'parentId' in flagged ? flagged.parentId : null,
    ].filter((id) => typeof id === 'string'),
    ageRestricted: flagged !== null && 'nsfw' in flagged && flagged.nsfw === true,
  };
}
