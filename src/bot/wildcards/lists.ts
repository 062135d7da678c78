import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Lookup } from './expand.ts';

/** A list by name, as people write it between underscores. */
export type WildcardList = { name: string; entries: readonly string[] };

/** The lists of this installation: text files below `models/wildcards`, an entry a line. */
export type WildcardFiles = {
  /** Read anew when a file has changed; none where there is no folder. */
  lists(): Promise<readonly WildcardList[]>;
};

const FOLDER_DEEP = 6;
const MOST_STARS = 3;
const FILES_READ = 2000;
const FILE_BYTES = 2 * 1024 * 1024;
/** A folder that was looked at so recently is not looked at again; milliseconds. */
const FRESH_MS = 2000;

/** `folder`: absolute; null: no files. */
export function openWildcardFiles(folder: string | null): WildcardFiles {
  const known = new Map<string, { stamp: string; list: WildcardList }>();
  let last: { at: number; lists: Promise<readonly WildcardList[]> } | null = null;

  async function read(file: string, name: string): Promise<WildcardList | null> {
    try {
      const { size, mtimeMs } = await stat(file);
      if (size > FILE_BYTES) return null;
      const stamp = `${size} ${mtimeMs}`;
      const before = known.get(file);
      if (before?.stamp === stamp) return before.list;
      const list = { name, entries: entriesIn(await readFile(file, 'utf8')) };
      known.set(file, { stamp, list });
      return list;
    } catch {
      // Gone, or not ours to read, since the folder was listed.
      return null;
    }
  }

  async function scan(): Promise<readonly WildcardList[]> {
    if (folder === null) return [];
    const files = await textFiles(folder, '', FOLDER_DEEP);
    const lists = await Promise.all(
      files
        .slice(0, FILES_READ)
        .map((file) => read(path.join(folder, file), file.slice(0, -'.txt'.length))),
    );
    return lists.filter((list) => list !== null);
  }

  return {
    lists() {
      const now = performance.now();
      if (last === null || now - last.at > FRESH_MS) last = { at: now, lists: scan() };
      return last.lists;
    },
  };
}

/** Paths below `folder`, with "/" between folders. */
async function textFiles(folder: string, inside: string, deep: number): Promise<string[]> {
  const entries = await readdir(path.join(folder, inside), { withFileTypes: true }).catch(() => []);
  const names: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory() && deep > 1) names.push(...(await textFiles(folder, name, deep - 1)));
    else if (!entry.isDirectory() && /\.txt$/i.test(name)) names.push(name);
  }
  return names;
}

/** One a line; empty lines and those that begin with # are none. */
export function entriesIn(text: string): string[] {
  return text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Looks a name up in lists, the first of a name winning; `*` stands for any letters. */
export function lookupIn(lists: readonly WildcardList[]): Lookup {
  const byName = new Map<string, WildcardList>();
  for (const list of lists.toReversed()) byName.set(keyOf(list.name), list);
  return (name) => {
    const key = keyOf(name);
    if (!key.includes('*')) return byName.get(key)?.entries ?? null;
    // More stars would make a search of many steps out of a short name.
    if (key.split(/\*+/).length > MOST_STARS + 1) return null;
    const parts = key.split(/\*+/).map((part) => part.replaceAll(/[.\\^$+?()[\]{}|]/g, '\\$&'));
    const fits = new RegExp(`^${parts.join('[^\\n]*')}$`, 'u');
    const found = [...byName].filter(([one]) => fits.test(one));
    return found.length === 0 ? null : found.flatMap(([, list]) => list.entries);
  };
}

const keyOf = (name: string) => name.trim().toLowerCase().replaceAll('\\', '/');
