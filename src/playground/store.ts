import { DatabaseSync } from 'node:sqlite';
import { randomBytes } from 'node:crypto';
import type { APIApplicationCommand } from 'discord-api-types/v10';
import { PlaygroundError } from './playground-error.ts';
import type { StoredAttachment, StoredInteraction, StoredMessage } from './stored.ts';
import { plainChannel } from './channels.ts';
import type { Channel } from './channels.ts';
import type { Guild, Person, World } from './world.ts';
import { seedWorld } from './world.ts';

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

type Statement = ReturnType<DatabaseSync['prepare']>;
/** Prepares each SQL text once. */
type Sql = (text: string) => Statement;

/** Opens (and at first use fills) the file. Throws with the file's name when it cannot be opened. */
export function openStore(file: string): Store {
  const db = openDatabase(file);
  const prepared = new Map<string, Statement>();
  const sql: Sql = (text) => {
    let known = prepared.get(text);
    if (!known) prepared.set(text, (known = db.prepare(text)));
    return known;
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
  const secret = (name: string, bytes: number): string => {
    sql('INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(
      name,
      randomBytes(bytes).toString('hex'),
    );
    return String(sql('SELECT value FROM facts WHERE name = ?').get(name)?.['value']);
  };
  return {
    token: `playground.${secret('token', 24)}`,
    signingKey: Buffer.from(secret('signing-key', 32), 'hex'),
    highestId: highestId(db),
    transaction,
    close: () => db.close(),
    ...worldTables(sql, transaction),
    ...messageTable(sql),
    ...attachmentTable(sql),
    ...interactionTable(sql),
    ...commandTable(sql, transaction),
  };
}

function document<T>(row: Readonly<Record<string, unknown>> | undefined): T | null {
  return row ? (JSON.parse(String(row['json'])) as T) : null;
}

function documents<T>(rows: readonly Readonly<Record<string, unknown>>[]): T[] {
  return rows.map((row) => JSON.parse(String(row['json'])) as T);
}

function worldTables(
  sql: Sql,
  transaction: Store['transaction'],
): Pick<Store, 'loadWorld' | 'saveChannel'> {
  type Table = 'people' | 'guilds' | 'channels';
  const put = (table: Table, value: { id: string }): void => {
    sql(
      `INSERT INTO ${table} (id, json) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
    ).run(value.id, JSON.stringify(value));
  };
  const all = <T extends { id: string }>(table: Table): Map<string, T> =>
    new Map(
      documents<T>(sql(`SELECT json FROM ${table} ORDER BY rowid`).all()).map((one) => [
        one.id,
        one,
      ]),
    );
  return {
    saveChannel: (channel) => put('channels', channel),
    loadWorld: (guests) =>
      transaction(() => {
        const seed = seedWorld(guests);
        if (all('people').size < seed.people.size) {
          for (const person of seed.people.values()) put('people', person);
          for (const guild of seed.guilds.values()) put('guilds', guild);
        }
        // Whole at the first start; an older file gets the channels that came later.
        const kept = all<Channel>('channels');
        for (const channel of seed.channels.values()) {
          if (!kept.has(channel.id)) put('channels', channel);
        }
        const people = all<Person>('people');
        return {
          bot: people.get(seed.bot.id) ?? seed.bot,
          people,
          guilds: all<Guild>('guilds'),
          channels: new Map(
            [...all<Channel>('channels')].map(([id, one]) => [id, { ...plainChannel, ...one }]),
          ),
        };
      }),
  };
}

function messageTable(
  sql: Sql,
): Pick<Store, 'message' | 'messagesIn' | 'saveMessage' | 'deleteMessage' | 'messageWithNonce'> {
  // Rows of earlier versions lack the fields that came later.
  const later = { mentionIds: [], mentionsEveryone: false };
  const whole = (message: StoredMessage): StoredMessage => ({ ...later, ...message });
  const newest = (channelId: string, limit: number, before?: string): StoredMessage[] =>
    documents<StoredMessage>(
      sql(
        'SELECT json FROM messages WHERE channel = ? AND number < ? ORDER BY number DESC LIMIT ?',
      ).all(channelId, BigInt(before ?? '9223372036854775807'), limit),
    ).map(whole);
  return {
    message: (id) => {
      const message = document<StoredMessage>(
        sql('SELECT json FROM messages WHERE id = ?').get(id),
      );
      return message && whole(message);
    },
    messagesIn: (channelId, limit, before) => newest(channelId, limit, before).reverse(),
    saveMessage: (message) => {
      sql(
        `INSERT INTO messages (id, channel, number, json) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
      ).run(message.id, message.channelId, BigInt(message.id), JSON.stringify(message));
    },
    deleteMessage: (id) => void sql('DELETE FROM messages WHERE id = ?').run(id),
    messageWithNonce: (channelId, nonce, since) =>
      newest(channelId, 100).find(
        (one) => one.nonce === nonce && Date.parse(one.timestamp) >= since,
      ) ?? null,
  };
}

function attachmentTable(
  sql: Sql,
): Pick<Store, 'attachment' | 'attachmentBytes' | 'saveAttachment' | 'deleteAttachment' | 'sweep'> {
  return {
    attachment: (id) => document(sql('SELECT json FROM attachments WHERE id = ?').get(id)),
    attachmentBytes: (id) => {
      const bytes = sql('SELECT bytes FROM attachments WHERE id = ?').get(id)?.['bytes'];
      return bytes instanceof Uint8Array ? bytes : null;
    },
    saveAttachment: (attachment, bytes) => {
      sql(
        `INSERT INTO attachments (id, json, bytes) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json, bytes = coalesce(excluded.bytes, bytes)`,
      ).run(attachment.id, JSON.stringify(attachment), bytes ?? null);
    },
    deleteAttachment: (id) => void sql('DELETE FROM attachments WHERE id = ?').run(id),
    sweep: (before) => {
      sql(
        `DELETE FROM attachments WHERE CAST(id AS INTEGER) < ? AND id NOT IN
           (SELECT value FROM messages, json_each(messages.json, '$.attachmentIds'))`,
      ).run(BigInt(before));
    },
  };
}

function interactionTable(
  sql: Sql,
): Pick<Store, 'interaction' | 'interactionByToken' | 'saveInteraction'> {
  return {
    interaction: (id) => document(sql('SELECT json FROM interactions WHERE id = ?').get(id)),
    interactionByToken: (token) =>
      document(sql('SELECT json FROM interactions WHERE token = ?').get(token)),
    saveInteraction: (interaction) => {
      sql(
        `INSERT INTO interactions (id, token, json) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
      ).run(interaction.id, interaction.token, JSON.stringify(interaction));
    },
  };
}

/** The commands of one server, or under '' the global ones. */
function commandTable(
  sql: Sql,
  transaction: Store['transaction'],
): Pick<Store, 'commands' | 'replaceCommands'> {
  return {
    commands: (guildId) =>
      documents(sql('SELECT json FROM commands WHERE guild = ? ORDER BY place').all(guildId ?? '')),
    replaceCommands: (guildId, commands) =>
      transaction(() => {
        sql('DELETE FROM commands WHERE guild = ?').run(guildId ?? '');
        const insert = sql('INSERT INTO commands (place, guild, json) VALUES (?, ?, ?)');
        for (const [place, command] of commands.entries()) {
          insert.run(place, guildId ?? '', JSON.stringify(command));
        }
      }),
  };
}

function openDatabase(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file);
    db.exec(schema);
    return db;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PlaygroundError(
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
