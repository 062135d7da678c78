import path from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { UserError } from '../../engine/errors.ts';

/** Pages between two looks at whether it was stopped: 4 MiB. */
const PAGES = 1024;

/**
 * Copies databases as they are at one moment, by SQLite's own backup, while others go on writing to them. All are read
 * inside transactions that begin together: else each write of another program would begin the copy anew, and a busy
 * one would never end.
 * @param into where each copy goes
 * @throws UserError for one that is damaged
 */
export async function snapshotDatabases(
  folder: string,
  names: readonly string[],
  { into, signal }: { into: (name: string) => string; signal: AbortSignal },
): Promise<void> {
  const opened: DatabaseSync[] = [];
  try {
    for (const name of names) {
      const db = new DatabaseSync(path.join(folder, name), { readOnly: true, timeout: 5000 });
      opened.push(db);
    }
    for (const [index, db] of opened.entries()) {
      try {
        db.exec('BEGIN');
        db.prepare('SELECT count(*) FROM sqlite_schema').get();
      } catch (error) {
        throw damaged(path.join(folder, names[index]!), error);
      }
    }
    for (const [index, db] of opened.entries()) {
      const copy = into(names[index]!);
      await backup(db, copy, { rate: PAGES, progress: () => signal.throwIfAborted() });
      signal.throwIfAborted();
      check(copy, path.join(folder, names[index]!));
    }
  } finally {
    for (const db of opened) db.close();
  }
}

/** The copy becomes one file without a log beside it, and is whole. */
function check(copy: string, original: string): void {
  const db = new DatabaseSync(copy);
  try {
    db.exec('PRAGMA journal_mode = DELETE');
    const { quick_check: verdict } = db.prepare('PRAGMA quick_check(1)').get() ?? {};
    if (verdict !== 'ok') throw damaged(original, verdict);
  } finally {
    db.close();
  }
}

function damaged(file: string, why: unknown): UserError {
  const said = why instanceof Error ? why.message : String(why);
  return new UserError(
    `${file} is damaged (${said}), so nothing was backed up. Move it away, or bring back an older backup.`,
  );
}
