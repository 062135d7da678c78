import { renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { EventEmitter } from 'node:events';
import type { KeyvStoreAdapter } from 'keyv';
import { UserError } from '../engine/errors.ts';
import type { EngineLog } from '../engine/engine.ts';

/** What Keyv stores in, and what it does not ask for. */
export type KeyValues = KeyvStoreAdapter & {
  /** other programs write there, too: what was read may be another one a moment later */
  isShared: boolean;
  /** Every key of a namespace, without it. */
  keysIn(namespace: string): Promise<string[]>;
  /** Sees to it that nothing of what was deleted can be read where it lay. */
  compact(): Promise<void>;
};

export type KeyValueFile = KeyValues & {
  /** all that Keyv wrote, keys with their namespaces */
  entries(): (readonly [key: string, value: string])[];
};

/** SQLite's user_version; files of before there were versions have 0. */
export const SETTINGS_SCHEMA = 1;

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const CORRUPT = 11;
const NOTADB = 26;

/**
 * Keyv's storage contract over node:sqlite, so that the default install compiles nothing. Values are the
 * strings Keyv serialises. Expiry is Keyv's own: it stores and checks `expires` inside the value. A damaged file is set
 * aside, so that what it held can still be looked for, and the log told.
 * @throws UserError for a file of a newer version
 */
export function openKeyValueFile(file: string, log: EngineLog): KeyValueFile {
  let database: DatabaseSync;
  try {
    database = openDatabase(file);
  } catch (error) {
    const aside = isDamaged(error) ? setAside(file) : null;
    if (aside === null) throw error;
    log.error(
      { file, aside, said: String(error) },
      'the settings were damaged: they are set aside, and everything begins with its defaults',
    );
    database = openDatabase(file);
  }
  const get = database.prepare('SELECT value FROM entries WHERE key = ?');
  const set = database.prepare(
    'INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM entries WHERE key = ?');
  const removeSpace = database.prepare('DELETE FROM entries WHERE substr(key, 1, length(?1)) = ?1');
  const events = new EventEmitter();

  const keys = database.prepare('SELECT key FROM entries WHERE substr(key, 1, length(?1)) = ?1');
  const all = database.prepare('SELECT key, value FROM entries ORDER BY key');
  const adapter: KeyValueFile = {
    opts: { dialect: 'sqlite' },
    namespace: undefined,
    async get(key: string) {
      const row = get.get(key);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return row === undefined ? undefined : (row['value'] as never);
    },
    async set(key: string, value: string) {
      set.run(key, value);
      return true;
    },
    async delete(key: string) {
      return Number(remove.run(key).changes) > 0;
    },
    async clear() {
      removeSpace.run(adapter.namespace === undefined ? '' : `${adapter.namespace}:`);
    },
    isShared: false,
    async keysIn(namespace) {
      const before = `${namespace}:`;
      return keys.all(before).map(({ key }) => String(key).slice(before.length));
    },
    async compact() {
      database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
    },
    entries: () => all.all().map(({ key, value }) => [String(key), String(value)] as const),
    async disconnect() {
      database.close();
    },
    on(event: string, listener: (...values: unknown[]) => void) {
      events.on(event, listener);
      return adapter;
    },
  };
  return adapter;
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 2000');
    const { quick_check: verdict } = database.prepare('PRAGMA quick_check(1)').get() ?? {};
    if (verdict !== 'ok') throw Object.assign(new Error(String(verdict)), { errcode: CORRUPT });
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > SETTINGS_SCHEMA) {
      throw new UserError(
        `${file} was written by a newer Darkroom (schema ${version}, this one knows up to ${SETTINGS_SCHEMA}). ` +
          'Update Darkroom, or start with another DATA_DIR.',
      );
    }
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    // What is deleted is overwritten: a person's words must not stay readable in the file.
    database.exec('PRAGMA secure_delete = ON');
    database.exec(
      'CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT',
    );
    if (version < SETTINGS_SCHEMA) database.exec(`PRAGMA user_version = ${SETTINGS_SCHEMA}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function isDamaged(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' && [CORRUPT, NOTADB].includes(code & 0xff);
}

/** Where the file is now, what SQLite keeps beside it too. */
function setAside(file: string): string {
  const aside = `${file}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(file, aside);
  for (const beside of ['-wal', '-shm']) {
    try {
      renameSync(file + beside, aside + beside);
    } catch {
      // There was none.
    }
  }
  return aside;
}
