const EXIF_POINTER = 0x8769;
const USER_COMMENT = 0x9286;

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

/** The UserComment of an EXIF block, where A1111 keeps its parameters in JPEG and WebP; null when absent or broken. */
export function readUserComment(exif: Uint8Array): string | null {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (exif.length < 8) return null;
  const little = view.getUint16(0) === 0x4949;
  try {
    const root = findEntry(view, view.getUint32(4, little), EXIF_POINTER, little);
    if (!root) return null;
    const comment = findEntry(view, view.getUint32(root.valueAt, little), USER_COMMENT, little);
    if (!comment || comment.count <= 8) return null;
    const start = view.getUint32(comment.valueAt, little);
    return decodeComment(Buffer.from(exif.subarray(start, start + comment.count)));
  } catch (error) {
    // Offsets that point outside the block.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function findEntry(
  view: DataView,
  directory: number,
  tag: number,
  little: boolean,
): { count: number; valueAt: number } | null {
  const entries = view.getUint16(directory, little);
  for (let index = 0; index < entries; index++) {
    const at = directory + 2 + index * 12;
    if (view.getUint16(at, little) === tag) {
      return { count: view.getUint32(at + 4, little), valueAt: at + 8 };
    }
  }
  return null;
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
