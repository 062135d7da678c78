import { crc32, deflateRawSync } from 'node:zlib';

/** An archive as wheels and NuGet's packages are. `large`: with sizes and places as 64-bit numbers. */
export function makeZip(
  files: Readonly<Record<string, Uint8Array>>,
  { store = false, large = false } = {},
): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const packed = store ? Buffer.from(bytes) : deflateRawSync(bytes);
    const title = Buffer.from(name);
    const extra = large ? largeSizes(bytes.length, packed.length, at) : Buffer.alloc(0);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(store ? 0 : 8, 8);
    local.writeUInt16LE(title.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(store ? 0 : 8, 10);
    entry.writeUInt32LE(crc32(bytes), 16);
    entry.writeUInt32LE(large ? 0xffffffff : packed.length, 20);
    entry.writeUInt32LE(large ? 0xffffffff : bytes.length, 24);
    entry.writeUInt16LE(title.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(large ? 0xffffffff : at, 42);
    parts.push(local, title, packed);
    list.push(entry, title, extra);
    at += local.length + title.length + packed.length;
  }
  const directory = Buffer.concat(list);
  const count = Object.keys(files).length;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(large ? 0xffff : count, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(large ? 0xffffffff : at, 16);
  const more = large ? endLarge(count, directory.length, at) : [];
  return Buffer.concat([...parts, directory, ...more, end]);
}

function largeSizes(bytes: number, packed: number, at: number): Buffer {
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  for (const [i, value] of [bytes, packed, at].entries())
    extra.writeBigUInt64LE(BigInt(value), 4 + i * 8);
  return extra;
}

function endLarge(count: number, length: number, at: number): Buffer[] {
  const end = Buffer.alloc(56);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(length), 40);
  end.writeBigUInt64LE(BigInt(at), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(at + length), 8);
  return [end, locator];
}
