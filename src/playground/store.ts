import { DatabaseSync } from 'node:sqlite';
import { randomBytes } from 'node:crypto';
import type { APIApplicationCommand } from 'discord-api-types/v10';
import type { StoredAttachment, StoredInteraction, StoredMessage } from './stored.ts';
import type { Channel, Guild, Person, World } from './world.ts';
import { seedWorld } from './world.ts';

/** A kept document by its table. */
type Tables = {
  people: Person;
  guilds: Guild;
  channels: Channel;
  messages: StoredMessage;
  attachments: StoredAttachment;
  interactions: StoredInteraction;
  commands: APIApplicationCommand;
};

/** Everything the local Discord remembers. Each write is on disk (as far as the process is concerned) when it returns. */
export type Store = {
  readonly token: string;
  readonly signingKey: Buffer;
  readonly highestId: string;
  loadWorld(guests: number): World;
  saveChannel(channel: Channel): void;
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

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 3000;
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS guilds (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS channels (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, channel TEXT NOT NULL, number INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS messages_by_channel ON messages (channel, number);
  CREATE TABLE IF NOT EXISTS attachments (id TEXT PRIMARY KEY, json TEXT NOT NULL, bytes BLOB) STRICT;
  CREATE TABLE IF NOT EXISTS interactions (
    id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS commands (
    place INTEGER NOT NULL, guild TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (guild, place)) STRICT;
`;

/** Opens (and at first use fills) the file. Throws with the file's name when it cannot be opened. */
export function openStore(file: string): Store {
  const db = openDatabase(file);
  const one = <K extends keyof Tables>(table: K, id: string): Tables[K] | null => {
    const row = statement(`SELECT json FROM ${table} WHERE id = ?`).get(id);
    return row ? (JSON.parse(String(row['json'])) as Tables[K]) : null;
  };
  const all = <K extends keyof Tables>(table: K): Tables[K][] =>
    statement(`SELECT json FROM ${table} ORDER BY rowid`)
      .all()
      .map((row) => JSON.parse(String(row['json'])) as Tables[K]);
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const statement = (sql: string) => {
    let known = prepared.get(sql);
    if (!known) prepared.set(sql, (known = db.prepare(sql)));
    return known;
  };
  const put = (table: 'people' | 'guilds' | 'channels', value: { id: string }): void => {
    statement(
      `INSERT INTO ${table} (id, json) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
    ).run(value.id, JSON.stringify(value));
  };
  const fact = (name: string, make: () => string): string => {
    statement('INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(
      name,
      make(),
    );
    return String(statement('SELECT value FROM facts WHERE name = ?').get(name)?.['value']);
  };
  const transaction = <T>(work: () => T): T => {
    if (db.isTransaction) return work();
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  };
  const parsed = (rows: readonly Record<string, unknown>[]) =>
    rows.map((row) => JSON.parse(String(row['json'])) as StoredMessage);

  return {
    token: fact('token', () => `playground.${randomBytes(24).toString('hex')}`),
    signingKey: Buffer.from(
      fact('signing-key', () => randomBytes(32).toString('hex')),
      'hex',
    ),
    highestId: highestId(db),
    transaction,
    loadWorld: (guests) =>
      transaction(() => {
        const seed = seedWorld(guests);
        if (all('guilds').length === 0 || all('people').length < seed.people.size) {
          for (const person of seed.people.values()) put('people', person);
          for (const guild of seed.guilds.values()) put('guilds', guild);
          for (const channel of seed.channels.values()) put('channels', channel);
        }
        const people = new Map(all('people').map((person) => [person.id, person]));
        return {
          bot: people.get(seed.bot.id) ?? seed.bot,
          people,
          guilds: new Map(all('guilds').map((guild) => [guild.id, guild])),
          channels: new Map(all('channels').map((channel) => [channel.id, channel])),
        };
      }),
    saveChannel: (channel) => put('channels', channel),
    message: (id) => one('messages', id),
    messagesIn: (channelId, limit, before) =>
      parsed(
        statement(
          `SELECT json FROM messages WHERE channel = ? AND number < ? ORDER BY number DESC LIMIT ?`,
        ).all(channelId, BigInt(before ?? '9223372036854775807'), limit),
      ).reverse(),
    saveMessage: (message) => {
      statement(
        `INSERT INTO messages (id, channel, number, json) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
      ).run(message.id, message.channelId, BigInt(message.id), JSON.stringify(message));
    },
    deleteMessage: (id) => void statement('DELETE FROM messages WHERE id = ?').run(id),
    messageWithNonce: (channelId, nonce, since) =>
      parsed(
        statement('SELECT json FROM messages WHERE channel = ? ORDER BY number DESC LIMIT 100').all(
          channelId,
        ),
      ).find((one) => one.nonce === nonce && Date.parse(one.timestamp) >= since) ?? null,
    attachment: (id) => one('attachments', id),
    attachmentBytes: (id) => {
      const row = statement('SELECT bytes FROM attachments WHERE id = ?').get(id);
      return row?.['bytes'] instanceof Uint8Array ? row['bytes'] : null;
    },
    saveAttachment: (attachment, bytes) => {
      statement(
        `INSERT INTO attachments (id, json, bytes) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json, bytes = coalesce(excluded.bytes, bytes)`,
      ).run(attachment.id, JSON.stringify(attachment), bytes ?? null);
    },
    deleteAttachment: (id) => void statement('DELETE FROM attachments WHERE id = ?').run(id),
    interaction: (id) => one('interactions', id),
    interactionByToken: (token) => {
      const row = statement('SELECT json FROM interactions WHERE token = ?').get(token);
      return row ? (JSON.parse(String(row['json'])) as StoredInteraction) : null;
    },
    saveInteraction: (interaction) => {
      statement(
        `INSERT INTO interactions (id, token, json) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
      ).run(interaction.id, interaction.token, JSON.stringify(interaction));
    },
    commands: (guildId) =>
      statement('SELECT json FROM commands WHERE guild = ? ORDER BY place')
        .all(guildId ?? '')
        .map((row) => JSON.parse(String(row['json'])) as APIApplicationCommand),
    replaceCommands: (guildId, commands) =>
      transaction(() => {
        statement('DELETE FROM commands WHERE guild = ?').run(guildId ?? '');
        for (const [place, command] of commands.entries()) {
          statement('INSERT INTO commands (place, guild, json) VALUES (?, ?, ?)').run(
            place,
            guildId ?? '',
            JSON.stringify(command),
          );
        }
      }),
    sweep: (before) => {
      statement(
        `DELETE FROM attachments WHERE CAST(id AS INTEGER) < ? AND id NOT IN
           (SELECT value FROM messages, json_each(messages.json, '$.attachmentIds'))`,
      ).run(BigInt(before));
    },
    close: () => db.close(),
  };
}

function openDatabase(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file);
    db.exec(schema);
    return db;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The playground cannot keep its messages in ${file} (${reason}). Set DATA_DIR to a folder that can be written.`,
      { cause: error },
    );
  }
}

function highestId(db: DatabaseSync): string {
  const row = db.prepare(
    `SELECT max(CAST(id AS INTEGER)) AS id FROM
         (SELECT id FROM messages UNION ALL SELECT id FROM attachments UNION ALL SELECT id FROM interactions)`,
  );
  row.setReadBigInts(true);
  return String(row.get()?.['id'] ?? 0n);
}
