/**
 * Where the system's loader would find a library (ld.so(8)): RPATH where there is no RUNPATH, LD_LIBRARY_PATH,
 * RUNPATH, the cache that ldconfig writes, the system's folders. Nothing is loaded for it.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { type Elf, ElfError, readElf } from './elf.ts';

export type Search = {
  /** LD_LIBRARY_PATH, in order */
  libraryPath: readonly string[];
  /** name -> files, as ldconfig found them */
  cache: ReadonlyMap<string, readonly string[]>;
  systemFolders: readonly string[];
  /** name -> file: opened by the program itself before it is asked for */
  opened: ReadonlyMap<string, string>;
  /** files that were read, null for what is none: a hundred libraries ask for the same ten */
  read: Map<string, Elf | null>;
};

export type Library = {
  /** as it is asked for, e.g. `libcudart.so.13` */
  name: string;
  /** the library that asks for it */
  by: string;
  /** null: it is nowhere */
  path: string | null;
  /** versions of its symbols that are asked for and that it does not have */
  lacks: readonly string[];
};

const TRIPLETS: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};

/** The search of a program started with this LD_LIBRARY_PATH. `root`: the system's, for tests. */
export function openSearch(
  libraryPath: string,
  opened: ReadonlyMap<string, string> = new Map(),
  root = '/',
): Search {
  const triplet = TRIPLETS[process.arch] ?? 'none';
  const folders = [`lib/${triplet}`, `usr/lib/${triplet}`, 'lib64', 'usr/lib64', 'lib', 'usr/lib'];
  return {
    // An empty entry is the folder the program runs in.
    libraryPath: libraryPath === '' ? [] : libraryPath.split(/[:;]/).map((each) => each || '.'),
    cache: readCache(path.join(root, 'etc/ld.so.cache')),
    systemFolders: folders.map((folder) => path.join(root, folder)),
    opened,
    read: new Map(),
  };
}

const MAGIC = Buffer.from('glibc-ld.so.cache1.1', 'latin1');
const CACHE_HEADER = 48;
const CACHE_ENTRY = 24;

/** The cache in glibc's format of 2.2 and later, also behind the older one; empty where there is none, or another. */
function readCache(file: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const start = bytes.indexOf(MAGIC);
  if (start < 0 || bytes.length < start + CACHE_HEADER) return found;
  const text = (offset: number): string => {
    const end = bytes.indexOf(0, start + offset);
    return end < 0 ? '' : bytes.toString('utf8', start + offset, end);
  };
  const count = bytes.readUInt32LE(start + MAGIC.length);
  for (let i = 0; i < count; i++) {
    const at = start + CACHE_HEADER + i * CACHE_ENTRY;
    if (at + CACHE_ENTRY > bytes.length) break;
    const name = text(bytes.readUInt32LE(at + 4));
    const known = found.get(name);
    const value = text(bytes.readUInt32LE(at + 8));
    if (known === undefined) found.set(name, [value]);
    else known.push(value);
  }
  return found;
}

function elfAt(file: string, { read }: Pick<Search, 'read'>): Elf | null {
  let known = read.get(file);
  if (known === undefined) {
    try {
      known = readElf(file);
    } catch (error) {
      if (!(error instanceof ElfError) && !isSystemError(error)) throw error;
      known = null;
    }
    read.set(file, known);
  }
  return known;
}

const isSystemError = (error: unknown): boolean =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string';

type Asking = { file: string; elf: Elf };

/** The first file that fits: the loader passes over what is for another machine. */
function find(
  name: string,
  asking: Asking,
  chain: readonly Asking[],
  search: Search,
): string | null {
  const fits = (file: string): boolean => elfAt(file, search)?.machine === asking.elf.machine;
  if (name.includes('/')) return fits(name) ? name : null;
  const opened = search.opened.get(name);
  if (opened !== undefined && fits(opened)) return opened;
  const { runpath } = asking.elf;
  // RPATH is asked of whoever loaded the library as well; RUNPATH stands for its own needs alone.
  const rpaths =
    runpath.length > 0
      ? []
      : [asking, ...chain].flatMap(({ file, elf }) =>
          elf.runpath.length > 0 ? [] : elf.rpath.map((folder) => placed(folder, file)),
        );
  const folders = [
    ...rpaths,
    ...search.libraryPath,
    ...runpath.map((folder) => placed(folder, asking.file)),
  ];
  const candidates = [
    ...folders.map((folder) => path.join(folder, name)),
    ...(search.cache.get(name) ?? []),
    ...search.systemFolders.map((folder) => path.join(folder, name)),
  ];
  return candidates.find(fits) ?? null;
}

/** `$ORIGIN` is the folder of the library that says so. */
function placed(folder: string, file: string): string {
  const origin = path.dirname(existsSync(file) ? realpathSync(file) : file);
  const lib = process.arch === 'x64' || process.arch === 'arm64' ? 'lib64' : 'lib';
  return folder
    .replaceAll(/\$(?:ORIGIN|\{ORIGIN\})/g, origin)
    .replaceAll(/\$(?:LIB|\{LIB\})/g, lib);
}

/**
 * All that a library needs, and what those need, nearest first; `also`: names that it opens by itself while it works.
 * @throws ElfError where the library itself cannot be read
 */
export function librariesOf(file: string, search: Search, also: readonly string[] = []): Library[] {
  const elf = readElf(file);
  const found = new Map<string, Library>();
  const waiting: { asking: Asking; chain: readonly Asking[]; names: readonly string[] }[] = [
    { asking: { file, elf }, chain: [], names: [...elf.needed, ...also] },
  ];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { asking, chain } = next;
    for (const name of next.names) {
      const asks = asking.elf.asks.get(name) ?? [];
      const known = found.get(name);
      const place = known === undefined ? find(name, asking, chain, search) : known.path;
      const own = place === null ? null : elfAt(place, search);
      const lacks = own === null ? [] : asks.filter((version) => !own.has.has(version));
      if (known !== undefined) {
        found.set(name, { ...known, lacks: [...new Set([...known.lacks, ...lacks])] });
        continue;
      }
      found.set(name, { name, by: path.basename(asking.file), path: place, lacks });
      if (place === null || own === null) continue;
      waiting.push({
        asking: { file: place, elf: own },
        chain: [asking, ...chain],
        names: own.needed,
      });
    }
  }
  return [...found.values()];
}
