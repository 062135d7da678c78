import { DatabaseSync } from 'node:sqlite';

/**
 * Locks a small file until the answer is called or the process ends, however it does: the system lets go of an SQLite
 * lock by itself. null: another process has it.
 */
export function lockFile(file: string): (() => void) | null {
  const lock = new DatabaseSync(file);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE;');
    return () => lock.close();
  } catch {
    lock.close();
    return null;
  }
}
