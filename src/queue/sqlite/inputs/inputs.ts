import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../engine/errors.ts';
import type { GenerateRequest } from '../../../engine/request.ts';
import type { FoundRequest, JobId, PictureRef, StoredRequest } from '../../job.ts';
import { readStored, readWithBytes, refOf, writeStored } from '../../stored/stored-request.ts';
import { InputFiles } from './input-files.ts';

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

/**
 * Opens the folder of start pictures and masks. In the background it removes what no job names, and moves those of
 * older versions out of the database.
 */
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
  const files = new InputFiles(folder, (hash) => isNamed.get(hash) !== undefined);
  const name = (seq: number, hashes: readonly string[]): void => {
    for (const hash of hashes) addName.run(hash, seq);
  };

  // A disk that takes nothing now is tried again at the next start; nothing is lost by waiting.
  const background = files
    .sweep()
    .then(() => moveOld({ db, files, transact, name }))
    .catch(() => {});

  return {
    keep: (request) => keep(request, files),
    async read(id) {
      const text = requestOf.get(id)?.['request'];
      return text === undefined ? null : readRequest(String(text), files);
    },
    name,
    namedBy: (ids) => ids.flatMap((id) => namedByOne.all(id).map((row) => String(row['hash']))),
    drop: (hashes) => files.drop(hashes),
    bytes: () => files.bytes(),
    async close() {
      files.close();
      await background;
      await files.settled();
    },
  };
}

async function keep(request: GenerateRequest, files: InputFiles): Promise<Kept> {
  const { init } = request;
  if (init === null) {
    const stored = { ...request, init };
    const text = writeStored(stored);
    return { request: stored, text, hashes: [], settle: () => Promise.resolve() };
  }
  const hashes: string[] = [];
  const settle = (): Promise<void> => files.letGo(hashes);
  const put = async (bytes: Uint8Array): Promise<PictureRef> => {
    const { sha256: hash } = refOf(bytes);
    hashes.push(hash);
    await files.hold(hash, bytes);
    return { sha256: hash };
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

async function readRequest(text: string, files: InputFiles): Promise<FoundRequest> {
  const older = readWithBytes(text);
  if (older !== null) return { kind: 'found', request: older };
  const stored = readStored(text);
  if (stored === 'unreadable') return { kind: 'unreadable' };
  const { init, ...request } = stored;
  if (init === null) return { kind: 'found', request: { ...request, init } };
  const image = await files.read(init.image.sha256);
  const mask = init.mask && (await files.read(init.mask.sha256));
  if (image === null || (init.mask !== null && mask === null)) return { kind: 'picture-gone' };
  return { kind: 'found', request: { ...request, init: { ...init, image, mask } } };
}

/** Rows of older versions that are looked at between two breaks. */
const MOVE_BATCH = 20;
const MOVE_BREAK_MS = 20;

/** Rows of older versions hold the pictures themselves: they move out, a few at a time. */
async function moveOld({
  db,
  files,
  transact,
  name,
}: {
  db: DatabaseSync;
  files: InputFiles;
  transact: (body: () => void) => void;
  name: Inputs['name'];
}): Promise<void> {
  const next = db.prepare(`
    SELECT seq, request FROM jobs WHERE seq > (SELECT seen FROM input_moves)
      AND seq <= (SELECT last FROM input_moves) ORDER BY seq LIMIT ${MOVE_BATCH}`);
  const replace = db.prepare('UPDATE jobs SET request = ? WHERE seq = ?');
  const see = db.prepare('UPDATE input_moves SET seen = ?');
  for (;;) {
    const rows = files.isClosed ? [] : next.all();
    if (rows.length === 0) return;
    for (const row of rows) {
      if (files.isClosed) return;
      const seq = Number(row['seq']);
      const kept = await keepOld(String(row['request']), files);
      transact(() => {
        if (kept !== null) {
          replace.run(kept.text, seq);
          name(seq, kept.hashes);
        }
        see.run(seq);
      });
      await kept?.settle();
    }
    await sleep(MOVE_BREAK_MS);
  }
}

/** null for a row without a picture, or one that cannot be read: it stays as it is. */
async function keepOld(text: string, files: InputFiles): Promise<Kept | null> {
  const request = readWithBytes(text);
  return request === null || request.init === null ? null : keep(request, files);
}
