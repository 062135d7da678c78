import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTarDecoder, createTarPacker } from 'modern-tar';
import { UserError } from '../../engine/errors.ts';

/** The first entry of a backup: what wrote it, and the schema of each database in it. */
export type BackupNote = {
  format: number;
  darkroom: string;
  /** ISO 8601 */
  createdAt: string;
  schemas: Readonly<Record<string, number>>;
};

export const FORMAT = 1;
export const NOTE = 'darkroom-backup.json';
/** The last entry, in the form that `sha256sum --check` reads. */
export const SUMS = 'SHA256SUMS';

/** `path` is read as long as it was when its turn came: what is being appended to is cut there. */
export type ArchiveEntry = { name: string; path: string } | { name: string; text: string };

const READ_BYTES = 256 * 1024;
/** The disk gets these, then rests as long as REST says: a bot that syncs a small write waits for no more. */
const SYNC_BYTES = 8 * 1024 ** 2;
const REST = 0.5;

/**
 * Writes entries one after the other as a tar file, and their SHA-256 behind them.
 * @returns the sums by name
 * @throws Error when a file becomes shorter meanwhile
 */
export async function writeArchive(
  target: FileHandle,
  entries: Iterable<ArchiveEntry>,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<ReadonlyMap<string, string>> {
  const { readable, controller } = createTarPacker();
  const sums = new Map<string, string>();

  async function add(entry: ArchiveEntry): Promise<void> {
    const hash = createHash('sha256');
    const header = { name: entry.name, mode: 0o600, type: 'file' } as const;
    if ('text' in entry) {
      const bytes = Buffer.from(entry.text);
      const writer = controller.add({ ...header, size: bytes.byteLength }).getWriter();
      await writer.write(bytes);
      await writer.close();
      sums.set(entry.name, hash.update(bytes).digest('hex'));
      return;
    }
    const file = await open(entry.path, 'r');
    try {
      const { size, mtime } = await file.stat();
      const writer = controller.add({ ...header, size, mtime }).getWriter();
      for (let at = 0; at < size; ) {
        signal.throwIfAborted();
        const part = Buffer.allocUnsafe(Math.min(READ_BYTES, size - at));
        const { bytesRead } = await file.read(part, 0, part.byteLength, at);
        if (bytesRead === 0) throw new Error(`${entry.path} became shorter while it was read`);
        const read = part.subarray(0, bytesRead);
        hash.update(read);
        await writer.write(read);
        at += bytesRead;
      }
      await writer.close();
    } finally {
      await file.close();
    }
    sums.set(entry.name, hash.digest('hex'));
  }

  async function produce(): Promise<void> {
    for (const entry of entries) await add(entry);
    const list = [...sums].map(([name, sum]) => `${sum}  ${name}\n`).join('');
    await add({ name: SUMS, text: list });
    controller.finalize();
  }

  const stop = (error: unknown): never => {
    controller.error(error);
    throw error;
  };
  const [produced, consumed] = await Promise.allSettled([
    produce().catch(stop),
    consume(target, readable, onBytes).catch(stop),
  ]);
  // What ended the writing ended the reading, too: the disk's own words come first.
  if (consumed.status === 'rejected') throw consumed.reason;
  if (produced.status === 'rejected') throw produced.reason;
  return sums;
}

async function consume(
  target: FileHandle,
  readable: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<void> {
    let unsynced = 0;
    for await (const chunk of readable) {
      await target.writeFile(chunk);
      onBytes(chunk.byteLength);
      unsynced += chunk.byteLength;
      if (unsynced < SYNC_BYTES) continue;
      unsynced = 0;
      const began = performance.now();
      await target.datasync();
      await sleep((performance.now() - began) * REST);
    }
    await target.sync();
  }

/** One entry of a backup that is read; `body` must be taken whole before the next one. */
export type ReadEntry = { name: string; size: number; body: AsyncIterable<Uint8Array> };

/**
 * Reads a backup, entry after entry.
 * @throws UserError when it is none, was cut off, or holds what no backup holds
 */
export async function* readArchive(file: string, signal: AbortSignal): AsyncGenerator<ReadEntry> {
  const info = await stat(file).catch(() => null);
  if (info === null || !info.isFile()) {
    throw new UserError(`There is no file ${file}. Name a backup that \`backup\` wrote.`);
  }
  const seen = new Set<string>();
  const source = createReadStream(file, { highWaterMark: READ_BYTES, signal });
  const entries = ReadableStream.from<Uint8Array>(source).pipeThrough(
    createTarDecoder({ strict: true }),
  );
  /** What ends the reading inside an entry is said in the same words. */
  async function* told(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      signal.throwIfAborted();
      throw inWords(file, error, true);
    }
  }
  try {
    for await (const { header, body } of entries) {
      const { name, size, type } = header;
      if (seen.size === 0 && name !== NOTE) throw noBackup(file);
      if (type !== 'file' || !isSafe(name) || seen.has(name)) {
        throw new UserError(
          `${file} holds an entry that no backup holds (${JSON.stringify(name.slice(0, 100))}). Nothing was changed.`,
        );
      }
      seen.add(name);
      yield { name, size, body: told(body) };
    }
  } catch (error) {
    signal.throwIfAborted();
    throw inWords(file, error, seen.size > 0);
  }
  if (!seen.has(SUMS)) throw inWords(file, new Error('truncated'), seen.size > 0);
}

/** A name below the folder it is unpacked into, on every system. */
function isSafe(name: string): boolean {
  const parts = name.split('/');
  return (
    name.length < 1024 &&
    // oxlint-disable-next-line no-control-regex
    !/[\0-\x1f\\:]/.test(name) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

function noBackup(file: string): UserError {
  return new UserError(
    `${file} is no backup of Darkroom. Name a file that \`npm run -s backup\` wrote.`,
  );
}

function inWords(file: string, error: unknown, begun: boolean): unknown {
  if (error instanceof UserError) return error;
  const said = error instanceof Error ? error.message : String(error);
  if (!/tar|truncated/i.test(said)) return error;
  if (!begun) return noBackup(file);
  return new UserError(
    `${file} is damaged or was cut off (${said.replace(/\.$/, '')}). Take another backup; nothing was changed.`,
  );
}

/**
 * What the last entry says of the others, against what was read of them.
 * @throws UserError naming one that differs
 */
export function compareSums(file: string, list: string, read: ReadonlyMap<string, string>): void {
  const told = new Map(
    list
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const wrong =
    [...told].find(([name, sum]) => read.get(name) !== sum)?.[0] ??
    [...read.keys()].find((name) => !told.has(name));
  if (wrong === undefined) return;
  throw new UserError(
    `${file} is damaged: what it holds of ${wrong} is not what was written. Take another backup; nothing was changed.`,
  );
}

/**
 * Reads a backup back from the disk and compares every byte with what was meant to be written.
 * @throws UserError when it differs
 */
export async function checkArchive(
  file: string,
  written: ReadonlyMap<string, string>,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  const read = new Map<string, string>();
  for await (const { name, body } of readArchive(file, signal)) {
    const hash = createHash('sha256');
    for await (const part of body) {
      hash.update(part);
      onBytes(part.byteLength);
    }
    read.set(name, hash.digest('hex'));
  }
  const wrong = [...written].find(([name, sum]) => read.get(name) !== sum);
  if (wrong !== undefined || read.size !== written.size) {
    throw new UserError(
      `The backup was written and came back otherwise (${wrong?.[0] ?? 'other entries'}), so it was removed. ` +
        'Check the disk it lies on.',
    );
  }
}
