import { jpegSegments } from './jpeg-segments.ts';
import type { PngText, TextBudget } from './png-text.ts';

const APP1 = 0xe1;
const EXIF_POINTER = 0x8769;
const USER_COMMENT = 0x9286;
/** TIFF's type of a text. */
const ASCII = 2;
const NAMED = /^(prompt|workflow|parameters):/i;
const IMAGE_DESCRIPTION = 0x010e;
/** Longer values stand elsewhere in the block. */
const INLINE = 4;

/** The EXIF block of a JPEG or WebP file (a TIFF structure); null when there is none. */
export function findExif(bytes: Uint8Array): Uint8Array | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length > 4 && file.readUInt16BE(0) === 0xffd8) return findInJpeg(file);
  if (file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 12) === 'WEBP') {
    return findInWebp(file);
  }
  return null;
}

function findInJpeg(file: Buffer): Uint8Array | null {
  for (const { marker, body } of jpegSegments(file)) {
    if (marker === APP1 && body.toString('latin1', 0, 6) === 'Exif\0\0') return body.subarray(6);
  }
  return null;
}

function findInWebp(file: Buffer): Uint8Array | null {
  let at = 12;
  while (at + 8 <= file.length) {
    const length = file.readUInt32LE(at + 4);
    if (file.toString('latin1', at, at + 4) === 'EXIF') {
      const body = file.subarray(at + 8, at + 8 + length);
      return body.toString('latin1', 0, 6) === 'Exif\0\0' ? body.subarray(6) : body;
    }
    at += 8 + length + (length % 2);
  }
  return null;
}

/** More entries than this no program writes into one directory. */
const MAX_ENTRIES = 256;

/**
 * What people's programs write into an EXIF block, under the keyword it would have in a PNG: A1111's parameters, which
 * stand in the UserComment of the EXIF directory (of the first one in Fooocus' files), and ComfyUI's `prompt:{…}` and
 * `workflow:{…}`, which stand in text tags of the first directory (0x0110 Model, 0x010f Make and below,
 * nodes_images.py); a description without such a name is a PNG's `Description`. Broken entries are passed over, as are
 * those beyond the budget; each directory is read once, the first entry of each keyword counts.
 */
export function readExifTexts(exif: Uint8Array, { keywords, bytes }: TextBudget): PngText[] {
  if (exif.length < 8) return [];
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const block = Buffer.from(exif.buffer, exif.byteOffset, exif.byteLength);
  const texts = new Map<string, string>();
  let left = bytes;
  const valueOf = ({ count, valueAt }: Entry): Buffer => {
    const start = view.getUint32(valueAt, little);
    return block.subarray(start, start + count);
  };
  /** Only what is wanted is paid for, and only what is paid for is unfolded. */
  const take = (keyword: string, value: Buffer, decode: (value: Buffer) => string): void => {
    if (!keywords.has(keyword) || texts.has(keyword) || value.byteLength > left) return;
    left -= value.byteLength;
    texts.set(keyword, decode(value));
  };
  const readComments = (directory: number): void => {
    for (const entry of entriesOf(view, directory, little)) {
      if (entry.tag === USER_COMMENT) readComment(entry);
    }
  };
  const readComment = (entry: Entry): void => {
    if (entry.count > INLINE)
      take('parameters', valueOf(entry), (value) => decodeComment(value, little));
  };
  let seen = false;
  const readRoot = (directory: number): void => {
    for (const entry of entriesOf(view, directory, little)) {
      const { tag, kind, count, valueAt } = entry;
      if (tag === EXIF_POINTER) {
        if (!seen) {
          seen = true;
          readComments(view.getUint32(valueAt, little));
        }
      } else if (tag === USER_COMMENT) readComment(entry);
      else if (kind === ASCII && count > INLINE) {
        const value = valueOf(entry);
        const [name = '', keyword] = NAMED.exec(value.toString('latin1', 0, 16)) ?? [];
        if (keyword !== undefined) take(keyword.toLowerCase(), value.subarray(name.length), textOf);
        else if (tag === IMAGE_DESCRIPTION) take('Description', value, textOf);
      }
    }
  };
  try {
    readRoot(view.getUint32(4, little));
  } catch (error) {
    // Offsets that point outside the block.
    if (!(error instanceof RangeError)) throw error;
  }
  return [...texts].map(([keyword, text]) => ({ keyword, text }));
}

type Entry = { tag: number; kind: number; count: number; valueAt: number };

function* entriesOf(view: DataView, directory: number, little: boolean): Generator<Entry> {
  const entries = Math.min(MAX_ENTRIES, view.getUint16(directory, little));
  for (let index = 0; index < entries; index++) {
    const at = directory + 2 + index * 12;
    yield {
      tag: view.getUint16(at, little),
      kind: view.getUint16(at + 2, little),
      count: view.getUint32(at + 4, little),
      valueAt: at + 8,
    };
  }
}

function textOf(value: Buffer): string {
  return withoutEnd(value.toString('utf8')).trimStart();
}

/** Without the zeros at its end. A pattern such as \0+$ would begin anew at every zero. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  return text.slice(0, end);
}

/** What recipes hold and no other text of the same bytes does. */
const SIGN = /Steps: ?\d|Negative prompt:|^\s*\{\s*"/;
const CHARSET_BYTES = 8;

/**
 * The first 8 bytes name the character set, but some programs leave them out, as A1111's own reader allows (piexif's
 * UserComment.load, else UTF-8). "UNICODE" is UTF-16 whose byte order nobody agrees on, and with some programs UTF-8.
 * `little`: the block's byte order.
 */
function decodeComment(bytes: Buffer, little: boolean): string {
  const charset = bytes.toString('latin1', 0, CHARSET_BYTES).replaceAll('\0', '');
  const body = bytes.subarray(CHARSET_BYTES);
  switch (charset) {
    case 'UNICODE':
      return decodeUnicode(body, little);
    case 'ASCII':
    case 'UTF8':
    case 'UTF-8':
      return withoutEnd(body.toString('utf8'));
    case 'JIS':
      return withoutEnd(new TextDecoder('iso-2022-jp').decode(body));
    case '':
      return decodeUnicode(body, little);
    default:
      return bytes.includes(0) ? decodeUnicode(bytes, little) : withoutEnd(bytes.toString('utf8'));
  }
}

function decodeUnicode(body: Buffer, little: boolean): string {
  const mark = body.length > 1 ? body.readUInt16BE(0) : 0;
  if (mark === 0xfeff || mark === 0xfffe) return utf16(body.subarray(2), mark === 0xfffe);
  const utf8 = withoutEnd(body.toString('utf8'));
  let evenZeros = 0;
  let oddZeros = 0;
  for (const [at, byte] of body.entries()) {
    if (byte !== 0) continue;
    if (at % 2 === 0) evenZeros++;
    else oddZeros++;
  }
  // Text of Latin letters has a zero in every pair; UTF-8 has none but at its end.
  if (!utf8.includes('\0') && (SIGN.test(utf8) || !SIGN.test(utf16(body, little)))) {
    if (!utf8.includes('\uFFFD')) return utf8;
  }
  if (evenZeros === oddZeros) return utf16(body, little);
  return utf16(body, oddZeros > evenZeros);
}

function utf16(body: Buffer, little: boolean): string {
  const even = body.subarray(0, body.length - (body.length % 2));
  return withoutEnd((little ? even : Buffer.from(even).swap16()).toString('utf16le'));
}
