import type { Store } from './store-calls.ts';
import { DatabaseSync } from 'node:sqlite';
import { randomBytes } from 'node:crypto';
import { PlaygroundError } from '../playground-error.ts';
import {
  attachmentTable,
  commandTable,
  interactionTable,
  messageTable,
  worldTables,
} from './store-tables.ts';
import type { Sql, Statement } from './store-tables.ts';

/** SQLite's user_version; files of before there were versions have 0. */
export const PLAYGROUND_SCHEMA = 1;

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

function openDatabase(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file);
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > PLAYGROUND_SCHEMA) {
      db.close();
      throw new Error(
        `a newer Darkroom wrote it: schema ${version}, this one knows up to ${PLAYGROUND_SCHEMA}`,
      );
    }
    db.exec(schema);
    if (version < PLAYGROUND_SCHEMA) db.exec(`PRAGMA user_version = ${PLAYGROUND_SCHEMA}`);
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
