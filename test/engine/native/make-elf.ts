/** Writes small libraries as linkers do: one segment with everything, a dynamic section, strings, symbol versions. */
export type ElfPlan = {
  machine?: number;
  soname?: string;
  needed?: readonly string[];
  rpath?: string;
  runpath?: string;
  /** library -> versions asked of it */
  asks?: Readonly<Record<string, readonly string[]>>;
  has?: readonly string[];
  /** where the segment is loaded: other than its place in the file */
  address?: number;
  /** anything at the end, as code and texts would be */
  tail?: Uint8Array;
};

const HEADER = 64;
const PROGRAM_HEADERS = 2 * 56;

export function makeElf(plan: ElfPlan): Buffer {
  const address = plan.address ?? 0x400000;
  const strings = stringTable();
  const asks = Object.entries(plan.asks ?? {}).map(
    ([library, versions]) => [strings.add(library), versions.map(strings.add)] as const,
  );
  const has = (plan.has ?? []).map(strings.add);
  const texts: [number, number][] = [
    ...(plan.needed ?? []).map((name): [number, number] => [1, strings.add(name)]),
    ...optional(14, plan.soname),
    ...optional(15, plan.rpath),
    ...optional(29, plan.runpath),
  ];
  function optional(tag: number, text: string | undefined): [number, number][] {
    return text === undefined ? [] : [[tag, strings.add(text)]];
  }
  const table = strings.bytes();
  const asked = verneed(asks);
  const had = verdef(has);
  const atTable = HEADER + PROGRAM_HEADERS;
  const atAsked = atTable + table.length;
  const atHad = atAsked + asked.length;
  const atDynamic = atHad + had.length;
  const tags: [number, number][] = [
    ...texts,
    [5, address + atTable],
    [10, table.length],
    ...(asks.length > 0
      ? ([
          [0x6ffffffe, address + atAsked],
          [0x6fffffff, asks.length],
        ] as [number, number][])
      : []),
    ...(has.length > 0
      ? ([
          [0x6ffffffc, address + atHad],
          [0x6ffffffd, has.length],
        ] as [number, number][])
      : []),
    [0, 0],
  ];
  const dynamic = Buffer.alloc(tags.length * 16);
  for (const [i, [tag, value]] of tags.entries()) {
    dynamic.writeBigUInt64LE(BigInt(tag), i * 16);
    dynamic.writeBigUInt64LE(BigInt(value), i * 16 + 8);
  }
  const tail = plan.tail ?? Buffer.alloc(0);
  const size = atDynamic + dynamic.length + tail.length;
  return Buffer.concat([
    header(plan.machine ?? (process.arch === 'arm64' ? 183 : 62)),
    programHeader(1, 0, address, size),
    programHeader(2, atDynamic, address + atDynamic, dynamic.length),
    table,
    asked,
    had,
    dynamic,
    tail,
  ]);
}

function stringTable() {
  const texts: Buffer[] = [Buffer.from([0])];
  let length = 1;
  return {
    add(this: void, text: string): number {
      const at = length;
      const bytes = Buffer.from(`${text}\0`, 'latin1');
      texts.push(bytes);
      length += bytes.length;
      return at;
    },
    bytes: () => Buffer.concat(texts),
  };
}

function header(machine: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(3, 16);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(HEADER), 32);
  bytes.writeUInt16LE(HEADER, 52);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(2, 56);
  return bytes;
}

function programHeader(type: number, offset: number, address: number, size: number): Buffer {
  const bytes = Buffer.alloc(56);
  bytes.writeUInt32LE(type, 0);
  bytes.writeBigUInt64LE(BigInt(offset), 8);
  bytes.writeBigUInt64LE(BigInt(address), 16);
  bytes.writeBigUInt64LE(BigInt(size), 32);
  bytes.writeBigUInt64LE(BigInt(size), 40);
  return bytes;
}

function verneed(asks: readonly (readonly [file: number, versions: readonly number[]])[]): Buffer {
  return Buffer.concat(
    asks.map(([file, versions], i) => {
      const bytes = Buffer.alloc(16 + 16 * versions.length);
      bytes.writeUInt16LE(1, 0);
      bytes.writeUInt16LE(versions.length, 2);
      bytes.writeUInt32LE(file, 4);
      bytes.writeUInt32LE(16, 8);
      bytes.writeUInt32LE(i === asks.length - 1 ? 0 : bytes.length, 12);
      for (const [k, name] of versions.entries()) {
        bytes.writeUInt32LE(name, 16 + 16 * k + 8);
        bytes.writeUInt32LE(k === versions.length - 1 ? 0 : 16, 16 + 16 * k + 12);
      }
      return bytes;
    }),
  );
}

function verdef(names: readonly number[]): Buffer {
  return Buffer.concat(
    names.map((name, i) => {
      const bytes = Buffer.alloc(28);
      bytes.writeUInt16LE(1, 0);
      bytes.writeUInt16LE(1, 6);
      bytes.writeUInt32LE(20, 12);
      bytes.writeUInt32LE(i === names.length - 1 ? 0 : 28, 16);
      bytes.writeUInt32LE(name, 20);
      return bytes;
    }),
  );
}

/** ld.so.cache in glibc's format: name -> file. `older`: behind the format of before 2.2. */
export function makeCache(entries: readonly (readonly [string, string])[], older = false): Buffer {
  const head = 48 + entries.length * 24;
  const texts: Buffer[] = [];
  let at = head;
  const add = (text: string): number => {
    const place = at;
    const bytes = Buffer.from(`${text}\0`);
    texts.push(bytes);
    at += bytes.length;
    return place;
  };
  const list = Buffer.alloc(head);
  list.write('glibc-ld.so.cache1.1', 'latin1');
  list.writeUInt32LE(entries.length, 20);
  for (const [i, [name, file]] of entries.entries()) {
    list.writeInt32LE(0x0303, 48 + i * 24);
    list.writeUInt32LE(add(name), 48 + i * 24 + 4);
    list.writeUInt32LE(add(file), 48 + i * 24 + 8);
  }
  const before = older ? Buffer.from('ld.so-1.7.0\0\0\0\0\0') : Buffer.alloc(0);
  return Buffer.concat([before, list, ...texts]);
}
