/** Opening .safetensors files: their headers are read once and kept as long as the files stay as they are. */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { RunError, UserError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { FIRST_BYTES } from './foreign-file.ts';
import { headerLength, parseHeader, type SafetensorsHeader } from './header.ts';

export type TensorFile = SafetensorsHeader & {
  /** links resolved, as a cache of Hugging Face is full of them */
  path: string;
  /** as people know it: before links were resolved */
  name: string;
  bytes: number;
  /** changes when the file does */
  stamp: string;
};

/** A header of SDXL is half a megabyte once it is read: some are kept, not a whole collection. */
const KEPT = 24;

const kept = new Map<string, TensorFile>();

/**
 * The file's header, from memory when path, size and date are those of last time.
 * @throws RunError saying what the file is instead, or what is wrong with it
 */
export async function openTensorFile(given: string): Promise<TensorFile> {
  const name = basename(given);
  const path = await realPathOf(given);
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw unreadable(name, error);
  }
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new UserError(say('not-a-file', name));
    const stamp = `${info.size}@${info.mtimeMs}`;
    const known = kept.get(path);
    if (known?.stamp === stamp) {
      kept.delete(path);
      kept.set(path, known);
      return { ...known, name };
    }
    const header = await readHeader(handle, { path, name, size: info.size });
    const file = { ...header, path, name, bytes: info.size, stamp };
    keep(file);
    return file;
  } finally {
    await handle.close();
  }
}

function keep(file: TensorFile): void {
  kept.delete(file.path);
  kept.set(file.path, file);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
}

async function readHeader(
  handle: FileHandle,
  file: { path: string; name: string; size: number },
): Promise<SafetensorsHeader> {
  if (file.size === 0) throw new RunError(say('file-has-no-bytes', file.name));
  const first = await readAt(handle, 0, Math.min(FIRST_BYTES, file.size), file.name);
  const json = await readAt(handle, 8, headerLength(first, file), file.name);
  return parseHeader(json, file);
}

async function readAt(
  handle: FileHandle,
  position: number,
  length: number,
  name: string,
): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    // It was longer a moment ago: somebody is writing to it.
    if (bytesRead === 0) throw new RunError(say('file-is-changing', name));
    done += bytesRead;
  }
  return bytes;
}

/**
 * Where links lead in the end.
 * @throws UserError for a file that is not there, and for links that lead in a circle
 */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw unreadable(basename(path), error);
  }
}

function unreadable(name: string, error: unknown): UserError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code === 'ELOOP') return new UserError(say('links-in-a-circle', name));
  if (code === 'ENOENT' || code === 'ENOTDIR') return new UserError(say('file-is-absent', name));
  return new UserError(say('file-unreadable', name, code));
}
