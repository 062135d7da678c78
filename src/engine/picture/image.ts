import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { packPng } from './file/png-pack.ts';
import {
  insertChunks,
  internationalChunk,
  isAnimatedPng,
  isPng,
  textChunk,
} from './file/png-text.ts';
import type { PngText } from './file/png-text.ts';
import { XMP_KEYWORD, TEXT_BYTES, textsInExif } from './recipe-texts.ts';

/** 8-bit RGB, rows from the top, 3 bytes a pixel. */
export type RgbImage = { data: Uint8Array; width: number; height: number };

/** A picture a person gave: laid on white where it was transparent; alpha 1 byte a pixel, null when opaque. */
export type DecodedImage = RgbImage & { alpha: Uint8Array | null };

export type DecodeLimits = {
  maxBytes: number;
  /** longest side of the picture as stored, pixels */
  maxSide: number;
};

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxBytes: 25 * 1024 * 1024, maxSide: 4096 };

const SOFTWARE = 'Darkroom';
/** https://cv.iptc.org/newscodes/digitalsourcetype/ */
const MADE_BY_AI = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
/** The XMP packet that says a model made the picture (IPTC digital source type). */
export const AI_MARK_XMP = [
  '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>',
  '<x:xmpmeta xmlns:x="adobe:ns:meta/">',
  '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
  '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"',
  ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">',
  `<xmp:CreatorTool>${SOFTWARE}</xmp:CreatorTool>`,
  `<Iptc4xmpExt:DigitalSourceType>${MADE_BY_AI}</Iptc4xmpExt:DigitalSourceType>`,
  '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>',
].join('');

/**
 * A PNG with A1111's `parameters` text and the mark that a model made it (XMP, IPTC digital source type).
 * The same picture and text give the same bytes.
 */
export function encodePng(image: RgbImage, metadata: { infotext: string }): Promise<Uint8Array> {
  return packPng(image, recipeChunks(metadata.infotext));
}

/** A PNG without text chunks of its own, with those of `encodePng`. */
export function markPng(png: Uint8Array, metadata: { infotext: string }): Uint8Array {
  return insertChunks(png, recipeChunks(metadata.infotext));
}

/** The same in every picture. */
const MARKS = [textChunk('Software', SOFTWARE), internationalChunk(XMP_KEYWORD, AI_MARK_XMP)];

function recipeChunks(infotext: string): Uint8Array[] {
  return [textChunk('parameters', infotext), ...MARKS];
}

/** A JPEG for the eye, scaled so that its longest side has this many pixels. */
export async function encodePreviewJpeg(image: RgbImage, longestSide: number): Promise<Uint8Array> {
  return fromRgb(image)
    .resize(longestSide, longestSide, { fit: 'inside' })
    .jpeg({ quality: 80 })
    .toBuffer();
}

function fromRgb({ data, width, height }: RgbImage): ReturnType<typeof sharp> {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/**
 * Decodes a picture a person gave: PNG, JPEG or WebP by its content, turned upright, 8-bit sRGB. Size and kind are
 * checked before a pixel is decoded.
 * @throws UserError for everything it does not take
 */
export async function decodeImage(
  bytes: Uint8Array,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<DecodedImage> {
  return inWords(async () => {
    const { hasAlpha } = await checkHeader(bytes, limits);
    const { data, info } = await pixelsOf(bytes, limits);
    return layOnWhite(data, info.width, info.height, hasAlpha);
  }, limits);
}

/** A JPEG that lacks nothing but its end mark is read as if it had it, as browsers and ComfyUI read it. */
async function pixelsOf(bytes: Uint8Array, limits: DecodeLimits) {
  const decode = (file: Uint8Array, failOn: 'error' | 'warning') =>
    sharp(file, { limitInputPixels: limits.maxSide ** 2, failOn })
      .autoOrient()
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  try {
    return await decode(bytes, 'error');
  } catch (error) {
    const isOpenJpeg = bytes[0] === 0xff && !(bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9);
    if (!isOpenJpeg) throw error;
    // Behind the mark a picture of which rows are missing gives a warning, and is damaged.
    return decode(Buffer.concat([bytes, Buffer.of(0xff, 0xd9)]), 'warning').catch(() => {
      throw error;
    });
  }
}

/**
 * The sides of such a picture, upright, from its header alone.
 * @throws UserError as decodeImage does
 */
export async function readImageSize(
  bytes: Uint8Array,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<{ width: number; height: number }> {
  return inWords(async () => (await checkHeader(bytes, limits)).upright, limits);
}

/** Reads no pixel, so that a size can be told whatever it is. */
async function checkHeader(bytes: Uint8Array, limits: DecodeLimits) {
  if (bytes.length > limits.maxBytes) {
    const size = (count: number): string => `${(count / 1048576).toFixed(1)} MB`;
    throw new UserError(say('picture-too-heavy', size(bytes.length), size(limits.maxBytes)));
  }
  if (!isImageFile(bytes)) {
    throw new UserError(say('not-a-picture'));
  }
  const header = sharp(bytes, { failOn: 'error', limitInputPixels: false });
  const { width, height, pages, hasAlpha, autoOrient } = await header.metadata();
  if (Math.max(width, height) > limits.maxSide) throw tooLarge(limits, `${width}x${height}`);
  if ((pages ?? 1) > 1 || isAnimatedPng(bytes)) {
    throw new UserError(say('picture-animated'));
  }
  return { hasAlpha, upright: { width: autoOrient.width, height: autoOrient.height } };
}

/** Whatever a decoder says of somebody's picture, in a sentence for them. @throws UserError where it says anything */
export async function inWords<T>(
  read: () => Promise<T>,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (String(error).includes('pixel limit')) throw tooLarge(limits, 'more');
    throw new UserError(say('picture-damaged'));
  }
}

function tooLarge({ maxSide }: DecodeLimits, size: string): UserError {
  return new UserError(say('picture-too-large', maxSide, size));
}

/** The content decides, whatever the file was called. */
export function isImageFile(bytes: Uint8Array): boolean {
  if (isPng(bytes)) return true;
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return true;
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  return head.startsWith('RIFF') && head.endsWith('WEBP');
}

function layOnWhite(
  rgba: Uint8Array,
  width: number,
  height: number,
  hasAlpha: boolean,
): DecodedImage {
  const pixels = width * height;
  const data = new Uint8Array(pixels * 3);
  const alpha = hasAlpha ? new Uint8Array(pixels) : null;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const opacity = rgba[pixel * 4 + 3] ?? 255;
    if (alpha) alpha[pixel] = opacity;
    for (let channel = 0; channel < 3; channel++) {
      const value = rgba[pixel * 4 + channel] ?? 0;
      data[pixel * 3 + channel] = Math.round((value * opacity + 255 * (255 - opacity)) / 255);
    }
  }
  return { data, width, height, alpha };
}

/**
 * What only a decoder finds: the EXIF block of an AVIF, XMP in any file.
 * @returns none where it cannot be read
 */
export async function readHiddenTexts(bytes: Uint8Array): Promise<PngText[]> {
  try {
    const { exif, xmp } = await sharp(bytes, { limitInputPixels: false }).metadata();
    const isMarked = exif?.toString('latin1', 0, 6) === 'Exif\0\0';
    const texts = exif === undefined ? [] : textsInExif(exif.subarray(isMarked ? 6 : 0));
    if (xmp !== undefined && xmp.length <= TEXT_BYTES)
      texts.push({ keyword: XMP_KEYWORD, text: xmp.toString('utf8') });
    return texts;
  } catch {
    return [];
  }
}
