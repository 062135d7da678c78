/** What the owner of a server, or whoever manages its channels, can do with it. */
import type { FromPage, PlaygroundChannel, PlaygroundGuild } from '../../protocol.ts';
import { spokenName } from './sidebar.ts';

/** One entry of the menu; `sure`: what it says before it is really done, null: it is done at once. */
export type ManageEntry = { words: string; sure: string | null; change: FromPage };

/**
 * Lists what a person may do with a server and its channel. `sure` is what a press of a destructive one asks first.
 */
export function manageEntries(
  guild: PlaygroundGuild | null,
  channel: PlaygroundChannel | null,
): ManageEntry[] {
  if (guild === null) return [];
  const entries: ManageEntry[] = [];
  if (guild.yours.channels && channel !== null) {
    const name = spokenName(channel, channel.name);
    const words = channel.parentId ? 'Delete this thread' : 'Delete this channel';
    const change = { type: 'delete-channel', channelId: channel.id } as const;
    entries.push({ words, sure: `Really delete ${name}`, change });
  }
  if (guild.yours.owned === true) {
    const member = guild.bot === false;
    const words = member ? 'Invite the bot' : 'Remove the bot';
    const invite = { type: 'bot-member', guildId: guild.id, member } as const;
    entries.push({ words, sure: null, change: invite });
    const change = { type: 'delete-guild', guildId: guild.id } as const;
    entries.push({ words: 'Delete this server', sure: `Really delete ${guild.name}`, change });
  }
  const found = { type: 'found-guild', name: 'New server' } as const;
  entries.push({ words: 'New server, with the bot', sure: null, change: found });
  return entries;
}
