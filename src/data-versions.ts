import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PLAYGROUND_SCHEMA } from '../playground/store/store.ts';
import { SETTINGS_SCHEMA } from './rows/row-file.ts';
import { UserError } from './engine/errors.ts';
import { QUEUE_SCHEMA } from './queue/queue.ts';

/** The newest schema (SQLite's user_version) that this Darkroom knows of each database of a data folder. */
export const KNOWN_SCHEMAS: Readonly<Record<string, number>> = {
  'queue.db': QUEUE_SCHEMA,
  'settings.db': SETTINGS_SCHEMA,
  'playground.db': PLAYGROUND_SCHEMA,
};

/** What a database says of its schema; null where there is none, or none that can be read. */
export function schemaOf(file: string): number | null {
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
    try {
      return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}

/**
 * Looks at every database before the first of them is opened, and so changed.
 * @throws UserError naming those that a newer Darkroom wrote
 */
export function refuseNewerData(folder: string, what = folder): void {
  const newer = Object.entries(KNOWN_SCHEMAS).flatMap(([name, known]) => {
    const found = schemaOf(path.join(folder, name));
    return found === null || found <= known
      ? []
      : [`${name} (schema ${found}, this one knows up to ${known})`];
  });
  if (newer.length === 0) return;
  throw new UserError(
    `${what} was written by a newer Darkroom: ${newer.join(', ')}. ` +
      'Update Darkroom, or start with another DATA_DIR. Nothing in it was changed.',
  );
}
