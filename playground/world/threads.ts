import { apiErrors } from '../rest/api-error.ts';
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
