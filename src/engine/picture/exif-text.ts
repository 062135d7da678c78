import type { PngText } from './png-text.ts';

const EXIF_POINTER = 0x8769;
const USER_COMMENT = 0x9286;
/** TIFF's type of a text. */
const ASCII = 2;
const NAMED = /^(prompt|workflow|parameters):\s*([^]+)$/;

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
  let at = 2;
  while (at + 4 <= file.length && file[at] === 0xff) {
    const marker = file[at + 1];
    const length = file.readUInt16BE(at + 2);
    if (marker === 0xda) return null;
    const body = file.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1 && body.toString('latin1', 0, 6) === 'Exif\0\0') return body.subarray(6);
    at += 2 + length;
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

/**
 * What people's programs write into an EXIF block, under the keyword it would have in a PNG: A1111's parameters, which
 * stand in the UserComment, and ComfyUI's `prompt:{…}` and `workflow:{…}`, which stand in text tags of the first
 * directory (0x0110 Model, 0x010f Make and below, nodes_images.py). Broken entries are passed over.
 */
export function readExifTexts(exif: Uint8Array): PngText[] {
  if (exif.length < 8) return [];
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const texts: PngText[] = [];
  try {
    const root = view.getUint32(4, little);
    for (const { tag, kind, count, valueAt } of entriesOf(view, root, little)) {
      if (tag === EXIF_POINTER) {
        const comment = readComment(view, view.getUint32(valueAt, little), little);
        if (comment !== null) texts.push({ keyword: 'parameters', text: comment });
      } else if (kind === ASCII && count > 4) {
        const text = textAt(view, view.getUint32(valueAt, little), count);
        const [, keyword, rest] = NAMED.exec(text) ?? [];
        if (keyword !== undefined && rest !== undefined) texts.push({ keyword, text: rest });
      }
    }
  } catch (error) {
    // Offsets that point outside the block.
    if (!(error instanceof RangeError)) throw error;
  }
  return texts;
}

function readComment(view: DataView, directory: number, little: boolean): string | null {
  for (const { tag, count, valueAt } of entriesOf(view, directory, little)) {
    if (tag !== USER_COMMENT || count <= 8) continue;
    const start = view.getUint32(valueAt, little);
    return decodeComment(Buffer.from(bytesAt(view, start, count)));
  }
  return null;
}

function* entriesOf(view: DataView, directory: number, little: boolean) {
  const entries = view.getUint16(directory, little);
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

function bytesAt(view: DataView, start: number, count: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).subarray(
    start,
    start + count,
  );
}

function textAt(view: DataView, start: number, count: number): string {
  return Buffer.from(bytesAt(view, start, count))
    .toString('utf8')
    .replace(/\0+$/, '');
}

/** The first 8 bytes name the character set; "UNICODE" is UTF-16 whose byte order nobody agrees on. */
function decodeComment(bytes: Buffer): string {
  const charset = bytes.toString('latin1', 0, 7);
  const body = bytes.subarray(8);
  if (charset !== 'UNICODE') return body.toString('utf8').replace(/\0+$/, '');
  let evenZeros = 0;
  let oddZeros = 0;
  for (const [at, byte] of body.entries()) {
    if (byte !== 0) continue;
    if (at % 2 === 0) evenZeros++;
    else oddZeros++;
  }
  const even = body.subarray(0, body.length - (body.length % 2));
  const ordered = evenZeros >= oddZeros ? Buffer.from(even).swap16() : even;
  return ordered.toString('utf16le').replace(/\0+$/, '');
}
