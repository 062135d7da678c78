import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UserError } from './engine/errors.ts';

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
  const lock = new DatabaseSync(path.join(folder, 'in-use.lock'));
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE;');
  } catch {
    lock.close();
    throw new UserError(
      `Another Darkroom is running on the data folder ${folder}. Stop it first, or set DATA_DIR to another folder.`,
    );
  }
  return () => lock.close();
}

/** mkdir's own `recursive` never returns where the system refuses with ENOENT, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  const make = () =>
    mkdir(folder).catch((error: unknown) => {
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
