/** Comments of a file as such: JPEG's COM segment and GIF's comment extension, which A1111's reader takes, too. */
import { jpegSegments } from './jpeg-segments.ts';

const COMMENT_SEGMENT = 0xfe;

/** The first comment of a JPEG or GIF; null where there is none, or one longer than `most` bytes. */
export function readFileComment(bytes: Uint8Array, most: number): string | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = isGif(file) ? inGif(file, most) : inJpeg(file);
  return found === null || found.byteLength > most ? null : found.toString('utf8');
}

/** Does a file begin as GIF87a or GIF89a do? */
export function isGif(bytes: Uint8Array): boolean {
  return /^GIF8[79]a$/.test(Buffer.from(bytes.subarray(0, 6)).toString('latin1'));
}

function inJpeg(file: Buffer): Buffer | null {
  for (const { marker, body } of jpegSegments(file)) if (marker === COMMENT_SEGMENT) return body;
  return null;
}

const EXTENSION = 0x21;
const COMMENT_LABEL = 0xfe;
const FRAME = 0x2c;
/** A table of 2^(n + 1) colours of three bytes. */
const tableBytes = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);

/** GIF89a, appendix A: blocks behind the screen's descriptor, each a chain of sub-blocks. */
function inGif(file: Buffer, most: number): Buffer | null {
  let at = 13 + tableBytes(file[10] ?? 0);
  while (at < file.length) {
    if (file[at] === EXTENSION) {
      const chain = subBlocks(file, at + 2, most);
      if (file[at + 1] === COMMENT_LABEL) return Buffer.concat(chain.parts);
      at = chain.end;
    } else if (file[at] === FRAME) {
      const data = at + 10 + tableBytes(file[at + 9] ?? 0) + 1;
      at = subBlocks(file, data, 0).end;
    } else return null;
  }
  return null;
}

/** Parts up to about `most` bytes, and where the chain ends. */
function subBlocks(file: Buffer, from: number, most: number): { parts: Buffer[]; end: number } {
  const parts: Buffer[] = [];
  let [at, kept] = [from, 0];
  while (at < file.length) {
    const length = file[at] ?? 0;
    if (length === 0) return { parts, end: at + 1 };
    if (kept <= most) parts.push(file.subarray(at + 1, at + 1 + length));
    kept += length;
    at += 1 + length;
  }
  return { parts, end: file.length };
}
