import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../engine/errors.ts';
import type { GenerateRequest } from '../../../engine/request.ts';
import type { FoundRequest, JobId, PictureRef, StoredRequest } from '../../job.ts';
import { openPictureStore, type PictureStore, sizesIn } from '../../pictures.ts';
import { readStored, readWithBytes, refOf, writeStored } from '../../stored/stored-request.ts';

/**
 * Start pictures and masks of orders, each once, as files named by their SHA-256 in a folder beside the database.
 * The rows of jobs only name them, so that the buttons under a picture of long ago still work and the database holds
 * no pictures. A file goes when the last job that names it is forgotten.
 */
export type Inputs = {
  /** Stores a request's pictures before its row is written; `settle` after that, whatever came of it. */
  keep(request: GenerateRequest): Promise<Kept>;
  /** A job's request with its pictures' bytes; null for an unknown job. Rejects when one cannot be read now. */
  read(id: JobId): Promise<FoundRequest | null>;
  /** Inside a transaction: job number `seq` names these. */
  name(seq: number, hashes: readonly string[]): void;
  /** What these jobs name; call before they are forgotten, then `drop` it. */
  namedBy(ids: readonly string[]): string[];
  /** Removes the files that nobody names any more. */
  drop(hashes: readonly string[]): Promise<void>;
  /** Bytes of all of them together. */
  bytes(): Promise<number>;
  /** Resolves when no background work is left that touches the database. */
  close(): Promise<void>;
};

export type Kept = {
  /** for the job */
  request: StoredRequest;
  /** for the row */
  text: string;
  hashes: readonly string[];
  settle(): Promise<void>;
};

/** Rows of older versions that are looked at between two breaks. */
const MOVE_BATCH = 20;
const MOVE_BREAK_MS = 20;

export function openInputs(
  folder: string,
  db: DatabaseSync,
  transact: (body: () => void) => void,
): Inputs {
  const addName = db.prepare('INSERT OR IGNORE INTO inputs (hash, job) VALUES (?, ?)');
  const isNamed = db.prepare('SELECT 1 FROM inputs WHERE hash = ? LIMIT 1');
  const namedByOne = db.prepare(
    'SELECT hash FROM inputs WHERE job = (SELECT seq FROM jobs WHERE id = ?)',
  );
  const requestOf = db.prepare('SELECT request FROM jobs WHERE id = ?');
  /** of orders whose row is not written yet */
  const held = new Map<string, number>();
  /** Files are written and removed one after the other. */
  let line: Promise<unknown> = Promise.resolve();
  let store: Promise<PictureStore> | null = null;
  let closed = false;

  const opened = (): Promise<PictureStore> => {
    store ??= openPictureStore(folder);
    store.catch(() => (store = null));
    return store;
  };

  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = line.then(work);
    line = turn.catch(() => {});
    return turn;
  }

  async function keep(request: GenerateRequest): Promise<Kept> {
    const { init } = request;
    if (init === null) {
      const stored = { ...request, init };
      const text = writeStored(stored);
      return { request: stored, text, hashes: [], settle: () => Promise.resolve() };
    }
    const put = async (bytes: Uint8Array): Promise<PictureRef> => {
      const { sha256: hash } = refOf(bytes);
      held.set(hash, (held.get(hash) ?? 0) + 1);
      hashes.push(hash);
      await inLine(async () => {
        const files = await opened();
        if ((await files.get(hash)) === null) await files.put(hash, bytes);
      });
      return { sha256: hash };
    };
    const hashes: string[] = [];
    const settle = (): Promise<void> => {
      for (const hash of hashes) held.set(hash, held.get(hash)! - 1);
      return drop(hashes);
    };
    try {
      const image = await put(init.image);
      const mask = init.mask === null ? null : await put(init.mask);
      const stored = { ...request, init: { ...init, image, mask } };
      return { request: stored, text: writeStored(stored), hashes, settle };
    } catch (error) {
      await settle().catch(() => {});
      // The store's own words are for whoever starts the program.
      throw error instanceof UserError ? error.cause : error;
    }
  }

  async function read(id: JobId): Promise<FoundRequest | null> {
    const text = requestOf.get(id)?.['request'];
    if (text === undefined) return null;
    const older = readWithBytes(String(text));
    if (older !== null) return { kind: 'found', request: older };
    const stored = readStored(String(text));
    if (stored === 'unreadable') return { kind: 'unreadable' };
    const { init, ...request } = stored;
    if (init === null) return { kind: 'found', request: { ...request, init } };
    const file = ({ sha256 }: PictureRef) => readWhole(path.join(folder, sha256));
    const image = await file(init.image);
    const mask = init.mask && (await file(init.mask));
    if (image === null || (init.mask !== null && mask === null)) return { kind: 'picture-gone' };
    return { kind: 'found', request: { ...request, init: { ...init, image, mask } } };
  }

  async function drop(hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return;
    await inLine(async () => {
      for (const hash of new Set(hashes)) {
        if ((held.get(hash) ?? 0) > 0) continue;
        held.delete(hash);
        if (!closed && isNamed.get(hash) === undefined) await (await opened()).delete(hash);
      }
    });
  }

  /** Files that a crash left without a row. */
  async function sweep(): Promise<void> {
    const files = await readdir(folder).catch((): string[] => []);
    await drop(files.filter((name) => /^[0-9a-f]{64}$/.test(name)));
  }

  /** Rows of older versions hold the pictures themselves: they move out, a few at a time. */
  async function moveOld(): Promise<void> {
    const next = db.prepare(`
      SELECT seq, request FROM jobs WHERE seq > (SELECT seen FROM input_moves)
        AND seq <= (SELECT last FROM input_moves) ORDER BY seq LIMIT ${MOVE_BATCH}`);
    const replace = db.prepare('UPDATE jobs SET request = ? WHERE seq = ?');
    const see = db.prepare('UPDATE input_moves SET seen = ?');
    for (;;) {
      const rows = closed ? [] : next.all();
      if (rows.length === 0) return;
      for (const row of rows) {
        if (closed) return;
        const seq = Number(row['seq']);
        const kept = await keepOld(String(row['request']));
        transact(() => {
          if (kept !== null) {
            replace.run(kept.text, seq);
            for (const hash of kept.hashes) addName.run(hash, seq);
          }
          see.run(seq);
        });
        await kept?.settle();
      }
      await sleep(MOVE_BREAK_MS);
    }
  }

  /** null for a row without a picture, or one that cannot be read: it stays as it is. */
  async function keepOld(text: string): Promise<Kept | null> {
    const request = readWithBytes(text);
    return request === null || request.init === null ? null : keep(request);
  }

  // A disk that takes nothing now is tried again at the next start; nothing is lost by waiting.
  const background = sweep()
    .then(moveOld)
    .catch(() => {});

  return {
    keep,
    read,
    name(seq, hashes) {
      for (const hash of hashes) addName.run(hash, seq);
    },
    namedBy: (ids) => ids.flatMap((id) => namedByOne.all(id).map((row) => String(row['hash']))),
    drop,
    async bytes() {
      let sum = 0;
      for (const size of (await sizesIn(folder)).values()) sum += size;
      return sum;
    },
    async close() {
      closed = true;
      await background;
      await line;
    },
  };
}

/** null where the file is gone. */
async function readWhole(file: string): Promise<Uint8Array | null> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(file);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
