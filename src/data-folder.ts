import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UserError } from './engine/errors.ts';
import { lockFile } from './hub/file-lock.ts';

/**
 * Makes sure the data folder exists, can be written and belongs to this process alone. The claim is an
 * exclusive lock on a small SQLite file: the system lets go of it however the process ends, so a killed
 * Darkroom never locks the next one out (a file with a process id would, in a container where ids repeat).
 *
 * @returns the way to let go
 * @throws UserError when the folder cannot be made or written, or another Darkroom runs on it
 */
export async function claimDataFolder(folder: string): Promise<() => void> {
  try {
    await makeFolder(folder);
    const probe = path.join(folder, `.probe-${process.pid}`);
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    throw new UserError(
      `The data folder ${folder} cannot be written (${reason(error)}). Give this user the right to write there, ` +
        'or set DATA_DIR to another folder.',
    );
  }
  const unlock = lockFile(path.join(folder, 'in-use.lock'));
  if (unlock === null) {
    // SQLite says "busy" of a file system that has no locks, too: a file of one's own tells them apart.
    if (!(await hasLocks(folder))) {
      throw new UserError(
        `The data folder ${folder} lies on a file system without locks, as some network shares are mounted (NFS with ` +
          'nolock, CIFS with nobrl). Mount it with locks, or set DATA_DIR to a folder on a disk of this machine.',
      );
    }
    throw new UserError(
      `Another Darkroom is running on the data folder ${folder}. Stop it first, or set DATA_DIR to another folder.`,
    );
  }
  try {
    await finishRestore(folder);
  } catch (error) {
    unlock();
    throw new UserError(
      `A backup was restored into ${folder}, and its last files could not be moved to their places (${reason(error)}). ` +
        'Give this user the right to write there, and start again.',
    );
  }
  return unlock;
}

/**
 * A backup that was unpacked whole and checked. From the moment this folder is there it is restored; what is in it goes
 * to its place at the next claim, as often as that is cut short.
 */
export const RESTORED = '.restored';

async function finishRestore(folder: string): Promise<void> {
  const from = path.join(folder, RESTORED);
  const names = await readdir(from).catch((error: unknown) => {
    if (reason(error) === 'ENOENT') return null;
    throw error;
  });
  if (names === null) return;
  for (const name of names) await rename(path.join(from, name), path.join(folder, name));
  await rmdir(from);
}

/** Rights of anybody but the owner. */
const OTHERS = 0o077;

/**
 * Which of these files and folders other accounts of this machine can get at, each as a sentence with the command that
 * ends it. Windows keeps such rights elsewhere and is not asked.
 */
export async function openToOthers(paths: readonly string[]): Promise<string[]> {
  if (process.platform === 'win32') return [];
  const sentences: string[] = [];
  for (const one of paths) {
    const info = await stat(one).catch(() => null);
    if (info === null || (info.mode & OTHERS) === 0) continue;
    const command = `chmod ${info.isDirectory() ? '-R ' : ''}go= '${one.replaceAll("'", `'\\''`)}'`;
    sentences.push(`Other accounts of this machine can get at ${one}. Close it with: ${command}`);
  }
  return sentences;
}

/** Whether a file that nobody else knows can be locked. */
async function hasLocks(folder: string): Promise<boolean> {
  const file = path.join(folder, `.locks-${process.pid}`);
  const probe = new DatabaseSync(file);
  try {
    probe.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; ROLLBACK;');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
    await rm(file, { force: true });
  }
}

/** mkdir's own `recursive` never returns where the system refuses with ENOENT, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  const make = () =>
    mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (reason(error) !== 'EEXIST') throw error;
    });
  try {
    await make();
  } catch (error) {
    if (reason(error) !== 'ENOENT' || path.dirname(folder) === folder) throw error;
    await makeFolder(path.dirname(folder));
    await make();
  }
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
