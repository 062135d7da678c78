import type { Web } from '../web.ts';
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, stat, writeFile } from 'node:fs/promises';
import type { PlannedFile } from '../plan.ts';

export type FetchOptions = {
  web: Web;
  signal: AbortSignal;
  /** bytes that are there more than before; fewer where a file begins anew */
  onBytes: (change: number) => void;
  /** milliseconds before the first new try; for tests */
  pauseMs?: number;
};

/** What is there of a file, and its hash so far. */
export type Part = {
  path: string;
  /** beside it: what the server called this content, so that another content is not appended */
  note: string;
  file: FileHandle;
  bytes: number;
  hash: Hash;
  validator: string | null;
  wasResumed: boolean;
  restart(): Promise<void>;
};

/**
 * Opens what an earlier try left of a file, or an empty file. It is gone on with only where a hash or the server's
 * name for the content can tell that it is the same.
 */
export async function openPart(
  target: string,
  planned: PlannedFile,
  options: FetchOptions,
): Promise<Part> {
  const name = `${target}.part`;
  const note = `${target}.part.note`;
  const left = await stat(name).catch(() => null);
  const validator = await readFile(note, 'utf8').catch(() => null);
  // Where nobody can tell whether it is still the same content, it begins anew.
  const mayGoOn = left !== null && (planned.sha256 !== null || validator !== null);
  const fits = mayGoOn && (planned.size === null || left.size <= planned.size);
  const file = await open(name, fits ? 'r+' : 'w', 0o644);
  const hash = createHash('sha256');
  const part: Part = {
    path: name,
    note,
    file,
    bytes: 0,
    hash,
    validator: fits ? validator : null,
    wasResumed: false,
    async restart() {
      options.onBytes(-part.bytes);
      await file.truncate(0);
      part.bytes = 0;
      part.hash = createHash('sha256');
      part.validator = null;
    },
  };
  if (!fits || left.size === 0) return part;
  for await (const chunk of createReadStream(name, { highWaterMark: 1 << 20 })) {
    options.signal.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  part.bytes = left.size;
  part.wasResumed = true;
  options.onBytes(part.bytes);
  return part;
}

/** Keeps what the server calls the content (a strong ETag, else Last-Modified) beside the part, for If-Range. */
export async function remember(part: Part, { headers }: Response): Promise<void> {
  const etag = headers.get('etag');
  // If-Range takes strong names only.
  const validator = etag !== null && !etag.startsWith('W/') ? etag : headers.get('last-modified');
  if (validator === null || validator === part.validator) return;
  part.validator = validator;
  await writeFile(part.note, validator);
}
