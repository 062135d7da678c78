import { apiErrors } from '../rest/api-error.ts';
import { channelType, plainChannel } from './channels.ts';
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

/** A new post of a forum. `ownerId`: anybody's, also of somebody who is no member any more. */
export function startPost(
  state: State,
  forumId: string,
  { name, ownerId }: { name: string; ownerId: string },
): Channel {
  const forum = state.world.channels.get(forumId);
  const guild = state.world.guilds.get(forum?.guildId ?? '');
  if (forum?.type !== channelType.forum || !guild) {
    throw new Error(`The playground has no forum ${forumId}.`);
  }
  const post: Channel = {
    ...plainChannel,
    id: state.newId(),
    type: channelType.publicThread,
    guildId: guild.id,
    parentId: forumId,
    name,
    ownerId,
  };
  state.world.channels.set(post.id, post);
  state.store.saveChannel(post);
  publish(state, { kind: 'channel', channel: post, created: true });
  publish(state, { kind: 'guild', guild });
  return post;
}
