/**
 * Reads archives of gigabytes, as wheels and NuGet's packages are: the list of files, and single files from it
 * (PKWARE's APPNOTE 6.3, with its 64-bit sizes). Nothing but the asked-for file is read, nothing is held in memory.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, type FileHandle, rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { UserError } from '../../engine/errors.ts';

export type ZipEntry = {
  name: string;
  method: number;
  crc: number;
  packed: number;
  bytes: number;
  /** of its local header */
  at: number;
};

const END = 0x06054b50;
const END_SIZE = 22;
const LOCATOR_64 = 0x07064b50;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const LONGEST_COMMENT = 0xffff;
/** A list of files of more than this is none. */
const MOST_LIST_BYTES = 256 * 1024 * 1024;

/** @throws UserError where the file is no archive, or a damaged one */
export async function listZip(file: string): Promise<ZipEntry[]> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { at, length, count } = await directoryOf(handle, size, file);
    if (length > MOST_LIST_BYTES || at + length > size) throw damaged(file);
    return entriesIn(await bytesAt(handle, at, length, file), count, file);
  } finally {
    await handle.close();
  }
}

function damaged(file: string): UserError {
  return new UserError(`${file} is no archive, or a damaged one: delete it and start again.`);
}

async function bytesAt(
  handle: FileHandle,
  at: number,
  length: number,
  file: string,
): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead < length) throw damaged(file);
  return buffer;
}

async function directoryOf(handle: FileHandle, size: number, file: string) {
  const length = Math.min(size, END_SIZE + LONGEST_COMMENT);
  const tail = await bytesAt(handle, size - length, length, file);
  let end = tail.length - END_SIZE;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end--;
  if (end < 0) throw damaged(file);
  const found = {
    count: tail.readUInt16LE(end + 10),
    length: tail.readUInt32LE(end + 12),
    at: tail.readUInt32LE(end + 16),
  };
  const isLarge = found.count === 0xffff || found.at === 0xffffffff || found.length === 0xffffffff;
  if (!isLarge || end < 20 || tail.readUInt32LE(end - 20) !== LOCATOR_64) return found;
  const large = await bytesAt(handle, Number(tail.readBigUInt64LE(end - 12)), 56, file);
  if (large.readUInt32LE(0) !== END_64) throw damaged(file);
  return {
    count: Number(large.readBigUInt64LE(32)),
    length: Number(large.readBigUInt64LE(40)),
    at: Number(large.readBigUInt64LE(48)),
  };
}

function entriesIn(list: Buffer, count: number, file: string): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > list.length || list.readUInt32LE(at) !== ENTRY) throw damaged(file);
    const nameLength = list.readUInt16LE(at + 28);
    const extraLength = list.readUInt16LE(at + 30);
    const next = at + 46 + nameLength + extraLength + list.readUInt16LE(at + 32);
    if (next > list.length) throw damaged(file);
    const name = list.toString('utf8', at + 46, at + 46 + nameLength);
    const extra = list.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    entries.push(
      withLargeSizes(extra, {
        name,
        method: list.readUInt16LE(at + 10),
        crc: list.readUInt32LE(at + 16),
        packed: list.readUInt32LE(at + 20),
        bytes: list.readUInt32LE(at + 24),
        at: list.readUInt32LE(at + 42),
      }),
    );
    at = next;
  }
  return entries;
}

/** Field 1 has the numbers that are too large for 32 bits, in this order, and only those. */
function withLargeSizes(extra: Buffer, entry: ZipEntry): ZipEntry {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const own = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    const large = { ...entry };
    let place = 0;
    for (const name of ['bytes', 'packed', 'at'] as const) {
      if (entry[name] !== 0xffffffff || place + 8 > own.length) continue;
      large[name] = Number(own.readBigUInt64LE(place));
      place += 8;
    }
    return large;
  }
  return entry;
}

/**
 * Unpacks one file to `target`, whole or not at all.
 * @throws UserError where it is damaged; the system's error where it cannot be written
 */
export async function extract(
  file: string,
  entry: ZipEntry,
  target: string,
  mode = 0o644,
): Promise<void> {
  const handle = await open(file, 'r');
  let start: number;
  try {
    const local = await bytesAt(handle, entry.at, 30, file);
    if (local.readUInt32LE(0) !== LOCAL) throw damaged(file);
    start = entry.at + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  } finally {
    await handle.close();
  }
  const partial = `${target}.part`;
  try {
    let [bytes, crc] = [0, 0];
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        crc = crc32(chunk, crc);
        done(bytes > entry.bytes ? damaged(file) : null, chunk);
      },
    });
    // An empty range would be read as the whole file.
    const source =
      entry.packed === 0 ? [] : createReadStream(file, { start, end: start + entry.packed - 1 });
    const out = createWriteStream(partial, { mode, flush: true });
    if (entry.method === 0) await pipeline(source, count, out);
    else if (entry.method === 8) await pipeline(source, createInflateRaw(), count, out);
    else throw damaged(file);
    if (bytes !== entry.bytes || crc !== entry.crc) throw damaged(file);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    const isOfTheArchive = String((error as NodeJS.ErrnoException).code).startsWith('Z_');
    throw isOfTheArchive ? damaged(file) : error;
  }
}
