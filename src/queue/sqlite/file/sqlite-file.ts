import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../engine/errors.ts';
import { keepReserve, NO_RESERVE, type DiskReserve } from './disk-reserve.ts';
import { migrate } from './schema.ts';
import { isDiskFull } from '../../pictures.ts';
import { sayOfQueue } from '../../sentences.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
const CORRUPT = 11;

/** How long an older Darkroom on the same file may take to close before the new one gives up. */
const OWNER_PATIENCE_MS = 2000;

/** SQLite's own word. */
const IN_MEMORY = ':memory:';

export type SqliteFile = { db: DatabaseSync; reserve: DiskReserve; close(): void };

/**
 * Opens (or creates) the queue's database: WAL, an fsync at every commit, the newest schema. One program at a time
 * owns it, by an operating-system lock on `<file>.lock` that even kill -9 releases; other programs may still read. One
 * in memory (':memory:') is nobody else's, and has no files beside it. Throws UserError when another program owns it or the file cannot be used.
 */
export async function openSqliteFile(file: string): Promise<SqliteFile> {
  let owner: DatabaseSync | null = null;
  let db: DatabaseSync | null = null;
  let reserve: DiskReserve;
  try {
    if (file !== IN_MEMORY) {
      await mkdir(path.dirname(path.resolve(file)), { recursive: true });
      owner = await own(file);
    }
    db = new DatabaseSync(file, { timeout: 2000 });
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    // What is deleted is overwritten: a person's words must not stay readable in the file.
    db.exec('PRAGMA secure_delete = ON');
    migrate(db, file);
    reserve = file === IN_MEMORY ? NO_RESERVE : keepReserve(`${file}.headroom`, db);
  } catch (error) {
    db?.close();
    owner?.close();
    throw openingWords(error, file);
  }
  const [opened, owned] = [db, owner];
  return {
    db: opened,
    reserve,
    close() {
      opened.close();
      owned?.close();
    },
  };
}

async function own(file: string): Promise<DatabaseSync> {
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
  const until = performance.now() + OWNER_PATIENCE_MS;
  for (;;) {
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (error) {
      if (sqliteCode(error) === BUSY && performance.now() < until) {
        await sleep(100);
        continue;
      }
      lock.close();
      throw error;
    }
  }
}

/** SQLite's primary result code of an error; null for errors of another kind. */
function sqliteCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}

function openingWords(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  if (code === BUSY) {
    return new UserError(
      `Another Darkroom is using ${file}. Stop it first, or give this one its own DATA_DIR.`,
    );
  }
  if (code === NOTADB || code === CORRUPT) {
    return new UserError(
      `${file} is damaged or not a Darkroom queue (${(error as Error).message}). ` +
        'Move it away to start with an empty queue, or restore a backup.',
    );
  }
  const unwritable = code === READONLY || code === CANTOPEN || code === IOERR || code === FULL;
  if (unwritable || (error as NodeJS.ErrnoException).syscall !== undefined) {
    return new UserError(
      `The queue's file ${file} cannot be written (${(error as Error).message}). ` +
        'Darkroom needs a DATA_DIR that it may write to, with free space.',
    );
  }
  return error;
}

/** The sentence a person gets when an order cannot be recorded; other errors come back as they are. */
export function writingWords(error: unknown): unknown {
  const code = sqliteCode(error);
  const { code: fileCode = '' } = (error ?? {}) as NodeJS.ErrnoException;
  const full = isDiskFull(error);
  const unwritable =
    code === READONLY || code === IOERR || ['EROFS', 'EACCES', 'EPERM', 'EIO'].includes(fileCode);
  if (!full && !unwritable) return error;
  const said = sayOfQueue(full ? 'order-lost-disk-full' : 'order-lost-unwritable');
  return new UserError(said, { cause: error });
}
