import { crc32, inflateSync } from 'node:zlib';

/** One text entry of a PNG. */
export type PngText = { keyword: string; text: string };

type Chunk = { type: string; data: Uint8Array; end: number };

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** A compressed text may not unfold to more than this. */
const MAX_TEXT_BYTES = 1 << 20;

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, at) => bytes[at] === byte);
}

/**
 * A text chunk: tEXt where every character is Latin-1, else iTXt in UTF-8, the way Pillow writes them, so that every
 * reader of A1111's pictures finds them.
 */
export function textChunk(keyword: string, text: string): Buffer {
  const key = Buffer.from(keyword, 'latin1');
  if (isLatin1(text)) {
    return makeChunk('tEXt', Buffer.concat([key, Buffer.of(0), Buffer.from(text, 'latin1')]));
  }
  return internationalChunk(keyword, text);
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xff) return false;
  }
  return true;
}

/** An uncompressed iTXt chunk whatever the characters: what XMP packets must be in. */
export function internationalChunk(keyword: string, text: string): Buffer {
  // Keyword ends with 0; then compression flag and method, empty language tag, empty translated keyword.
  const head = Buffer.concat([Buffer.from(keyword, 'latin1'), Buffer.of(0, 0, 0, 0, 0)]);
  return makeChunk('iTXt', Buffer.concat([head, Buffer.from(text, 'utf8')]));
}

/** Inserts ready-made chunks behind the header chunk. */
export function insertChunks(png: Uint8Array, chunks: readonly Uint8Array[]): Uint8Array {
  const header = readChunks(png).next().value;
  if (!header || header.type !== 'IHDR') throw new Error('not a PNG: no header chunk');
  return Buffer.concat([png.subarray(0, header.end), ...chunks, png.subarray(header.end)]);
}

export function makeChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** Every text entry, in file order; broken entries are passed over. */
export function readPngTexts(png: Uint8Array): PngText[] {
  if (!isPng(png)) return [];
  const texts: PngText[] = [];
  for (const chunk of readChunks(png)) {
    try {
      const text = readText(chunk);
      if (text) texts.push(text);
    } catch {
      // A damaged or oversized entry is somebody else's: the picture itself may still be read.
    }
  }
  return texts;
}

function readText({ type, data }: Chunk): PngText | null {
  if (type !== 'tEXt' && type !== 'zTXt' && type !== 'iTXt') return null;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const keyEnd = bytes.indexOf(0);
  if (keyEnd < 0) return null;
  const keyword = bytes.toString('latin1', 0, keyEnd);
  if (type === 'tEXt') return { keyword, text: bytes.toString('latin1', keyEnd + 1) };
  if (type === 'zTXt')
    return { keyword, text: unfold(bytes.subarray(keyEnd + 2)).toString('latin1') };
  const languageEnd = bytes.indexOf(0, keyEnd + 3);
  const translatedEnd = bytes.indexOf(0, languageEnd + 1);
  if (languageEnd < 0 || translatedEnd < 0) return null;
  const rest = bytes.subarray(translatedEnd + 1);
  return { keyword, text: (bytes[keyEnd + 1] === 1 ? unfold(rest) : rest).toString('utf8') };
}

function unfold(bytes: Uint8Array): Buffer {
  return inflateSync(bytes, { maxOutputLength: MAX_TEXT_BYTES });
}

function* readChunks(png: Uint8Array): Generator<Chunk, undefined> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let at = SIGNATURE.length;
  while (at + 12 <= png.length) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > png.length) return;
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    yield { type, data: png.subarray(at + 8, at + 8 + length), end };
    at = end;
  }
}
