/**
 * A large file from the net, whole or not at all: what broke off goes on where it stopped, also days later, what is
 * not what its publisher says is thrown away.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../engine/errors.ts';

export type Wanted = {
  url: string;
  /** where it comes to lie; beside it `<file>.<digest>.part` while it is on its way */
  file: string;
  bytes: number;
  algorithm: 'sha256' | 'sha512';
  /** hexadecimal */
  digest: string;
};

export type DownloadTools = {
  /** bytes that are here, of `bytes` */
  onProgress?: (have: number, of: number) => void;
  /** tries in a row that bring not one byte; default 5 */
  tries?: number;
  /** milliseconds before the second try, doubled each time; default 1000 */
  pauseMs?: number;
  /** milliseconds without a byte after which a connection is given up; default 30,000 */
  stallMs?: number;
};

/** The server has something else than the file that is wanted: another try would bring the same. */
class WrongFileError extends Error {}

/**
 * @throws UserError saying what is wrong (not reachable, another size or checksum than published, a full disk) and what
 * to do; what came so far stays for the next time
 */
export async function download(wanted: Wanted, tools: DownloadTools = {}): Promise<void> {
  const name = path.basename(wanted.file);
  const part = `${wanted.file}.${wanted.digest.slice(0, 12)}.part`;
  checkAddress(wanted.url);
  await checkRoom(wanted, part);
  // What an earlier run left may be damaged: a checksum that does not fit gets one more chance from the beginning.
  for (let attempt = 1; ; attempt++) {
    const resumed = (await sizeOf(part)) > 0;
    await fetchAll(wanted, part, tools).catch((error: unknown) => {
      throw inWords(error, name);
    });
    if ((await digestOf(part, wanted.algorithm)) === wanted.digest.toLowerCase()) break;
    await rm(part, { force: true });
    if (resumed && attempt === 1) continue;
    throw new UserError(
      `${name} came with another ${wanted.algorithm} checksum than its publisher names (${wanted.digest.slice(0, 12)}…), so ` +
        'it was thrown away. Try again; if it happens again, something between here and the publisher changes files.',
    );
  }
  await rename(part, wanted.file);
}

/** Only what cannot be changed on its way, or comes from this machine. */
function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isOwn = ['127.0.0.1', 'localhost', '[::1]'].includes(url?.hostname ?? '');
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isOwn)) return;
  throw new UserError(
    `The address ${JSON.stringify(address.slice(0, 120))} is not https: nothing is fetched from there.`,
  );
}

async function checkRoom({ file, bytes }: Wanted, part: string): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(file));
  const left = bytes - (await sizeOf(part));
  if (bavail * bsize >= left) return;
  throw new UserError(
    `${path.basename(file)} needs ${inMb(left)} more on the disk of ${path.dirname(file)}, where ${inMb(bavail * bsize)} are ` +
      'free. Free some room and start again: it goes on from here.',
  );
}

const inMb = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

async function fetchAll(wanted: Wanted, part: string, tools: DownloadTools): Promise<void> {
  const { tries = 5, pauseMs = 1000 } = tools;
  const out = await open(part, 'a+', 0o600);
  try {
    for (let inVain = 0; ;) {
      const before = (await out.stat()).size;
      if (before === wanted.bytes) return await out.sync();
      if (before > wanted.bytes) await out.truncate(0);
      const error = await fetchRest(wanted, out, tools).catch((thrown: unknown) => thrown ?? true);
      const after = (await out.stat()).size;
      if (error !== undefined && !isWorthAnotherTry(error)) throw error;
      if (after === wanted.bytes) continue;
      inVain = after > before ? 0 : inVain + 1;
      if (inVain >= tries) throw error ?? new Error('the connection ends before the file does');
      await sleep(Math.min(30_000, pauseMs * 2 ** inVain));
    }
  } finally {
    await out.close();
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof WrongFileError) return false;
  return !['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EIO'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause === undefined ? '' : codeOf(cause);
}

/** From where the file ends to its end, or to where the connection breaks off. */
async function fetchRest(wanted: Wanted, out: FileHandle, tools: DownloadTools): Promise<void> {
  const { stallMs = 30_000, onProgress } = tools;
  let { size: have } = await out.stat();
  const abort = new AbortController();
  const stalled = () => abort.abort(new Error('nothing came for too long'));
  let clock = setTimeout(stalled, stallMs);
  try {
    const headers = { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) };
    const response = await fetch(wanted.url, { headers, signal: abort.signal });
    have = await placeOf(response, wanted, have, out);
    const { body } = response;
    if (body === null) throw new Error('the answer is empty');
    for await (const chunk of body) {
      clearTimeout(clock);
      clock = setTimeout(stalled, stallMs);
      if (have + chunk.length > wanted.bytes) {
        await out.truncate(0);
        throw new WrongFileError(
          `the server sends more than the ${wanted.bytes} bytes it should have`,
        );
      }
      await out.appendFile(chunk);
      have += chunk.length;
      onProgress?.(have, wanted.bytes);
    }
  } finally {
    clearTimeout(clock);
    abort.abort();
  }
}

/** Where the answer's bytes belong. Servers may send everything anew, or a part that nobody asked for. */
async function placeOf(
  response: Response,
  { bytes }: Wanted,
  have: number,
  out: FileHandle,
): Promise<number> {
  const { status, headers } = response;
  if (status === 206) {
    const [, from, of] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(from) !== have) {
      await out.truncate(0);
      throw new Error('the server answers with another part than was asked for');
    }
    if (of !== '*' && Number(of) !== bytes) throw anotherSize(Number(of), bytes);
    return have;
  }
  if (status === 200) {
    const length = headers.get('content-length');
    if (length !== null && Number(length) !== bytes) throw anotherSize(Number(length), bytes);
    await out.truncate(0);
    return 0;
  }
  // Of a part that is longer than the file nothing can be sent.
  if (status === 416) await out.truncate(0);
  const again = status === 416 || status === 408 || status === 429 || status >= 500;
  const sentence = `the server answers ${status}`;
  throw again ? new Error(sentence) : new WrongFileError(sentence);
}

function anotherSize(came: number, expected: number): WrongFileError {
  return new WrongFileError(`the server’s file has ${came} bytes, its publisher says ${expected}`);
}

async function digestOf(file: string, algorithm: Wanted['algorithm']): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk);
  return hash.digest('hex');
}

function inWords(error: unknown, name: string): Error {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new UserError(
      `The disk is full: ${name} waits for room. Free some and start again: it goes on from here.`,
    );
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EIO') {
    return new UserError(
      `${name} cannot be written (${code}). Give this account the right to write there.`,
    );
  }
  const why =
    error instanceof Error
      ? error.cause instanceof Error
        ? error.cause.message
        : error.message
      : String(error);
  return new UserError(
    `${name} could not be fetched: ${why || code}. Start again: it goes on from where it stopped` +
      `${error instanceof WrongFileError ? ', should the server have the right file then' : ''}.`,
    { cause: error },
  );
}
