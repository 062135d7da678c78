import { crc32, deflateSync } from 'node:zlib';

/** A PNG of that size in one grey. */
export function tinyPng(width: number, height: number, level = 0x7f): Buffer {
  const rows = Buffer.alloc((width + 1) * height, level).map((value, i) =>
    i % (width + 1) === 0 ? 0 : value,
  );
  return png(width, height, 8, rows);
}

/** A whole PNG, black, of so many pixels a side at a bit each: a small file of a large picture. */
export function blackPng(side: number): Buffer {
  return png(side, side, 1, Buffer.alloc((1 + Math.ceil(side / 8)) * side));
}

function png(width: number, height: number, bits: number, rows: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}
