import { DatabaseSync } from 'node:sqlite';
import { EventEmitter } from 'node:events';
import type { KeyvStoreAdapter } from 'keyv';

/**
 * Keyv's storage contract over node:sqlite, so that the default install compiles nothing. Values are the
 * strings Keyv serialises. Expiry is Keyv's own: it stores and checks `expires` inside the value.
 */
export function openKeyValueFile(file: string): KeyvStoreAdapter {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA busy_timeout = 2000');
  database.exec(
    'CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT',
  );
  const get = database.prepare('SELECT value FROM entries WHERE key = ?');
  const set = database.prepare(
    'INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM entries WHERE key = ?');
  const removeSpace = database.prepare('DELETE FROM entries WHERE substr(key, 1, length(?1)) = ?1');
  const events = new EventEmitter();

  const adapter: KeyvStoreAdapter = {
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
