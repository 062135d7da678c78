import { Refusal } from '../interactions/command-options.ts';
import { isThread } from '../world/channels.ts';
import { permission } from '../world/permission-bits.ts';
import type { FromPage } from '../protocol.ts';
import type { State } from '../state.ts';
import { publish } from '../state.ts';
import type { Guild, Person } from '../world/world.ts';
import { deleteChannel, foundGuild } from '../world/departures.ts';
import { canSee, guildPermissions, grantableRoles } from '../world/world.ts';

/** Marks a channel as age-restricted, or not; its threads follow. Throws Refusal. */
export function changeAge(
  state: State,
  person: Person,
  { channelId, ageRestricted }: Extract<FromPage, { type: 'age' }>,
): void {
  const channel = state.world.channels.get(channelId);
  const guild = state.world.guilds.get(channel?.guildId ?? '');
  if (!channel || !guild || !canSee(state.world, person.id, channel)) {
    throw new Refusal('There is no such channel for you.');
  }
  if (isThread(channel)) throw new Refusal('A thread is as its channel is: change it there.');
  if ((guildPermissions(guild, person.id) & permission.manageChannels) === 0n) {
    throw new Refusal('Only who may manage channels can change this.');
  }
  channel.ageRestricted = ageRestricted === true;
  state.store.saveChannel(channel);
  publish(state, { kind: 'channel', channel });
  publish(state, { kind: 'guild', guild });
}

/** Gives a member these roles of those that the person may give, and takes the others of them. Throws Refusal. */
export function changeRoles(
  state: State,
  person: Person,
  { guildId, userId, roleIds }: Extract<FromPage, { type: 'roles' }>,
): void {
  const guild = state.world.guilds.get(guildId);
  const member = guild?.members.find((one) => one.userId === userId);
  if (!guild || !member || !guild.members.some((one) => one.userId === person.id)) {
    throw new Refusal('There is no such member.');
  }
  const mayGive = grantableRoles(guild, person.id);
  const wanted = Array.isArray(roleIds) ? roleIds : [];
  const changed = guild.roles
    .map(({ id }) => id)
    .filter((id) => wanted.includes(id) !== member.roles.includes(id));
  if (changed.some((id) => !mayGive.includes(id))) {
    throw new Refusal('That role is not yours to give or take.');
  }
  const roles = guild.roles.map(({ id }) => id).filter((id) => wanted.includes(id));
  const next: Guild = {
    ...guild,
    members: guild.members.map((one) => (one === member ? { ...one, roles } : one)),
  };
  state.world.guilds.set(guild.id, next);
  state.store.saveGuild(next);
  publish(state, { kind: 'guild', guild: next });
}

/** Deletes a channel or thread that this person may manage. Throws Refusal. */
export function deleteOwnChannel(
  state: State,
  person: Person,
  { channelId }: Extract<FromPage, { type: 'delete-channel' }>,
): void {
  const channel = state.world.channels.get(channelId);
  const guild = state.world.guilds.get(channel?.guildId ?? '');
  if (!channel || !guild || !canSee(state.world, person.id, channel)) {
    throw new Refusal('There is no such channel for you.');
  }
  const needed = isThread(channel) ? permission.manageThreads : permission.manageChannels;
  if ((guildPermissions(guild, person.id) & needed) === 0n) {
    throw new Refusal('Only who may manage channels can delete this.');
  }
  deleteChannel(state, channel);
}

/** A server of this person's own. Throws Refusal. */
export function ownGuild(state: State, person: Person, guildId: string): Guild {
  const guild = state.world.guilds.get(guildId);
  if (guild?.ownerId !== person.id) throw new Refusal('Only who owns a server can do that.');
  return guild;
}

const NAME_LIMIT = 100;
/** A hundred servers are enough to try things out. */
const MOST_GUILDS = 100;

/** Throws Refusal. */
export function foundOwnGuild(
  state: State,
  person: Person,
  { name }: Extract<FromPage, { type: 'found-guild' }>,
): void {
  const plain = name.trim();
  if (plain.length < 2 || plain.length > NAME_LIMIT) {
    throw new Refusal(`A server's name has 2 to ${NAME_LIMIT} characters.`);
  }
  const { guilds, people } = state.world;
  if (guilds.size >= MOST_GUILDS) throw new Refusal(`There are ${MOST_GUILDS} servers already.`);
  const members = [...people.values()]
    .filter(({ id, bot }) => !bot && id !== person.id)
    .map(({ id }) => id);
  foundGuild(state, { name: plain, ownerId: person.id, members });
}
