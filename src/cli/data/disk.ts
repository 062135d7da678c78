import { statfs } from 'node:fs/promises';
import { UserError } from '../../engine/errors.ts';

/** Bytes that this account may still write where `folder` lies. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** 1234567 -> "1.2 MB", in powers of ten as disks are sold. */
export function inBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
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
