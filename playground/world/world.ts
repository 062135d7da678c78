import { directChannel, seedChannels, channelType, isThread } from './channels.ts';
import type { Channel } from './channels.ts';
import { permission } from './permission-bits.ts';
import type { PlaygroundChannel, PlaygroundGuild, PlaygroundUser } from '../protocol.ts';

const everyone =
  permission.viewChannel |
  permission.sendMessages |
  permission.embedLinks |
  permission.attachFiles |
  permission.readMessageHistory |
  permission.useExternalEmojis |
  permission.useApplicationCommands |
  permission.sendMessagesInThreads;

export type Person = PlaygroundUser & { bot: boolean };
/** `color` as Discord counts it, 0xrrggbb; rows of earlier versions have none. */
export type Role = {
  id: string;
  name: string;
  permissions: string;
  managed: boolean;
  color?: number;
};
export type Member = { userId: string; roles: readonly string[]; joinedAt: string };
export type Guild = {
  id: string;
  name: string;
  ownerId: string;
  roles: readonly Role[];
  members: readonly Member[];
};

/** Who and what exists. Small enough to be held whole in memory; the store keeps the durable copy. */
export type World = {
  bot: Person;
  people: Map<string, Person>;
  guilds: Map<string, Guild>;
  channels: Map<string, Channel>;
};

export const applicationId = '1100000000000000001';
const joinedAt = '2025-01-01T00:00:00.000Z';

/**
 * The same people, servers and ids at every first start: Ada runs The Atelier, Ben runs Night Shift, and Cleo is a
 * member of both who manages neither. `guests` adds that many more members to both servers.
 */
export function seedWorld(guests = 0): World {
  const person = (n: number, name: string, avatarColour: string): Person => ({
    id: String(1200000000000000000n + BigInt(n)),
    name,
    avatarColour,
    bot: false,
  });
  const bot: Person = {
    id: applicationId,
    name: 'Darkroom',
    avatarColour: '#c2410c',
    bot: true,
  };
  const people = [
    person(1, 'Ada', '#2563eb'),
    person(2, 'Ben', '#15803d'),
    person(3, 'Cleo', '#9333ea'),
  ];
  for (let n = 1; n <= guests; n++) people.push(person(1000 + n, `Guest ${n}`, '#64748b'));
  const [ada, ben, cleo] = people as [Person, Person, Person];
  const guilds = [
    seedGuild(1300000000000001000n, 'The Atelier', ada.id, people, bot.id),
    seedGuild(1300000000000002000n, 'Night Shift', ben.id, people, bot.id),
  ];
  const channels = guilds.flatMap(({ id }) => seedChannels(id, [ada.id, ben.id], cleo.id));
  for (const one of people) channels.push(directChannel(one));
  return {
    bot,
    people: new Map([bot, ...people].map((one) => [one.id, one])),
    guilds: new Map(guilds.map((one) => [one.id, one])),
    channels: new Map(channels.map((one) => [one.id, one])),
  };
}

/** `botId` null: the bot is not in it. */
export function seedGuild(
  id: bigint,
  name: string,
  ownerId: string,
  people: readonly Person[],
  botId: string | null,
): Guild {
  const role = (k: number, roleName: string, bits: bigint, color = 0): Role => ({
    id: String(id + BigInt(k)),
    name: roleName,
    permissions: String(bits),
    managed: false,
    color,
  });
  const manager = role(
    1,
    'Manager',
    everyone |
      permission.manageGuild |
      permission.manageMessages |
      permission.manageChannels |
      permission.manageRoles |
      permission.manageThreads,
    0xe0a53a,
  );
  const supporter = role(2, 'Supporter', everyone, 0x3fb573);
  const botRole = { ...role(3, 'Darkroom', everyone), managed: true };
  const cleo = '1200000000000000003';
  const members: Member[] = people.map((one) => ({
    userId: one.id,
    roles:
      one.id === ownerId
        ? [manager.id]
        : one.id === cleo && name === 'The Atelier'
          ? [supporter.id]
          : [],
    joinedAt,
  }));
  if (botId !== null) members.push({ userId: botId, roles: [botRole.id], joinedAt });
  return {
    id: String(id),
    name,
    ownerId,
    roles: [role(0, '@everyone', everyone), manager, supporter, botRole],
    members,
  };
}

const allBits = (1n << 53n) - 1n;

/** What a member may do in the whole server. */
export function guildPermissions(guild: Guild, userId: string): bigint {
  const member = guild.members.find((one) => one.userId === userId);
  if (!member) return 0n;
  if (guild.ownerId === userId) return allBits;
  let bits = 0n;
  for (const role of guild.roles) {
    if (role.id === guild.id || member.roles.includes(role.id)) bits |= BigInt(role.permissions);
  }
  return bits;
}

/** Roles that a member may give and take: those below their own highest one, with Manage Roles; an owner all. */
export function grantableRoles(guild: Guild, userId: string): string[] {
  if ((guildPermissions(guild, userId) & permission.manageRoles) === 0n) return [];
  const ranked = guild.roles.filter((role) => role.id !== guild.id);
  const mine = guild.members.find((one) => one.userId === userId)?.roles ?? [];
  const own = guild.ownerId === userId ? -1 : ranked.findIndex(({ id }) => mine.includes(id));
  return ranked.filter((role, rank) => rank > own && !role.managed).map(({ id }) => id);
}

/** What a member may do in a guild (or, for the bot, in one of its channels). In a thread the parent's bits count. */
export function permissionsOf(world: World, userId: string, channel: Channel): bigint {
  if (channel.guildId === null) return everyone;
  const guild = world.guilds.get(channel.guildId);
  let bits = guild ? guildPermissions(guild, userId) : 0n;
  const parent = world.channels.get(channel.parentId ?? '');
  if (userId === world.bot.id) {
    bits &= ~(BigInt(channel.botDenied) | BigInt(parent?.botDenied ?? '0'));
  }
  return bits;
}

/** A person sees the channels of the servers they are in, and their own direct message with the bot. */
export function canSee(world: World, userId: string, channel: Channel): boolean {
  if (channel.guildId === null) return channel.recipient === userId || userId === world.bot.id;
  const bits = permissionsOf(world, userId, channel);
  // Being invited to a private thread is no bit: interactions in it come with the parent's.
  const invited = channel.members.includes(userId) || (bits & permission.manageThreads) !== 0n;
  const isOpen = channel.type !== channelType.privateThread || invited;
  return isOpen && (bits & permission.viewChannel) !== 0n;
}

/** A thread is as old as the channel it belongs to. */
export function isAgeRestricted(world: World, channel: Channel): boolean {
  return world.channels.get(channel.parentId ?? '')?.ageRestricted ?? channel.ageRestricted;
}

const KINDS: Readonly<Record<number, PlaygroundChannel['kind']>> = {
  [channelType.voice]: 'voice',
  [channelType.announcement]: 'announcement',
  [channelType.forum]: 'forum',
  [channelType.media]: 'forum',
  [channelType.publicThread]: 'thread',
  [channelType.privateThread]: 'private-thread',
};

/** Makes what the page is told of a channel. */
export function describeChannel(world: World, channel: Channel): PlaygroundChannel {
  return {
    id: channel.id,
    name: channel.name,
    ageRestricted: isAgeRestricted(world, channel),
    kind: KINDS[channel.type] ?? 'text',
    ...(isThread(channel) && {
      parentId: channel.parentId,
      archived: channel.archived,
      locked: channel.locked,
      ...starterOf(world, channel),
    }),
  };
}

function starterOf({ people }: World, { ownerId }: Channel): { starter?: string } {
  const starter = people.get(ownerId ?? '')?.name;
  return starter === undefined ? {} : { starter };
}

const may = (guild: Guild, userId: string, bit: bigint): boolean =>
  (guildPermissions(guild, userId) & bit) !== 0n;

/** As one of its members sees it. */
export function describeGuild(world: World, guild: Guild, userId: string): PlaygroundGuild {
  const channels = [...world.channels.values()].filter(
    (channel) => channel.guildId === guild.id && canSee(world, userId, channel),
  );
  return {
    id: guild.id,
    name: guild.name,
    channels: channels.map((channel) => describeChannel(world, channel)),
    managers: guild.members
      .filter(({ userId: id }) => id !== world.bot.id && may(guild, id, permission.manageGuild))
      .map((member) => member.userId),
    members: guild.members.map((member) => member.userId),
    memberRoles: Object.fromEntries(guild.members.map(({ userId: id, roles }) => [id, roles])),
    yours: {
      channels: may(guild, userId, permission.manageChannels),
      roles: grantableRoles(guild, userId),
      ...(guild.ownerId === userId && { owned: true }),
    },
    bot: guild.members.some((member) => member.userId === world.bot.id),
    roles: guild.roles
      .filter((role) => role.id !== guild.id)
      .map(({ id, name, color = 0, managed }) => ({ id, name, color, managed })),
  };
}
