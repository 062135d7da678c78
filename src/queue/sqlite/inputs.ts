import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { decodeRequest, encodeRequest } from '../../engine/stored-request.ts';
import type { Job } from '../job.ts';
import { openPictureStore, type PictureStore } from '../pictures.ts';

/**
 * Start pictures and masks of orders, each once, as files named by their SHA-256 in a folder beside the database.
 * The rows of jobs only name them, so that the buttons under a picture of long ago still work and the database holds
 * no pictures. A file goes when the last job that names it is forgotten.
 */
export type Inputs = {
  /** Stores a request's pictures before its row is written; `settle` after that, whatever came of it. */
  keep(request: GenerateRequest): Promise<Kept>;
  /** The job with its pictures' bytes; a picture whose file is gone is empty. Rejects when one cannot be read now. */
  fill<T extends Job | null>(job: T): Promise<T>;
  /** Inside a transaction: job number `seq` names these. */
  name(seq: number, hashes: readonly string[]): void;
  /** What these jobs name; call before they are forgotten, then `drop` it. */
  namedBy(ids: readonly string[]): string[];
  /** Removes the files that nobody names any more. */
  drop(hashes: readonly string[]): Promise<void>;
  /** Resolves when no background work is left that touches the database. */
  close(): Promise<void>;
};

export type Kept = {
  /** for the row */
  text: string;
  hashes: readonly string[];
  settle(): Promise<void>;
};

/** Stands before a hash where the bytes would be: no base64 text holds a colon. */
const MARK = 'sha256:';
/** Rows of older versions that are looked at between two breaks. */
const MOVE_BATCH = 20;
const MOVE_BREAK_MS = 20;

type Pictures = { image: string | null; mask: string | null };

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
      return { text: encodeRequest(request), hashes: [], settle: () => Promise.resolve() };
    }
    const put = async (bytes: Uint8Array): Promise<string> => {
      const hash = createHash('sha256').update(bytes).digest('hex');
      held.set(hash, (held.get(hash) ?? 0) + 1);
      hashes.push(hash);
      await inLine(async () => {
        const files = await opened();
        if ((await files.get(hash)) === null) await files.put(hash, bytes);
      });
      return MARK + hash;
    };
    const hashes: string[] = [];
    const settle = (): Promise<void> => {
      for (const hash of hashes) held.set(hash, held.get(hash)! - 1);
      return drop(hashes);
    };
    try {
      const image = await put(init.image);
      const mask = init.mask === null ? null : await put(init.mask);
      const fields = JSON.parse(encodeRequest({ ...request, init: null })) as object;
      const text = JSON.stringify({ ...fields, init: { ...init, image, mask } });
      return { text, hashes, settle };
    } catch (error) {
      await settle().catch(() => {});
      // The store's own words are for whoever starts the program.
      throw error instanceof UserError ? error.cause : error;
    }
  }

  async function fill<T extends Job | null>(job: T): Promise<T> {
    if (job === null || job.request.init === null) return job;
    const named = picturesIn(String(requestOf.get(job.id)?.['request'] ?? ''));
    if (named === null) return job;
    const read = async (hash: string | null): Promise<Uint8Array | null> =>
      hash === null ? null : readWhole(path.join(folder, hash));
    const { init } = job.request;
    const image = (await read(named.image)) ?? init.image;
    const mask = named.mask === null ? init.mask : await read(named.mask);
    return { ...job, request: { ...job.request, init: { ...init, image, mask } } };
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
    if (!text.includes('"init":{') || picturesIn(text) !== null) return null;
    let request: GenerateRequest;
    try {
      request = decodeRequest(text);
    } catch {
      return null;
    }
    return request.init === null ? null : keep(request);
  }

  // A disk that takes nothing now is tried again at the next start; nothing is lost by waiting.
  const background = sweep()
    .then(moveOld)
    .catch(() => {});

  return {
    keep,
    fill,
    name(seq, hashes) {
      for (const hash of hashes) addName.run(hash, seq);
    },
    namedBy: (ids) => ids.flatMap((id) => namedByOne.all(id).map((row) => String(row['hash']))),
    drop,
    async close() {
      closed = true;
      await background;
      await line;
    },
  };
}

/** Empty where the file is gone. */
async function readWhole(file: string): Promise<Uint8Array> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(file);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array(0);
    throw error;
  }
}

/** The hashes that a row names; null when it names none. */
function picturesIn(text: string): Pictures | null {
  if (!text.includes(`"${MARK}`)) return null;
  const { init } = JSON.parse(text) as { init?: { image?: unknown; mask?: unknown } | null };
  const hashOf = (value: unknown): string | null =>
    typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : null;
  const image = hashOf(init?.image);
  return image === null ? null : { image, mask: hashOf(init?.mask) };
}
