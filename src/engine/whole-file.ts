/** Files that are there whole or not at all: filled under another name beside their own, then moved to it. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export type WholeFileOptions = {
  /** permissions of the new file, before the process's umask; 0o666 unless told */
  mode?: number;
  /** It outlives a power cut once the promise resolves, as it does unless told otherwise; else only the program's end. */
  durable?: boolean;
};

/**
 * Writes a file in place of an earlier one. Readers see the old content or the new one, never a part; of two writers at
 * once the last one's content stays. What a killed program leaves is hidden and ends in `.part`.
 * @throws what the file system throws; no draft is left, and the earlier file is as it was unless flushing the name
 * itself failed
 */
export async function writeWhole(
  file: string,
  content: string | Uint8Array,
  options: WholeFileOptions = {},
): Promise<void> {
  await fillWhole(file, (draft) => draft.writeFile(content), options);
}

/**
 * Does the same for content that comes piece by piece, and answers what `fill` answers. `draft`: the name it is filled
 * under, in the file's folder, for whoever finds by it what killed programs left; an old one is written over.
 * @throws what `fill` or the file system throws; no draft is left, and the earlier file is as it was unless flushing the
 * name itself failed
 */
export async function fillWhole<T>(
  file: string,
  fill: (draft: FileHandle) => Promise<T>,
  {
    mode = 0o666,
    durable = true,
    draft = `.${randomUUID()}.part`,
  }: WholeFileOptions & { draft?: string } = {},
): Promise<T> {
  const folder = path.dirname(file);
  const beside = path.join(folder, draft);
  const handle = await open(beside, 'w', mode);
  try {
    let filled: T;
    try {
      filled = await fill(handle);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    if (durable) await syncFolder(folder);
    return filled;
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
}

/** What file systems say that cannot flush a folder, or do not let it be opened for that. */
const CANNOT_SYNC: readonly unknown[] = ['EINVAL', 'ENOTSUP', 'EACCES', 'EPERM'];

/**
 * Makes the names in a folder outlive a power cut, where its file system can. Windows knows no such call and needs none.
 * @throws what else the file system throws
 */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!CANNOT_SYNC.includes((error as NodeJS.ErrnoException).code)) throw error;
  }
}
