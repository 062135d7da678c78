/**
 * Recipes in the lowest bits of a picture's pixels, as NovelAI and sd-webui-stealth-pnginfo write them: they come through
 * where text entries are taken out. The bits go down the columns, one a pixel of the alpha channel or three of red, green
 * and blue: a signature, the number of bits that follow (32 bits), UTF-8, mostly packed with gzip.
 */
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';

const SIGNATURES = [
  { text: 'stealth_pnginfo', channels: [3], packed: false },
  { text: 'stealth_pngcomp', channels: [3], packed: true },
  { text: 'stealth_rgbinfo', channels: [0, 1, 2], packed: false },
  { text: 'stealth_rgbcomp', channels: [0, 1, 2], packed: true },
] as const;
const SIGNATURE_BYTES = 15;
const LENGTH_BYTES = 4;
/** Of the text, packed and unpacked. */
const MOST_BYTES = 256 * 1024;
/** Of the whole picture, 128 MiB: larger ones are not searched. */
const MOST_PIXELS = 1 << 25;

/** Null where there is none. `bytes`: a PNG or a WebP, the formats that keep every bit. */
export async function readStealthText(bytes: Uint8Array): Promise<string | null> {
  try {
    const { width, height, format, channels, depth } = await sharp(bytes, {
      limitInputPixels: MOST_PIXELS,
    }).metadata();
    if ((format !== 'png' && format !== 'webp') || channels < 3 || depth !== 'uchar') return null;
    const headBits = (SIGNATURE_BYTES + LENGTH_BYTES) * 8;
    const head = await columns(bytes, Math.min(width, Math.ceil(headBits / height)), height);
    const found = SIGNATURES.find(
      ({ text, channels: own }) =>
        bitsAsBytes(head, own, 0, SIGNATURE_BYTES)?.toString('latin1') === text,
    );
    if (found === undefined) return null;
    const length = bitsAsBytes(head, found.channels, SIGNATURE_BYTES, LENGTH_BYTES);
    const bits = length?.readUInt32BE(0) ?? 0;
    if (bits === 0 || bits / 8 > MOST_BYTES) return null;
    const pixels = Math.ceil((headBits + bits) / found.channels.length);
    const all = await columns(bytes, Math.min(width, Math.ceil(pixels / height)), height);
    const body = bitsAsBytes(
      all,
      found.channels,
      SIGNATURE_BYTES + LENGTH_BYTES,
      Math.floor(bits / 8),
    );
    if (body === null) return null;
    return (found.packed ? gunzipSync(body, { maxOutputLength: MOST_BYTES }) : body).toString(
      'utf8',
    );
  } catch {
    // A damaged picture, or bits that only look like a recipe.
    return null;
  }
}

type Columns = { data: Uint8Array; width: number; height: number };

/** The first columns, four channels a pixel; a picture without alpha is opaque, whose lowest bits are all 1. */
async function columns(bytes: Uint8Array, width: number, height: number): Promise<Columns> {
  const image = sharp(bytes, { limitInputPixels: MOST_PIXELS }).extract({
    left: 0,
    top: 0,
    width,
    height,
  });
  const data = await image.ensureAlpha().raw({ depth: 'uchar' }).toBuffer();
  return { data, width, height };
}

/** Null where the picture ends before. */
function bitsAsBytes(
  { data, width, height }: Columns,
  channels: readonly number[],
  from: number,
  count: number,
): Buffer | null {
  if ((from + count) * 8 > width * height * channels.length) return null;
  const found = Buffer.alloc(count);
  for (let bit = 0; bit < count * 8; bit++) {
    const at = from * 8 + bit;
    const pixel = Math.floor(at / channels.length);
    const row = pixel % height;
    const column = Math.floor(pixel / height);
    const value = data[(row * width + column) * 4 + (channels[at % channels.length] ?? 0)] ?? 0;
    if ((value & 1) === 1) found[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  return found;
}
