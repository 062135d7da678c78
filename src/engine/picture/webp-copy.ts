import sharp from 'sharp';
import { readInfotext } from './recipe-texts.ts';

export type CopyOptions = {
  /** pixels; the height follows */
  width?: number;
  /** 1-100, or every pixel as it is */
  quality: number | 'lossless';
};

/** A WebP of one of our PNGs that says the same of itself: the mark that a model made it, and its recipe. */
export async function webpCopy(png: Uint8Array, options: CopyOptions): Promise<Uint8Array> {
  const { width, quality } = options;
  const whole = sharp(png).keepXmp();
  const sized = width === undefined ? whole : whole.resize({ width });
  const webp = await sized
    .webp(quality === 'lossless' ? { lossless: true, effort: 6 } : { quality })
    .toBuffer();
  const infotext = readInfotext(png);
  return infotext === null ? webp : insertExif(webp, commentExif(infotext));
}

/**
 * A TIFF block with nothing but a UserComment in UTF-16, which is where A1111 keeps its parameters in files that are no
 * PNG; libvips writes ASCII only.
 */
export function commentExif(text: string): Buffer {
  const comment = Buffer.concat([
    Buffer.from('UNICODE\0', 'latin1'),
    Buffer.from(text, 'utf16le').swap16(),
  ]);
  const block = Buffer.alloc(44);
  block.write('MM\0*', 0, 'latin1');
  block.writeUInt32BE(8, 4);
  // Two directories of one entry: the root points at the second, that one at the comment behind both.
  const entries = [
    { at: 8, tag: 0x8769, kind: 4, count: 1, value: 26 },
    { at: 26, tag: 0x9286, kind: 7, count: comment.length, value: 44 },
  ];
  for (const { at, tag, kind, count, value } of entries) {
    block.writeUInt16BE(1, at);
    block.writeUInt16BE(tag, at + 2);
    block.writeUInt16BE(kind, at + 4);
    block.writeUInt32BE(count, at + 6);
    block.writeUInt32BE(value, at + 10);
  }
  return Buffer.concat([block, comment]);
}

const HAS_EXIF = 0x08;

/** `webp`: with an extended header (RFC 9649), as every file with XMP has it; another comes back as it is. */
function insertExif(webp: Buffer, exif: Buffer): Buffer {
  if (webp.toString('latin1', 12, 16) !== 'VP8X') return webp;
  const head = Buffer.from(webp.subarray(0, 30));
  head.writeUInt8(head.readUInt8(20) | HAS_EXIF, 20);
  // EXIF stands before XMP, which is the last chunk of ours.
  const xmp = webp.lastIndexOf('XMP ', undefined, 'latin1');
  const at = xmp < 0 ? webp.length : xmp;
  const label = Buffer.alloc(8);
  label.write('EXIF', 0, 'latin1');
  label.writeUInt32LE(exif.length, 4);
  const padding = Buffer.alloc(exif.length % 2);
  const file = Buffer.concat([
    head,
    webp.subarray(30, at),
    label,
    exif,
    padding,
    webp.subarray(at),
  ]);
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}
