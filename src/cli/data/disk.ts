import { statfs } from 'node:fs/promises';
import { UserError } from '../../engine/errors.ts';

/** Bytes that this account may still write where `folder` lies. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** The sentence for what a disk refuses; other errors come back as they are. */
export function diskWords(error: unknown, what: string, left: string): unknown {
  if (error instanceof UserError) return error;
  const { code, errcode } = (error ?? {}) as { code?: string; errcode?: number };
  const sqlite = typeof errcode === 'number' ? errcode & 0xff : null;
  if (code === 'ENOSPC' || code === 'EDQUOT' || sqlite === 13) {
    return new UserError(`${what} found no room: the disk is full. ${left}`, { cause: error });
  }
  const refused = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EIO', 'EISDIR', 'EFBIG'];
  if (refused.includes(code ?? '') || [8, 10, 14].includes(sqlite ?? -1)) {
    return new UserError(`${what} was refused (${(error as Error).message}). ${left}`, {
      cause: error,
    });
  }
  return error;
}
