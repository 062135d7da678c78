import { createHmac, timingSafeEqual } from 'node:crypto';
import type { StoredAttachment } from '../store/stored.ts';

/** Signed links to attachments, as Discord's CDN hands them out: `ex` expiry and `is` issue time in hex seconds, `hm` a MAC. */
export type Links = {
  attachment(attachment: StoredAttachment): string;
  /** The id when path and query are a link made here that is still good; null otherwise. */
  verify(path: string, query: URLSearchParams): string | null;
  /** The attachment id in a link of ours, good or expired; null for any other text. */
  idOf(url: string): string | null;
};

/**
 * Makes links to attachments that end after `lifetime` milliseconds, signed with HMAC-SHA256 as Discord signs its own
 * (`ex`, `is`, `hm`).
 */
export function signedLinks(origin: string, key: Buffer, lifetime: number): Links {
  const sign = (path: string, expires: string, issued: string): string =>
    createHmac('sha256', key).update(`${path}\n${expires}\n${issued}`).digest('hex');
  const pattern = /^\/(?:ephemeral-)?attachments\/\d+\/(\d+)\/[^/]+$/;
  return {
    attachment: ({ id, channelId, filename, ephemeral }) => {
      const folder = ephemeral ? 'ephemeral-attachments' : 'attachments';
      const path = `/${folder}/${channelId}/${id}/${encodeURIComponent(filename)}`;
      const seconds = Math.floor(Date.now() / 1000);
      const issued = seconds.toString(16);
      const expires = Math.ceil(seconds + lifetime / 1000).toString(16);
      return `${origin}${path}?ex=${expires}&is=${issued}&hm=${sign(path, expires, issued)}&`;
    },
    verify: (path, query) => {
      const expires = query.get('ex') ?? '';
      const given = Buffer.from(query.get('hm') ?? '', 'hex');
      const expected = Buffer.from(sign(path, expires, query.get('is') ?? ''), 'hex');
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
      if (Number.parseInt(expires, 16) * 1000 <= Date.now()) return null;
      return pattern.exec(path)?.[1] ?? null;
    },
    idOf: (url) => {
      if (!url.startsWith(`${origin}/`)) return null;
      return pattern.exec(new URL(url).pathname)?.[1] ?? null;
    },
  };
}

export type ImageInfo = { contentType: string; width: number; height: number };

/** Type and size of a PNG, JPEG, GIF or WebP read from its first bytes; null for anything else. */
export function imageInfo(bytes: Uint8Array): ImageInfo | null {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length >= 24 && view.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n') {
    return {
      contentType: 'image/png',
      width: view.readUInt32BE(16),
      height: view.readUInt32BE(20),
    };
  }
  if (view.length >= 10 && /^GIF8[79]a$/.test(view.subarray(0, 6).toString('latin1'))) {
    return { contentType: 'image/gif', width: view.readUInt16LE(6), height: view.readUInt16LE(8) };
  }
  if (view.length >= 30 && view.toString('latin1', 0, 4) === 'RIFF') return webpInfo(view);
  if (view.length >= 4 && view.readUInt16BE(0) === 0xffd8) return jpegInfo(view);
  return null;
}

/** RFC 9649: lossy frames hold 14-bit sizes, lossless and extended ones hold size minus one. */
function webpInfo(view: Buffer): ImageInfo | null {
  if (view.toString('latin1', 8, 12) !== 'WEBP') return null;
  const size = (width: number, height: number): ImageInfo => ({
    contentType: 'image/webp',
    width,
    height,
  });
  switch (view.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return size(view.readUInt16LE(26) & 0x3fff, view.readUInt16LE(28) & 0x3fff);
    case 'VP8L': {
      const bits = view.readUInt32LE(21);
      return size((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1);
    }
    case 'VP8X':
      return size(view.readUIntLE(24, 3) + 1, view.readUIntLE(27, 3) + 1);
    default:
      return null;
  }
}

/** Walks the markers up to the frame header, which alone holds the size. */
function jpegInfo(view: Buffer): ImageInfo | null {
  let at = 2;
  while (at + 9 < view.length && view[at] === 0xff) {
    const marker = view[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      return {
        contentType: 'image/jpeg',
        height: view.readUInt16BE(at + 5),
        width: view.readUInt16BE(at + 7),
      };
    }
    at += 2 + view.readUInt16BE(at + 2);
  }
  return null;
}
