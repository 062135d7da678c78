import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../engine/errors.ts';
import { writeWhole } from '../engine/whole-file.ts';
import type { JobId, StoredResult } from './job.ts';

/** Pictures by key, e.g. `<jobId>-0.png`. Keys match /^[0-9a-z][0-9a-z.-]{0,80}$/; a half-written picture is never visible. */
export type PictureStore = {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end of what is there, which a crash may leave torn. */
  append(key: string, bytes: Uint8Array): Promise<void>;
  /** null when there is none */
  get(key: string): Promise<Uint8Array | null>;
  delete(key: string): Promise<void>;
  /** Every key there is, in no order. */
  keys(): Promise<string[]>;
  /** Every key with its bytes. */
  sizes(): Promise<ReadonlyMap<string, number>>;
  /** Rejects where nothing can be stored now. */
  tryOut(): Promise<void>;
};

/** Everything that a result names in the store. */
export function keysIn({ images, latents, snapshots = [], drawn = [] }: StoredResult): string[] {
  const keys = [...[...images, ...snapshots].map(({ key }) => key), ...drawn];
  return latents === undefined ? keys : [...keys, latents];
}

/** Of what was made of a job's result and is kept with it: a sheet, its curves. */
export const drawnKey = (jobId: JobId, ending: string): string => `${jobId}.${ending}`;

/** May name a picture. */
export const isPictureKey = (key: string): boolean => KEY.test(key);

const KEY = /^[0-9a-z][0-9a-z.-]{0,80}$/;

/** SQLite's primary result code for it (sqlite.org/rescode.html). */
const FULL = 13;

/** There is no room on the disk or in the quota, as SQLite or the file system says it. */
export function isDiskFull(error: unknown): boolean {
  const { code, errcode } = Object(error) as { code?: unknown; errcode?: unknown };
  if (typeof errcode === 'number' && (errcode & 0xff) === FULL) return true;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Nobody writes one picture for so long. */
const GIVEN_UP_MS = 24 * 3_600_000;

const TRY_BYTES = 256 * 1024;

/** What a killed program left half-written. No key begins with a dot, so it can never be mistaken for a picture. */
const TEMPORARY = /^\.[0-9a-z-]+\.part$/;

/**
 * Pictures as files of one folder, which is created when missing. `put` returns when the bytes would survive a
 * power cut. `shared`: other programs may be writing there just now. Throws UserError when the folder cannot be written.
 */
export async function openPictureStore(
  folder: string,
  { shared = false }: { shared?: boolean } = {},
): Promise<PictureStore> {
  try {
    await mkdir(folder, { recursive: true });
    const left = (await readdir(folder)).filter((name) => TEMPORARY.test(name));
    await Promise.all(left.map((name) => sweep(path.join(folder, name), shared)));
    await tryOut(folder);
  } catch (error) {
    throw new UserError(
      `Pictures cannot be kept in ${folder} (${(error as Error).message}). ` +
        'Darkroom needs a DATA_DIR that it may write to, with free space.',
      { cause: error },
    );
  }

  return {
    async put(key, bytes) {
      await writeWhole(fileOf(folder, key), bytes, { mode: 0o600 });
    },

    async append(key, bytes) {
      const file = await open(fileOf(folder, key), 'a', 0o600);
      try {
        await file.writeFile(bytes);
        await file.datasync();
      } finally {
        await file.close();
      }
    },

    async get(key) {
      try {
        return await readFile(fileOf(folder, key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },

    async delete(key) {
      await rm(fileOf(folder, key), { force: true });
    },

    async keys() {
      return (await readdir(folder)).filter((name) => KEY.test(name));
    },

    sizes: () => sizesIn(folder),

    tryOut: () => tryOut(folder),
  };
}

/** Files looked at between two turns of the loop. */
const LOOKED_AT_ONCE = 200;

/** The pictures of a folder with their bytes; what goes away meanwhile is left out. */
export async function sizesIn(folder: string): Promise<ReadonlyMap<string, number>> {
  const names = await readdir(folder).catch((): string[] => []);
  const keys = names.filter((name) => KEY.test(name));
  const sizes = new Map<string, number>();
  for (let from = 0; from < keys.length; from += LOOKED_AT_ONCE) {
    const some = keys.slice(from, from + LOOKED_AT_ONCE);
    const infos = await Promise.all(
      some.map((key) => stat(path.join(folder, key)).catch(() => null)),
    );
    for (const [index, info] of infos.entries()) if (info) sizes.set(some[index]!, info.size);
  }
  return sizes;
}

/** Of a folder of one's own nobody writes before it is open; of a shared one only what is old was given up. */
async function sweep(file: string, shared: boolean): Promise<void> {
  const found = shared ? await stat(file).catch(() => null) : null;
  if (shared && (found === null || Date.now() - found.mtimeMs < GIVEN_UP_MS)) return;
  await rm(file, { force: true });
}

/** As much as a picture needs: a byte may still find room where nothing else does. */
async function tryOut(folder: string): Promise<void> {
  const probe = path.join(folder, `.${randomUUID()}.part`);
  try {
    await writeFile(probe, new Uint8Array(TRY_BYTES), { mode: 0o600, flush: true });
  } finally {
    await rm(probe, { force: true });
  }
}

function fileOf(folder: string, key: string): string {
  if (!KEY.test(key)) throw new Error(`"${key}" is not a picture key (${KEY.source})`);
  return path.join(folder, key);
}
