import { permission } from './permission-bits.ts';

/** Discord's channel types, as far as this server has them. */
export const channelType = {
  text: 0,
  direct: 1,
  voice: 2,
  announcement: 5,
  publicThread: 11,
  privateThread: 12,
  forum: 15,
  media: 16,
} as const;

export type Channel = {
  id: string;
  type: number;
  /** null: a direct message between the bot and `recipient` */
  guildId: string | null;
  /** the channel a thread belongs to; null for all others */
  parentId: string | null;
  name: string;
  /** of a thread: its parent's counts */
  ageRestricted: boolean;
  recipient: string | null;
  /** permission bits the bot does not have here */
  botDenied: string;
  /** of a thread: closed, and only moderators may open it again when it is locked too */
  archived: boolean;
  locked: boolean;
  /** of a thread: who started it; null: the bot */
  ownerId: string | null;
  /** of a private thread: who was invited */
  members: readonly string[];
};

/** What a channel is that says nothing else of itself; rows of earlier versions lack the newer fields. */
export const plainChannel = {
  type: channelType.text,
  parentId: null,
  ageRestricted: false,
  recipient: null,
  botDenied: '0',
  archived: false,
  locked: false,
  ownerId: null,
  members: [],
} as const satisfies Partial<Channel>;

/** Is it a thread, public or private? */
export function isThread({ type }: Pick<Channel, 'type'>): boolean {
  return type === channelType.publicThread || type === channelType.privateThread;
}

/** Does it hold posts alone? */
export function isForum({ type }: Pick<Channel, 'type'>): boolean {
  return type === channelType.forum || type === channelType.media;
}

/** The bit that sending a message needs there. */
export function sendingBit(channel: Channel): bigint {
  return isThread(channel) ? permission.sendMessagesInThreads : permission.sendMessages;
}

/** The channels of a new server, the first one first. `starter`: of its forum's first post. */
export function seedChannels(
  guildId: string,
  people: readonly string[],
  starter: string | null = null,
): Channel[] {
  const channel = (k: number, name: string, more: Partial<Channel> = {}): Channel => ({
    ...plainChannel,
    id: String(BigInt(guildId) + 100n + BigInt(k)),
    guildId,
    name,
    ...more,
  });
  const [general, gallery, dark] = [
    channel(1, 'general'),
    channel(2, 'gallery'),
    channel(3, 'after-dark', { ageRestricted: true }),
  ];
  const forum = channel(6, 'ideas', { type: channelType.forum });
  const thread = (k: number, name: string, parent: Channel, more: Partial<Channel> = {}) =>
    channel(k, name, { type: channelType.publicThread, parentId: parent.id, ...more });
  return [
    general,
    gallery,
    dark,
    channel(4, 'news', { type: channelType.announcement }),
    channel(5, 'Lounge', { type: channelType.voice }),
    forum,
    thread(11, 'sketches', general),
    thread(12, 'studio', gallery, { type: channelType.privateThread, members: people }),
    thread(13, 'midnight', dark),
    thread(14, 'A lighthouse at dawn', forum, { ownerId: starter }),
    thread(15, 'last-year', general, { archived: true }),
  ];
}

/** Makes the channel of direct messages with a person; its id follows from theirs. */
export function directChannel(person: { id: string; name: string }): Channel {
  return {
    ...plainChannel,
    type: channelType.direct,
    id: String(BigInt(person.id) + 200_000_000_000_000_000n),
    guildId: null,
    name: person.name,
    recipient: person.id,
  };
}
