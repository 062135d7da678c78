import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../engine/errors.ts';
import { inBytes } from './in-bytes.ts';
import type { PlannedFile } from './plan.ts';
import { sayOfHub } from './sentences.ts';
import { reasonOf } from './web.ts';
import { type FetchOptions, type Part, openPart, remember } from './pulling/part-file.ts';

export type Fetched = { path: string; size: number; sha256: string };

/** Tries without one new byte. */
const MOST_TRIES = 6;

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** A connection that brings nothing for so long is a broken one. */
const STALLED_MS = 60_000;

/**
 * Fetches one file to `target`, going on with what an earlier try, or an earlier program, left in `target.part`. It has
 * its name when it is whole: of the size and with the hash that were told.
 * @throws UserError when it cannot be had; what came so far is kept where it may be of use
 */
export async function fetchFile(
  file: PlannedFile,
  target: string,
  options: FetchOptions,
): Promise<Fetched> {
  await mkdir(path.dirname(target), { recursive: true });
  const part = await openPart(target, file, options);
  try {
    await receive(file, part, options);
    const found = part.hash.copy().digest('hex');
    const isRight = file.sha256 === null || found === file.sha256;
    if (!isRight || !(await isGitsContent(file, part))) {
      // What an earlier program left may have been torn: once more from the beginning.
      if (part.wasResumed) {
        await part.restart();
        part.wasResumed = false;
        await receive(file, part, options);
      }
      await check(file, part);
    }
    await part.file.datasync();
  } catch (error) {
    await part.file.close();
    throw diskWords(error, file);
  }
  const { bytes, hash } = part;
  await part.file.close();
  await rename(part.path, target);
  await rm(part.note, { force: true });
  return { path: file.path, size: bytes, sha256: hash.digest('hex') };
}

async function check(file: PlannedFile, part: Part): Promise<void> {
  const found = part.hash.copy().digest('hex');
  const hashIsWrong = file.sha256 !== null && found !== file.sha256;
  if (!hashIsWrong && (await isGitsContent(file, part))) return;
  await part.restart();
  throw new UserError(
    sayOfHub('pull-wrong-hash', file.path, file.sha256 ?? `of git ${file.gitSha1}`, found),
  );
}

async function receive(file: PlannedFile, part: Part, options: FetchOptions): Promise<void> {
  let tries = 0;
  let said: unknown = null;
  while (file.size === null || part.bytes < file.size) {
    const before = part.bytes;
    if (tries > 0)
      await sleep(pauseOf(said, tries, options), undefined, { signal: options.signal });
    try {
      if (await attempt(file, part, options)) return;
      said = null;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isPassing(error)) throw error;
      said = error;
    }
    tries = part.bytes > before ? 1 : tries + 1;
    if (tries < MOST_TRIES) continue;
    const isAway = said instanceof UserError && said.said[0]?.code === 'pull-unreachable';
    if (said instanceof UserError && !(isAway && part.bytes > 0)) throw said;
    const of = file.size === null ? '?' : inBytes(file.size);
    throw new UserError(sayOfHub('pull-broke-off', file.path, inBytes(part.bytes), of), {
      cause: said,
    });
  }
}

/** One request. True: the file is whole; false: the connection ended before that. */
async function attempt(file: PlannedFile, part: Part, { web, signal, onBytes }: FetchOptions) {
  const headers = new Headers({ 'accept-encoding': 'identity' });
  if (part.bytes > 0) {
    headers.set('range', `bytes=${part.bytes}-`);
    // Where the hash will tell, a store whose servers call one content by several names may do so.
    const needsName = file.sha256 === null && part.validator !== null;
    if (needsName) headers.set('if-range', part.validator ?? '');
  }
  const stalled = new AbortController();
  const response = await web.get(file.url, {
    headers,
    signal: AbortSignal.any([signal, stalled.signal]),
  });
  let ends: number | null;
  try {
    ends = await beginsAt(response, file, part);
  } catch (error) {
    await response.body?.cancel().catch(() => {});
    throw error;
  }
  if (response.body === null) return ends === part.bytes;
  await remember(part, response);
  let timer = setTimeout(() => stalled.abort(new Error('stalled')), STALLED_MS);
  try {
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => stalled.abort(new Error('stalled')), STALLED_MS);
      if (file.size !== null && part.bytes + chunk.byteLength > file.size) {
        const came = `more than ${inBytes(file.size)}`;
        await part.restart();
        throw wrongSize(file, came);
      }
      await writeAll(part.file, chunk, part.bytes);
      part.hash.update(chunk);
      part.bytes += chunk.byteLength;
      onBytes(chunk.byteLength);
    }
  } finally {
    clearTimeout(timer);
  }
  const whole = file.size ?? ends;
  return whole === null || part.bytes >= whole;
}

async function writeAll(file: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, at + done);
    done += bytesWritten;
  }
}

/** Reads an answer's head: begins anew where the server does. Answers the file's length by it, or null. */
async function beginsAt(response: Response, file: PlannedFile, part: Part): Promise<number | null> {
  const { status, headers } = response;
  const { host } = new URL(file.url);
  const isPage = /^text\/html/i.test(headers.get('content-type') ?? '');
  if (isPage && (status === 200 || status === 206) && !/\.html?$/i.test(file.path)) {
    throw new UserError(sayOfHub('pull-web-page', host, file.path));
  }
  if (status === 206) {
    const [, from, , total] =
      /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    const length = total === undefined || total === '*' ? null : Number(total);
    const isOther = file.size !== null && length !== null && length !== file.size;
    if (isOther) throw wrongSize(file, inBytes(length));
    if (Number(from) === part.bytes) return length;
    await part.restart();
    throw new Passing(`${host} answered with another range`);
  }
  if (status === 200) {
    if (part.bytes > 0) await part.restart();
    const length = headers.get('content-length');
    const isPlain = (headers.get('content-encoding') ?? 'identity') === 'identity';
    const told = length === null || !isPlain ? null : Number(length);
    if (file.size !== null && told !== null && told !== file.size)
      throw wrongSize(file, inBytes(told));
    return told;
  }
  if (status === 416 && part.bytes > 0) {
    await part.restart();
    throw new Passing(`${host} has not so many bytes`);
  }
  if (status === 401 || status === 403)
    throw new UserError(sayOfHub('pull-answered', host, status));
  if (status === 404 || status === 410) {
    throw new UserError(sayOfHub('pull-not-found', file.path, host));
  }
  const later = new UserError(sayOfHub('pull-answered', host, status));
  if (status === 408 || status === 429 || status >= 500) {
    throw Object.assign(later, { passing: true, retryAfter: headers.get('retry-after') });
  }
  throw later;
}

/** Something that another try may mend. */
class Passing extends Error {}

function isPassing(error: unknown): boolean {
  if (error instanceof Passing) return true;
  if (error instanceof UserError) {
    return 'passing' in error || error.said[0]?.code === 'pull-unreachable';
  }
  const code = reasonOf(error);
  return !['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EIO'].includes(code);
}

function pauseOf(said: unknown, tries: number, { pauseMs = PAUSE_MS }: FetchOptions): number {
  const asked = Number((said as { retryAfter?: string | null } | null)?.retryAfter ?? Number.NaN);
  const own = pauseMs * 2 ** (tries - 1);
  return Math.min(LONGEST_PAUSE_MS, Number.isFinite(asked) && asked > 0 ? asked * 1000 : own);
}

function wrongSize(file: PlannedFile, came: string): UserError {
  return new UserError(sayOfHub('pull-wrong-size', file.path, inBytes(file.size ?? 0), came));
}

/** git names a content by the SHA-1 of its length and itself; small files are known by that alone. */
async function isGitsContent({ gitSha1 }: PlannedFile, part: Part): Promise<boolean> {
  if (gitSha1 === null) return true;
  const hash = createHash('sha1').update(`blob ${part.bytes}\0`);
  for await (const chunk of createReadStream(part.path)) hash.update(chunk as Buffer);
  return hash.digest('hex') === gitSha1;
}

function diskWords(error: unknown, file: PlannedFile): unknown {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new UserError(sayOfHub('pull-disk-full', file.path), { cause: error });
}
