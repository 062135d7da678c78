import { seedChannels, isThread } from './channels.ts';
import type { Channel } from './channels.ts';
import type { State } from '../state.ts';
import { publish } from '../state.ts';
import { applicationId, seedGuild } from './world.ts';
import type { Guild } from './world.ts';

/** Deletes a channel or thread with all that was said in it; open threads of a channel go along without a word. */
export function deleteChannel(state: State, channel: Channel): void {
  const { world, store } = state;
  store.transaction(() => {
    for (const one of world.channels.values()) {
      if (one.id !== channel.id && one.parentId === channel.id) drop(state, one);
    }
    drop(state, channel);
  });
  publish(state, { kind: 'channel-deleted', channel });
  const guild = world.guilds.get(channel.guildId ?? '');
  if (guild) publish(state, { kind: 'guild', guild });
}

/** Deletes a server with everything in it. */
export function deleteGuild(state: State, guild: Guild): void {
  const { world, store } = state;
  store.transaction(() => {
    for (const channel of world.channels.values()) {
      if (channel.guildId === guild.id) drop(state, channel);
    }
    world.guilds.delete(guild.id);
    store.removeGuild(guild.id);
  });
  publish(state, { kind: 'guild-deleted', guild });
}

function drop({ world, store }: State, channel: Channel): void {
  world.channels.delete(channel.id);
  store.removeChannel(channel.id);
}

export const hasBot = ({ members }: Pick<Guild, 'members'>): boolean =>
  members.some(({ userId }) => userId === applicationId);

/** The bot leaves, or is asked to; what it said stays. */
export function removeBot(state: State, guild: Guild): void {
  const members = guild.members.filter(({ userId }) => userId !== applicationId);
  const next = { ...guild, members };
  state.world.guilds.set(guild.id, next);
  state.store.saveGuild(next);
  publish(state, { kind: 'bot-left', guild: next });
  publish(state, { kind: 'guild', guild: next });
}

/** The bot is invited into a server it is not in. */
export function inviteBot(state: State, guild: Guild): void {
  if (hasBot(guild)) return;
  const role = guild.roles.find(({ managed }) => managed);
  const member = {
    userId: applicationId,
    roles: role ? [role.id] : [],
    joinedAt: new Date().toISOString(),
  };
  const next = { ...guild, members: [...guild.members, member] };
  state.world.guilds.set(guild.id, next);
  state.store.saveGuild(next);
  publish(state, { kind: 'bot-joined', guild: next });
  publish(state, { kind: 'guild', guild: next });
}

/** A new server of one person, with these members and the bot in it. */
export function foundGuild(
  state: State,
  { name, ownerId, members }: { name: string; ownerId: string; members: readonly string[] },
): Guild {
  const { world, store } = state;
  const people = [ownerId, ...members].flatMap((id) => world.people.get(id) ?? []);
  const guild = seedGuild(BigInt(state.newId()), name, ownerId, people, null);
  store.transaction(() => {
    world.guilds.set(guild.id, guild);
    store.saveGuild(guild);
    for (const channel of seedChannels(guild.id, [ownerId])) {
      if (isThread(channel)) continue;
      world.channels.set(channel.id, channel);
      store.saveChannel(channel);
    }
  });
  inviteBot(state, guild);
  return world.guilds.get(guild.id)!;
}
