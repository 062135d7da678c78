/** Files as people make them who mean harm: small to send, much to read. */
import { deflateSync } from 'node:zlib';
import { insertChunks, makeChunk } from '../../src/engine/picture/file/png-text.ts';
import { tinyPng } from './tiny-png.ts';

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A PNG of 8x8 pixels with these chunks behind its header. */
export function pngWith(chunks: readonly Uint8Array[]): Buffer {
  return Buffer.from(insertChunks(tinyPng(8, 8), chunks));
}

/** `count` compressed texts under one keyword, each of `size` bytes once it is unfolded. */
export function textBombs(
  kind: 'zTXt' | 'iTXt',
  count: number,
  size: number,
  keyword = 'parameters',
): Buffer {
  const packed = deflateSync(Buffer.alloc(size, '('), { level: 9 });
  const head = kind === 'zTXt' ? `${keyword}\0\0` : `${keyword}\0\x01\0\0\0`;
  const chunk = makeChunk(kind, Buffer.concat([latin(head), packed]));
  return pngWith(Array.from({ length: count }, () => chunk));
}

/** A plain text of any length under A1111's keyword. */
export function pngSaying(text: string, keyword = 'parameters'): Buffer {
  return pngWith([makeChunk('tEXt', Buffer.concat([latin(`${keyword}\0`), Buffer.from(text)]))]);
}

/** As many chunks as the file has room for, none of which anybody asked for. */
export function manyChunks(bytes: number): Buffer {
  const chunk = makeChunk('tEXt', latin('a\0b'));
  return pngWith(Array.from({ length: Math.floor(bytes / chunk.length) }, () => chunk));
}

/**
 * A WebP of nothing but an EXIF block: a directory of `entries` that all point at one directory of as many comments,
 * each of which is the whole block.
 */
export function exifBomb(bytes: number, fill: number): Buffer {
  const block = Buffer.alloc(bytes, fill);
  block.write('II*\0', 0, 'latin1');
  block.writeUInt32LE(8, 4);
  const entries = Math.min(65_535, Math.floor((bytes - 64) / 12));
  block.writeUInt16LE(entries, 8);
  for (let index = 0; index < entries; index++) {
    const at = 10 + index * 12;
    // Root and inner directory are the same bytes: every second entry leads back to the start.
    block.writeUInt16LE(index % 2 === 0 ? 0x8769 : 0x9286, at);
    block.writeUInt16LE(index % 2 === 0 ? 4 : 7, at + 2);
    block.writeUInt32LE(index % 2 === 0 ? 1 : bytes, at + 4);
    block.writeUInt32LE(index % 2 === 0 ? 8 : 0, at + 8);
  }
  return webpWith(block);
}

/** A WebP whose comment is text in UTF-8 (or zeros, which end no text). */
export function exifSaying(comment: Buffer): Buffer {
  const head = Buffer.alloc(44);
  head.write('II*\0\x08\0\0\0\x01\0', 0, 'latin1');
  const entry = (at: number, tag: number, kind: number, count: number, value: number): void => {
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(kind, at + 2);
    head.writeUInt32LE(count, at + 4);
    head.writeUInt32LE(value, at + 8);
  };
  entry(10, 0x8769, 4, 1, 26);
  head.writeUInt16LE(1, 26);
  entry(28, 0x9286, 7, comment.length + 8, 44);
  return webpWith(Buffer.concat([head, latin('ASCII\0\0\0'), comment]));
}

export function webpWith(exif: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(exif.length + 12, 4);
  head.write('WEBPEXIF', 8, 'latin1');
  head.writeUInt32LE(exif.length, 16);
  return Buffer.concat([head, exif]);
}
