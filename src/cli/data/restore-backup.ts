import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { claimDataFolder, RESTORED } from '../../data-folder.ts';
import { KNOWN_SCHEMAS, refuseNewerData } from '../../data-versions.ts';
import { UserError } from '../../engine/errors.ts';
import { type BackupNote, compareSums, FORMAT, NOTE, readArchive, SUMS } from './archive.ts';
import { dataIn } from './contents.ts';
import { diskWords } from './disk.ts';
import { syncFolder } from '../../engine/whole-file.ts';

export type RestoreOptions = {
  dataDir: string;
  file: string;
  signal: AbortSignal;
  onProgress?: (done: number) => void;
};

export type Restored = { note: BackupNote; pictures: number };

/** Unpacked here until it is whole. */
const UNPACKING = '.restoring';
const LARGEST_TEXT = 64 * 1024 ** 2;

/**
 * Makes an empty data folder what it was when the backup was made. Everything is unpacked and checked beside its place;
 * one rename then decides, and whatever cuts short the moving after that is made up for at the next start.
 * @throws UserError when the folder is in use or holds anything, or the backup is damaged or of a newer Darkroom
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { dataDir, file } = options;
  const release = await claimDataFolder(dataDir);
  let restored: Restored;
  try {
    await refuseFull(dataDir);
    restored = await unpack(options);
  } catch (error) {
    throw diskWords(error, `Restoring ${file}`, `Nothing was changed in ${dataDir}.`);
  } finally {
    release();
  }
  // The claim moves everything to its place.
  (await claimDataFolder(dataDir))();
  return restored;
}

async function refuseFull(dataDir: string): Promise<void> {
  const there = await dataIn(dataDir);
  if (there.length === 0) return;
  refuseNewerData(dataDir);
  const more = there.length > 3 ? ', …' : '';
  throw new UserError(
    `${dataDir} is not empty (${there.slice(0, 3).join(', ')}${more}): a backup is restored into an empty folder only. ` +
      'Set DATA_DIR to a new folder, or move this one away first.',
  );
}

async function unpack({ dataDir, file, signal, onProgress }: RestoreOptions): Promise<Restored> {
  const folder = path.join(dataDir, UNPACKING);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    const read = new Map<string, string>();
    const folders = new Set<string>([folder]);
    let note: BackupNote | null = null;
    let pictures = 0;
    let done = 0;
    for await (const { name, size, body } of readArchive(file, signal)) {
      if (name === NOTE || name === SUMS) {
        const text = await textOf(body, size, file);
        if (name === SUMS) {
          compareSums(file, text, read);
          continue;
        }
        note = readNote(text, file);
        read.set(name, sha256(text));
        continue;
      }
      const target = path.join(folder, ...name.split('/'));
      await makeFolders(path.dirname(target), folders);
      read.set(name, await writeEntry(target, body, (bytes) => onProgress?.((done += bytes))));
      if (name.startsWith('pictures/')) pictures++;
    }
    for (const one of folders) await syncFolder(one);
    if (note === null) throw new Error('a backup without its note was read');
    checkDatabases(folder, file, Object.keys(note.schemas));
    signal.throwIfAborted();
    await rename(folder, path.join(dataDir, RESTORED));
    await syncFolder(dataDir);
    return { note, pictures };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function makeFolders(folder: string, known: Set<string>): Promise<void> {
  if (known.has(folder)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  known.add(folder);
}

/** Answers its SHA-256. */
async function writeEntry(
  target: string,
  body: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(target, 'wx', 0o600);
  try {
    for await (const part of body) {
      await file.writeFile(part);
      hash.update(part);
      onBytes(part.byteLength);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function textOf(
  body: AsyncIterable<Uint8Array>,
  size: number,
  file: string,
): Promise<string> {
  if (size > LARGEST_TEXT) throw new UserError(`${file} is no backup of Darkroom.`);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @throws UserError for a backup of a newer Darkroom, naming each database that is newer */
function readNote(text: string, file: string): BackupNote {
  let note: unknown;
  try {
    note = JSON.parse(text);
  } catch {
    note = null;
  }
  const { format, schemas, darkroom, createdAt } = Object(note) as Partial<BackupNote>;
  if (typeof format !== 'number' || typeof schemas !== 'object' || schemas === null) {
    throw new UserError(`${file} is no backup of Darkroom: its first entry cannot be read.`);
  }
  const newer = Object.entries(schemas).flatMap(([name, schema]) => {
    const known = KNOWN_SCHEMAS[name];
    return known !== undefined && Number(schema) > known
      ? [`${name} (schema ${Number(schema)}, this one knows up to ${known})`]
      : [];
  });
  if (format > FORMAT) newer.unshift(`its form (${format}, this one knows up to ${FORMAT})`);
  if (newer.length > 0) {
    throw new UserError(
      `${file} was made by a newer Darkroom: ${newer.join(', ')}. Update Darkroom, then restore it.`,
    );
  }
  return {
    format,
    schemas,
    darkroom: typeof darkroom === 'string' ? darkroom : '?',
    createdAt: typeof createdAt === 'string' ? createdAt : '?',
  };
}

function checkDatabases(folder: string, file: string, names: readonly string[]): void {
  refuseNewerData(folder, file);
  for (const name of names) {
    let verdict: unknown;
    try {
      const db = new DatabaseSync(path.join(folder, name), { readOnly: true });
      verdict = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
      db.close();
    } catch (error) {
      verdict = (error as Error).message;
    }
    if (verdict === 'ok') continue;
    throw new UserError(
      `${file} holds a damaged ${name} (${String(verdict)}). Take another backup; nothing was changed.`,
    );
  }
}
