import type { APIApplicationCommand } from 'discord-api-types/v10';
import type { StoredAttachment, StoredInteraction, StoredMessage } from './stored.ts';
import type { Channel } from '../world/channels.ts';
import type { Guild, World } from '../world/world.ts';

/** Everything the local Discord remembers. Each write is on disk (as far as the process is concerned) when it returns. */
export type Store = {
  readonly token: string;
  readonly signingKey: Buffer;
  readonly highestId: string;
  loadWorld(guests: number): World;
  saveChannel(channel: Channel): void;
  saveGuild(guild: Guild): void;
  /** For good: with its messages and files, and it does not come back with the next version's first servers. */
  removeChannel(id: string): void;
  removeGuild(id: string): void;
  message(id: string): StoredMessage | null;
  /** Oldest first; the `limit` newest before `before`. */
  messagesIn(channelId: string, limit: number, before?: string): StoredMessage[];
  saveMessage(message: StoredMessage): void;
  deleteMessage(id: string): void;
  messageWithNonce(channelId: string, nonce: string | number, since: number): StoredMessage | null;
  attachment(id: string): StoredAttachment | null;
  attachmentBytes(id: string): Uint8Array | null;
  saveAttachment(attachment: StoredAttachment, bytes?: Uint8Array): void;
  deleteAttachment(id: string): void;
  interaction(id: string): StoredInteraction | null;
  interactionByToken(token: string): StoredInteraction | null;
  saveInteraction(interaction: StoredInteraction): void;
  commands(guildId: string | null): APIApplicationCommand[];
  replaceCommands(guildId: string | null, commands: readonly APIApplicationCommand[]): void;
  /** Removes pictures that no message shows any more and uploads older than `before` (a snowflake). */
  sweep(before: string): void;
  transaction<T>(work: () => T): T;
  close(): void;
};
