import { Keyv } from 'keyv';
import { openKeyValueFile } from './key-value-file.ts';
import type { BotLog } from '../bot-log.ts';

/** Versioned rows by key, through Keyv. Several namespaces may live in one file. */
export type RowStore = {
  /** undefined when there is none, or when it cannot be read just now (which is logged) */
  get(key: string): Promise<unknown>;
  /** @throws Error when the row could not be stored */
  set(key: string, row: object): Promise<void>;
  keys(): string[];
  delete(key: string): Promise<void>;
  close(): Promise<void>;
};

/** `file`: a path, created when absent, or ':memory:'. */
export function openRows(options: { file: string; namespace: string; log: BotLog }): RowStore {
  const { namespace, log } = options;
  const store = openKeyValueFile(options.file, options.log);
  const rows = new Keyv<unknown>({ store, namespace });
  let lastError: unknown = null;
  rows.on('error', (error: unknown) => {
    lastError = error;
    log.error({ namespace, said: String(error) }, 'rows could not be read or written');
  });
  return {
    async get(key) {
      try {
        return await rows.get(key);
      } catch (error) {
        log.error({ namespace, said: String(error) }, 'a row could not be read');
        return undefined;
      }
    },
    async set(key, row) {
      // Keyv reports a failed write by `false` and an event, never by throwing.
      if (await rows.set(key, row)) return;
      throw new Error(`the row of ${namespace} was not stored`, { cause: lastError });
    },
    keys: () => store.keysIn(namespace),
    async delete(key) {
      await rows.delete(key);
    },
    close: () => rows.disconnect(),
  };
}
