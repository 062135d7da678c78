import { link, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Beside the files, so that a link can be made; hidden names are no keys of a store. */
const HELD = '.held-for-backup';
/** Links between two breaks: what else goes to the disk has its turn. */
const BATCH = 100;
const BREAK_MS = 5;

/**
 * Files of a store that stay readable although their owner removes them: second names of the same bytes, which take no
 * room. Where the file system has no such links, the files themselves are read.
 */
export type HeldFiles = {
  /** The names that are there now, beside those of before. */
  hold(): Promise<void>;
  /** Everything held, by name, each with the path to read it from. */
  files(): readonly { name: string; path: string }[];
  release(): Promise<void>;
};

/**
 * Begins to hold a store's files by links in a hidden folder within it; what a killed backup left there goes first.
 */
export async function holdFiles(folder: string): Promise<HeldFiles> {
  const held = path.join(folder, HELD);
  const known = new Map<string, string>();
  // Of a backup that was killed.
  await rm(held, { recursive: true, force: true });
  let links = true;

  async function hold(): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true });
    const fresh = entries
      .filter((one) => one.isFile() && !one.name.startsWith('.') && !known.has(one.name))
      .map(({ name }) => name)
      .toSorted();
    for (let from = 0; from < fresh.length; from += BATCH) {
      if (from > 0) await sleep(BREAK_MS);
      await Promise.all(fresh.slice(from, from + BATCH).map(holdOne));
    }
  }

  async function holdOne(name: string): Promise<void> {
    const original = path.join(folder, name);
    if (!links) return void known.set(name, original);
    const second = path.join(held, name);
    try {
      await link(original, second);
      known.set(name, second);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Gone a moment ago: what was being removed is not backed up.
      if (code === 'ENOENT') return;
      if (code === 'ENOSPC' || code === 'EDQUOT') throw error;
      links = false;
      known.set(name, original);
    }
  }

  await mkdir(held, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT') throw error;
    // A store that may only be read is read where it is.
    links = false;
  });
  return {
    hold,
    files: () => [...known].map(([name, from]) => ({ name, path: from })),
    release: () => rm(held, { recursive: true, force: true }),
  };
}
