import { apiErrors } from '../rest/api-error.ts';
import { channelType, isForum, plainChannel } from './channels.ts';
import type { Channel } from './channels.ts';
import type { State } from '../state.ts';
import { publish } from '../state.ts';

/** Closes or opens a thread, or locks it, and tells everybody. */
export function changeThread(
  state: State,
  thread: Channel,
  change: { archived?: boolean; locked?: boolean },
): void {
  Object.assign(thread, change);
  state.store.saveChannel(thread);
  publish(state, { kind: 'channel', channel: thread });
}

/** A new message opens a closed thread again, unless it is locked too. Throws 50083. */
export function openThread(state: State, channel: Channel): void {
  if (!channel.archived) return;
  if (channel.locked) throw apiErrors.archivedThread();
  changeThread(state, channel, { archived: false });
}

/** A new media channel of a server. */
export function openMedia(state: State, guildId: string, name: string): Channel {
  const guild = state.world.guilds.get(guildId);
  if (!guild) throw new Error(`The playground has no server ${guildId}.`);
  return added(state, { guildId, name, type: channelType.media });
}

/** A new post of a forum or media channel. `ownerId`: anybody's, also of somebody who is no member any more. */
export function startPost(
  state: State,
  forumId: string,
  { name, ownerId }: { name: string; ownerId: string },
): Channel {
  const forum = state.world.channels.get(forumId);
  if (!forum || !isForum(forum)) throw new Error(`The playground has no forum ${forumId}.`);
  const { guildId } = forum;
  const type = channelType.publicThread;
  return added(state, { guildId, name, type, parentId: forumId, ownerId });
}

function added(
  state: State,
  told: Pick<Channel, 'guildId' | 'name' | 'type'> & Partial<Channel>,
): Channel {
  const channel: Channel = { ...plainChannel, ...told, id: state.newId() };
  state.world.channels.set(channel.id, channel);
  state.store.saveChannel(channel);
  publish(state, { kind: 'channel', channel, created: true });
  const guild = state.world.guilds.get(channel.guildId ?? '');
  if (guild) publish(state, { kind: 'guild', guild });
  return channel;
}
