import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { RESTORED } from '../../data-folder.ts';
import { schemaOf } from '../../data-versions.ts';
import { UserError } from '../../engine/errors.ts';
import { syncFolder } from '../../engine/whole-file.ts';
import { lockFile } from '../../hub/file-lock.ts';
import {
  type ArchiveEntry,
  type BackupNote,
  checkArchive,
  FORMAT,
  NOTE,
  writeArchive,
} from './archive.ts';
import { contentsOf } from './contents.ts';
import { diskWords, freeBytes } from './disk.ts';
import { inBytes } from '../../hub/in-bytes.ts';
import { type HeldFiles, holdFiles } from './held.ts';
import { snapshotDatabases } from './snapshot.ts';

export type BackupOptions = {
  dataDir: string;
  /** where pictures lie, when that is not in the data folder */
  picturesDir?: string | undefined;
  file: string;
  /** this Darkroom's, for the note inside */
  version: string;
  signal: AbortSignal;
  /** `done` of `of` bytes */
  onProgress?: (phase: 'writing' | 'checking', done: number, of: number) => void;
};

export type BackupMade = {
  file: string;
  bytes: number;
  databases: number;
  pictures: number;
};

/** Room for what SQLite and the file system need beside the bytes themselves. */
const SPARE_BYTES = 1024 ** 2;
const LEFT = 'Nothing half was left, and an older backup is as it was.';

/**
 * Writes one file with everything a data folder holds, as it was at one moment, while a Darkroom goes on working there:
 * databases first, then the pictures, which are there before any database names them and are held until they are read.
 * The file gets its name when it is whole and was read back.
 * @throws UserError where it cannot be made; nothing half is left
 */
export async function makeBackup(options: BackupOptions): Promise<BackupMade> {
  const { dataDir, file } = options;
  await checkPlaces(dataDir, file);
  let unlock: (() => void) | null = null;
  try {
    unlock = lockFile(path.join(dataDir, 'backup.lock'));
    if (unlock === null) {
      throw new UserError(`Another backup of ${dataDir} is being made. Wait until it is done.`);
    }
    return await makeAlone(options);
  } catch (error) {
    throw diskWords(error, `The backup ${file}`, LEFT);
  } finally {
    unlock?.();
  }
}

async function makeAlone(options: BackupOptions): Promise<BackupMade> {
  const { dataDir, picturesDir, file, version, signal, onProgress } = options;
  const part = `${file}.part`;
  const contents = await contentsOf(dataDir);
  if (contents.databases.length === 0) {
    throw new UserError(
      `${dataDir} holds no database of Darkroom. Set DATA_DIR to the folder to be backed up.`,
    );
  }
  const elsewhere = picturesDir === undefined ? [] : ['pictures'];
  const stores = [...new Set([...contents.stores, ...elsewhere])];
  const held: { store: string; files: HeldFiles }[] = [];
  // Beside the archive: the data folder's own disk may be short of room, and is why a backup is made.
  const copies = await mkdtemp(path.join(path.dirname(file), '.darkroom-backup-'));
  try {
    for (const store of stores) {
      const outside = store === 'pictures' ? picturesDir : undefined;
      held.push({ store, files: await holdFiles(outside ?? path.join(dataDir, store)) });
    }
    for (const { files } of held) await files.hold();
    const into = (name: string) => path.join(copies, name);
    await snapshotDatabases(dataDir, contents.databases, { into, signal });
    // What was painted between the first look and the copies is named in them.
    for (const { files } of held) await files.hold();

    const entries = entriesOf({ dataDir, contents, held, into, version });
    const total = await bytesOf(entries);
    const free = await freeBytes(path.dirname(file));
    if (free < total + SPARE_BYTES) {
      throw new UserError(
        `The backup takes ${inBytes(total)}, and there are ${inBytes(free)} free at ${path.dirname(file)}. ` +
          `Name a file on a disk with more room. ${LEFT}`,
      );
    }
    await rm(part, { force: true });
    const target = await open(part, 'wx', 0o600);
    let done = 0;
    const written = await writeArchive(target, entries, {
      signal,
      onBytes: (bytes) => onProgress?.('writing', (done += bytes), total),
    }).finally(() => target.close());
    done = 0;
    const onBytes = (bytes: number) => onProgress?.('checking', (done += bytes), total);
    await checkArchive(part, written, { signal, onBytes });
    const { size } = await stat(part);
    await rename(part, file);
    await syncFolder(path.dirname(file));
    const pictures = held.find(({ store }) => store === 'pictures')?.files.files().length ?? 0;
    return { file, bytes: size, databases: contents.databases.length, pictures };
  } finally {
    await rm(part, { force: true });
    await rm(copies, { recursive: true, force: true });
    for (const { files } of held) await files.release();
  }
}

function entriesOf({
  dataDir,
  contents,
  held,
  into,
  version,
}: {
  dataDir: string;
  contents: Awaited<ReturnType<typeof contentsOf>>;
  held: readonly { store: string; files: HeldFiles }[];
  into: (name: string) => string;
  version: string;
}): readonly ArchiveEntry[] {
  const schemas = contents.databases.map((name) => [name, schemaOf(into(name)) ?? 0]);
  const note: BackupNote = {
    format: FORMAT,
    darkroom: version,
    createdAt: new Date().toISOString(),
    schemas: Object.fromEntries(schemas),
  };
  return [
    { name: NOTE, text: `${JSON.stringify(note, null, 2)}\n` },
    ...contents.databases.map((name) => ({ name, path: into(name) })),
    ...contents.files.map((name) => ({ name, path: path.join(dataDir, name) })),
    ...held.flatMap(({ store, files }) =>
      files.files().map(({ name, path: from }) => ({ name: `${store}/${name}`, path: from })),
    ),
  ];
}

/** As a tar: each entry with its header, in blocks of 512 bytes. */
async function bytesOf(entries: readonly ArchiveEntry[]): Promise<number> {
  let total = 0;
  for (const entry of entries) {
    const size = 'text' in entry ? entry.text.length : (await stat(entry.path)).size;
    total += 512 + Math.ceil(size / 512) * 512 + entry.name.length + 70;
  }
  return total;
}

async function checkPlaces(dataDir: string, file: string): Promise<void> {
  const data = await stat(dataDir).catch(() => null);
  if (data === null || !data.isDirectory()) {
    throw new UserError(
      `There is no data folder at ${dataDir}. Set DATA_DIR to the one to be backed up.`,
    );
  }
  if ((await stat(path.join(dataDir, RESTORED)).catch(() => null)) !== null) {
    throw new UserError(
      `A restore into ${dataDir} was cut short: start Darkroom there once, which ends it.`,
    );
  }
  if (!path.relative(dataDir, file).startsWith('..')) {
    throw new UserError(
      `${file} would lie inside the data folder, and in every later backup. Name a file elsewhere.`,
    );
  }
  if ((await stat(file).catch(() => null)) !== null) {
    throw new UserError(`${file} is there already. Name another file, or remove that one first.`);
  }
  const folder = await stat(path.dirname(file)).catch(() => null);
  if (folder === null || !folder.isDirectory()) {
    throw new UserError(`There is no folder ${path.dirname(file)}. Make it first.`);
  }
}
