import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { RESTORED } from '../../data-folder.ts';

/** What of a data folder goes into a backup; names from the folder on, with slashes. */
export type DataContents = {
  /** SQLite's files: copied by SQLite, while others write to them */
  databases: readonly string[];
  /** folders of files that never change once they have their name */
  stores: readonly string[];
  /** all others */
  files: readonly string[];
};

const STORES: readonly string[] = ['pictures', 'queue.db.inputs'];
/** Made anew from the models, or fetched anew, when they are missing. */
const CACHES: readonly string[] = ['weights', 'cuda'];
/** Locks, room that is kept, what SQLite has beside a database, and what is being written just now. */
const PASSING = /(?:\.lock|\.lock-journal|\.headroom|\.db-(?:wal|shm|journal)|\.part)$/;

/** Hidden names are this program's own scratch, nobody's data; a disk's own folder is its file system's. */
const isData = (name: string): boolean =>
  !name.startsWith('.') && name !== 'lost+found' && !PASSING.test(name);

/**
 * Sorts what lies in a data folder by how it is copied; caches, locks, part files and SQLite's passing files are left
 * out.
 */
export async function contentsOf(folder: string): Promise<DataContents> {
  const names: string[] = [];
  const folders: string[] = [];
  for (const name of (await readdir(folder)).toSorted()) {
    if (!isData(name) || CACHES.includes(name)) continue;
    // Links are followed: people put their pictures on a larger disk.
    const info = await stat(path.join(folder, name)).catch(() => null);
    if (info?.isFile()) names.push(name);
    if (info?.isDirectory()) folders.push(name);
  }
  const others: string[] = [];
  for (const name of folders.filter((one) => !STORES.includes(one))) {
    const inside = await readdir(path.join(folder, name), { recursive: true, withFileTypes: true });
    for (const one of inside.filter((each) => each.isFile() && isData(each.name))) {
      const whole = path.join(one.parentPath, one.name);
      others.push(path.relative(folder, whole).split(path.sep).join('/'));
    }
  }
  return {
    databases: names.filter((name) => name.endsWith('.db')),
    stores: STORES.filter((name) => folders.includes(name)),
    files: [...names.filter((name) => !name.endsWith('.db')), ...others.toSorted()],
  };
}

/** What of a folder stands in the way of a restore: everything but locks and other scratch. */
export async function dataIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names.filter((name) => isData(name) || name === RESTORED).toSorted();
}
