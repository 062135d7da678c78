import { isAscii, isUtf8 } from 'node:buffer';
import { crc32, inflateSync } from 'node:zlib';

/** One text entry of a PNG. */
export type PngText = { keyword: string; text: string };

/** What is worth reading of a file that anybody may have written. */
export type TextBudget = {
  /** the first entry of each counts, whatever becomes of it; others are not even unfolded */
  keywords: ReadonlySet<string>;
  /** of all texts together, as they stand unfolded */
  bytes: number;
};

type Chunk = { type: number; data: Uint8Array; end: number };

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const typeNumber = (type: string): number => Buffer.from(type, 'latin1').readUInt32BE(0);
const IHDR = typeNumber('IHDR');
const PLAIN = typeNumber('tEXt');
const PACKED = typeNumber('zTXt');
const INTERNATIONAL = typeNumber('iTXt');
const EXIF = typeNumber('eXIf');
const ANIMATION = typeNumber('acTL');
const PIXELS = typeNumber('IDAT');
/** PNG's own limit. */
const MAX_KEYWORD = 79;

/** By the eight bytes that every PNG begins with. */
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

/** Inserts ready-made chunks behind the header chunk. @throws Error for what is no PNG */
export function insertChunks(png: Uint8Array, chunks: readonly Uint8Array[]): Uint8Array {
  const header = readChunks(png).next().value;
  if (!header || header.type !== IHDR) throw new Error('not a PNG: no header chunk');
  return Buffer.concat([png.subarray(0, header.end), ...chunks, png.subarray(header.end)]);
}

/** A PNG chunk: length, type, content and CRC. */
export function makeChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/**
 * The first text entry of each keyword, in file order. An entry that is damaged, or larger than what is left of the
 * budget, is passed over and not made good by a later one: a file of thousands of such entries costs as much as one.
 */
export function readPngTexts(png: Uint8Array, { keywords, bytes }: TextBudget): PngText[] {
  if (!isPng(png)) return [];
  const texts: PngText[] = [];
  const met = new Set<string>();
  let left = bytes;
  for (const { type, data } of readChunks(png)) {
    if (met.size === keywords.size) break;
    if (type !== PLAIN && type !== PACKED && type !== INTERNATIONAL) continue;
    const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const keyEnd = body.subarray(0, MAX_KEYWORD + 1).indexOf(0);
    if (keyEnd < 1) continue;
    const keyword = body.toString('latin1', 0, keyEnd);
    if (!keywords.has(keyword) || met.has(keyword)) continue;
    met.add(keyword);
    const text = readText(type, body, keyEnd, left);
    if (text === null) continue;
    left -= text.byteLength;
    texts.push({
      keyword,
      text: type === INTERNATIONAL ? text.toString('utf8') : latinOrUtf8(text),
    });
  }
  return texts;
}

/** Latin-1 by the book; what is valid UTF-8 was written by somebody who did not read it (stable-diffusion.cpp). */
function latinOrUtf8(text: Buffer): string {
  if (isAscii(text) || !isUtf8(text)) return text.toString('latin1');
  return text.toString('utf8');
}

/** The bytes of the text itself; null when they are damaged or more than `most`. */
function readText(type: number, body: Buffer, keyEnd: number, most: number): Buffer | null {
  if (type === PLAIN) return within(body.subarray(keyEnd + 1), most);
  if (type === PACKED) return unfold(body.subarray(keyEnd + 2), most);
  const languageEnd = body.indexOf(0, keyEnd + 3);
  const translatedEnd = body.indexOf(0, languageEnd + 1);
  if (languageEnd < 0 || translatedEnd < 0) return null;
  const rest = body.subarray(translatedEnd + 1);
  return body[keyEnd + 1] === 1 ? unfold(rest, most) : within(rest, most);
}

function within(text: Buffer, most: number): Buffer | null {
  return text.byteLength <= most ? text : null;
}

function unfold(packed: Uint8Array, most: number): Buffer | null {
  if (most < 1) return null;
  try {
    return inflateSync(packed, { maxOutputLength: most });
  } catch {
    return null;
  }
}

function* readChunks(png: Uint8Array): Generator<Chunk, undefined> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let at = SIGNATURE.length;
  while (at + 12 <= png.length) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > png.length) return;
    yield { type: view.getUint32(at + 4), data: png.subarray(at + 8, at + 8 + length), end };
    at = end;
  }
}

/** The EXIF block of a PNG, which some programs write instead of texts; null when there is none. */
export function exifInPng(png: Uint8Array): Uint8Array | null {
  for (const { type, data } of readChunks(png)) if (type === EXIF) return data;
  return null;
}

/** APNG announces itself by an acTL chunk before the picture data. */
export function isAnimatedPng(png: Uint8Array): boolean {
  if (!isPng(png)) return false;
  for (const { type } of readChunks(png)) {
    if (type === ANIMATION || type === PIXELS) return type === ANIMATION;
  }
  return false;
}
