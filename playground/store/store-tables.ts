import type { DatabaseSync } from 'node:sqlite';
import { plainChannel } from '../world/channels.ts';
import type { Channel } from '../world/channels.ts';
import type { Store } from './store-calls.ts';
import type { StoredMessage } from './stored.ts';
import type { Guild, Person } from '../world/world.ts';
import { seedWorld } from '../world/world.ts';

export type Statement = ReturnType<DatabaseSync['prepare']>;
/** Prepares each SQL text once. */
export type Sql = (text: string) => Statement;

function document<T>(row: Readonly<Record<string, unknown>> | undefined): T | null {
  return row ? (JSON.parse(String(row['json'])) as T) : null;
}

function documents<T>(rows: readonly Readonly<Record<string, unknown>>[]): T[] {
  return rows.map((row) => JSON.parse(String(row['json'])) as T);
}

/** The row of what was deleted: it stays away. */
type Gone = { gone?: boolean };

/**
 * Opens the tables of people, guilds and channels. What was deleted stays as a row marked `gone`, so that the world
 * that the program begins with does not bring it back.
 */
export function worldTables(
  sql: Sql,
  transaction: Store['transaction'],
): Pick<Store, 'loadWorld' | 'saveChannel' | 'saveGuild' | 'removeChannel' | 'removeGuild'> {
  type Table = 'people' | 'guilds' | 'channels';
  const put = (table: Table, value: { id: string } & Gone): void => {
    sql(
      `INSERT INTO ${table} (id, json) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
    ).run(value.id, JSON.stringify(value));
  };
  const every = <T extends { id: string }>(table: Table): Map<string, T & Gone> =>
    new Map(
      documents<T & Gone>(sql(`SELECT json FROM ${table} ORDER BY rowid`).all()).map((one) => [
        one.id,
        one,
      ]),
    );
  const all = <T extends { id: string }>(table: Table): Map<string, T> =>
    new Map([...every<T>(table)].filter(([, one]) => one.gone !== true));
  return {
    saveChannel: (channel) => put('channels', channel),
    saveGuild: (guild) => put('guilds', guild),
    removeGuild: (id) => put('guilds', { id, gone: true }),
    removeChannel: (id) => {
      sql(
        `DELETE FROM attachments WHERE id IN
           (SELECT value FROM messages, json_each(messages.json, '$.attachmentIds')
             WHERE channel = ?)`,
      ).run(id);
      sql('DELETE FROM messages WHERE channel = ?').run(id);
      put('channels', { id, gone: true });
    },
    loadWorld: (guests) =>
      transaction(() => {
        const seed = seedWorld(guests);
        if (all('people').size < seed.people.size) {
          for (const person of seed.people.values()) put('people', person);
          for (const guild of seed.guilds.values()) put('guilds', guild);
        }
        // Whole at the first start; an older file gets the channels that came later.
        const kept = every<Channel>('channels');
        for (const channel of seed.channels.values()) {
          if (!kept.has(channel.id)) put('channels', channel);
        }
        const people = all<Person>('people');
        return {
          bot: people.get(seed.bot.id) ?? seed.bot,
          people,
          guilds: all<Guild>('guilds'),
          channels: new Map(
            [...all<Channel>('channels')].map(([id, one]) => [
              id,
              { ...plainChannel, ...seed.channels.get(id), ...one },
            ]),
          ),
        };
      }),
  };
}

/** Opens the table of messages. Their ids are snowflakes: a larger number is a later message. */
export function messageTable(
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

/**
 * Opens the table of attachments and their bytes. `sweep` removes those older than a snowflake that no message names.
 */
export function attachmentTable(
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

/** Opens the table of interactions, found by id or by token. */
export function interactionTable(
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
export function commandTable(
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
