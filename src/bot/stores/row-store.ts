import { Keyv } from 'keyv';
import { openKeyValueFile, type KeyValues } from '../../rows/row-file.ts';
import type { BotLog } from '../bot-log.ts';

/** Versioned rows by key, through Keyv. Several namespaces may live in one file. */
export type RowStore = {
  /**
   * undefined when there is none, or when a file cannot be read just now (which is logged)
   * @throws UserError when it is shared with other bots and out of reach: what cannot be read must not be replaced
   */
  get(key: string): Promise<unknown>;
  /** @throws Error when the row could not be stored */
  set(key: string, row: object): Promise<void>;
  keys(): Promise<string[]>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
};

/** Where rows are kept. `file`: a path, created when absent, or ':memory:'; `shared`: there instead. */
export type KeptIn = { file: string; shared?: { open(): KeyValues } | null; log: BotLog };

/** Opens a namespace of rows in its file, or in the place that several bots share. */
export function openRows(options: KeptIn & { namespace: string }): RowStore {
  const { namespace, log } = options;
  const store = options.shared?.open() ?? openKeyValueFile(options.file, options.log);
  const rows = new Keyv<unknown>({ store, namespace, throwOnErrors: store.isShared });
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
        if (store.isShared) throw error;
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
