/**
 * What a shared library of Linux says of itself: which others it needs, where it looks for them, which versions of
 * their symbols it asks for and which it has. Read from the program header's dynamic section, as the loader does
 * (System V gABI chapter 5; symbol versions after the LSB's "Symbol Versioning").
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export type Elf = {
  /** of the header: 62 x86-64, 183 AArch64 */
  machine: number;
  soname: string | null;
  needed: readonly string[];
  /** folders looked into before those of LD_LIBRARY_PATH; counts only without a RUNPATH */
  rpath: readonly string[];
  runpath: readonly string[];
  /** needed library -> versions of symbols that it must have, weak ones left out */
  asks: ReadonlyMap<string, readonly string[]>;
  /** versions of symbols that it has */
  has: ReadonlySet<string>;
};

/** Files that are none, are damaged, or are for a machine of 32 bits or other byte order. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}

const HEADER = 64;
const PROGRAM_HEADER = 56;
const LOAD = 1;
const DYNAMIC = 2;
/** Far beyond what linkers write: a damaged file asks for no gigabytes. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_HEADERS = 4096;

const TAG = {
  needed: 1,
  strings: 5,
  stringsSize: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  versionsHad: 0x6ffffffc,
  versionsHadCount: 0x6ffffffd,
  versionsAsked: 0x6ffffffe,
  versionsAskedCount: 0x6fffffff,
} as const;
const WEAK = 2;

/**
 * Reads the header, the dynamic section and its strings: a few kilobytes, however large the file is.
 * @throws ElfError, or the system's error
 */
export function readElf(file: string): Elf {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const read = (offset: number, length: number): Buffer => {
      if (!(offset >= 0 && length >= 0 && length <= MOST_BYTES && offset + length <= size)) {
        throw new ElfError(`${file} is damaged: it names bytes that it does not have`);
      }
      const bytes = Buffer.alloc(length);
      let done = 0;
      while (done < length) {
        const count = readSync(descriptor, bytes, done, length - done, offset + done);
        if (count === 0) throw new ElfError(`${file} ends too early`);
        done += count;
      }
      return bytes;
    };
    return parse(file, size, read);
  } finally {
    closeSync(descriptor);
  }
}

type Read = (offset: number, length: number) => Buffer;

function parse(file: string, size: number, read: Read): Elf {
  if (size < HEADER) throw new ElfError(`${file} is no library`);
  const header = read(0, HEADER);
  if (header.readUInt32BE(0) !== 0x7f454c46) throw new ElfError(`${file} is no library`);
  if (header[4] !== 2 || header[5] !== 1) {
    throw new ElfError(`${file} is for another kind of machine (32 bits, or other byte order)`);
  }
  const segments = segmentsOf(file, header, read);
  const dynamic = segments.find(({ type }) => type === DYNAMIC);
  const tags = dynamic === undefined ? [] : tagsOf(read(dynamic.offset, dynamic.size));
  const value = (tag: number): number | null => tags.find(([own]) => own === tag)?.[1] ?? null;
  /** Addresses of the dynamic section are the loaded library's; the file has them where a segment says. */
  const at = (address: number): number => {
    const segment = segments.find(
      ({ type, address: start, size: length }) =>
        type === LOAD && address >= start && address < start + length,
    );
    if (segment === undefined) throw new ElfError(`${file} is damaged: an address leads nowhere`);
    return segment.offset + (address - segment.address);
  };
  const strings =
    value(TAG.strings) === null
      ? Buffer.alloc(0)
      : read(at(value(TAG.strings)!), value(TAG.stringsSize) ?? 0);
  const text = (offset: number): string => {
    const end = strings.indexOf(0, offset);
    return offset >= strings.length
      ? ''
      : strings.toString('latin1', offset, end < 0 ? undefined : end);
  };
  const folders = (tag: number): string[] => {
    const offset = value(tag);
    return offset === null ? [] : text(offset).split(':').filter(Boolean);
  };
  const soname = value(TAG.soname);
  const table = (tag: number, count: number) => {
    const address = value(tag);
    if (address === null) return null;
    return {
      start: at(address),
      count: Math.min(value(count) ?? 0, MOST_HEADERS),
      size,
      read,
      text,
    };
  };
  return {
    machine: header.readUInt16LE(18),
    soname: soname === null ? null : text(soname),
    needed: tags.filter(([tag]) => tag === TAG.needed).map(([, offset]) => text(offset)),
    rpath: folders(TAG.rpath),
    runpath: folders(TAG.runpath),
    asks: versionsAsked(table(TAG.versionsAsked, TAG.versionsAskedCount)),
    has: versionsHad(table(TAG.versionsHad, TAG.versionsHadCount)),
  };
}

type Segment = { type: number; offset: number; address: number; size: number };

function segmentsOf(file: string, header: Buffer, read: Read): Segment[] {
  const count = header.readUInt16LE(56);
  const size = header.readUInt16LE(54);
  if (count > MOST_HEADERS || (count > 0 && size < PROGRAM_HEADER)) {
    throw new ElfError(`${file} is damaged: its headers have no sense`);
  }
  const bytes = read(Number(header.readBigUInt64LE(32)), count * size);
  return Array.from({ length: count }, (_, index) => {
    const start = index * size;
    return {
      type: bytes.readUInt32LE(start),
      offset: Number(bytes.readBigUInt64LE(start + 8)),
      address: Number(bytes.readBigUInt64LE(start + 16)),
      size: Number(bytes.readBigUInt64LE(start + 32)),
    };
  });
}

function tagsOf(bytes: Buffer): [tag: number, value: number][] {
  const tags: [number, number][] = [];
  for (let offset = 0; offset + 16 <= bytes.length; offset += 16) {
    const tag = Number(bytes.readBigInt64LE(offset));
    if (tag === 0) break;
    tags.push([tag, Number(bytes.readBigUInt64LE(offset + 8))]);
  }
  return tags;
}

type Table = {
  start: number;
  count: number;
  size: number;
  read: Read;
  text: (at: number) => string;
};

/** Verneed: for each library a chain of versions. Every step leads forward, so a damaged chain ends. */
function versionsAsked(table: Table | null): Map<string, string[]> {
  const asks = new Map<string, string[]>();
  if (table === null) return asks;
  const { read, text } = table;
  let at = table.start;
  for (let left = table.count; left > 0; left--) {
    const entry = read(at, 16);
    const versions: string[] = [];
    let inner = at + entry.readUInt32LE(8);
    for (let count = entry.readUInt16LE(2); count > 0; count--) {
      const one = read(inner, 16);
      if ((one.readUInt16LE(4) & WEAK) === 0) versions.push(text(one.readUInt32LE(8)));
      const next = one.readUInt32LE(12);
      if (next === 0) break;
      inner += next;
    }
    asks.set(text(entry.readUInt32LE(4)), versions);
    const next = entry.readUInt32LE(12);
    if (next === 0) break;
    at += next;
  }
  return asks;
}

/** Verdef: the first name of each entry is the version, the others are its parents. */
function versionsHad(table: Table | null): Set<string> {
  const has = new Set<string>();
  if (table === null) return has;
  const { read, text } = table;
  let at = table.start;
  for (let left = table.count; left > 0; left--) {
    const entry = read(at, 20);
    const name = read(at + entry.readUInt32LE(12), 8);
    has.add(text(name.readUInt32LE(0)));
    const next = entry.readUInt32LE(16);
    if (next === 0) break;
    at += next;
  }
  return has;
}
