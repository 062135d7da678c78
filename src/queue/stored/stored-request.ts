import { createHash } from 'node:crypto';
import type { GenerateRequest } from '../../engine/request.ts';
import { decodeRequest, encodeRequest } from '../../engine/request/stored-request.ts';
import type { PictureRef, StoredInit, StoredRequest } from '../job.ts';

/** Stands before a hash where older versions wrote the bytes: no base64 text holds a colon. */
const MARK = 'sha256:';

/** The column of a request whose pictures are stored elsewhere. */
export function writeStored({ init, ...request }: StoredRequest): string {
  const fields = JSON.parse(encodeRequest({ ...request, init: null })) as object;
  if (init === null) return JSON.stringify(fields);
  const { image, mask } = init;
  const marked = { ...init, image: MARK + image.sha256, mask: mask && MARK + mask.sha256 };
  return JSON.stringify({ ...fields, init: marked });
}

/** The column as a job carries it. What this version cannot read must not take other jobs with it. */
export function readStored(text: string): StoredRequest | 'unreadable' {
  try {
    const { init, ...request } = decodeRequest(text);
    if (init === null) return { ...request, init };
    const named = picturesIn(text);
    const image = named?.image ?? refOf(init.image);
    const mask = named === null ? init.mask && refOf(init.mask) : named.mask;
    return { ...request, init: { ...init, image, mask } };
  } catch {
    return 'unreadable';
  }
}

/** No version of Darkroom wrote this: half of it, or something else. */
export function isDamaged(text: string): boolean {
  try {
    return typeof JSON.parse(text) !== 'object';
  } catch {
    return true;
  }
}

/** A row of an older version that holds the pictures themselves; null for every other, readable or not. */
export function readWithBytes(text: string): GenerateRequest | null {
  if (!text.includes('"init":{') || picturesIn(text) !== null) return null;
  try {
    return decodeRequest(text);
  } catch {
    return null;
  }
}

/** Names a picture by the SHA-256 of its bytes. */
export function refOf(bytes: Uint8Array): PictureRef {
  return { sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The pictures that a row names; null when it names none. */
function picturesIn(text: string): Pick<StoredInit, 'image' | 'mask'> | null {
  if (!text.includes(`"${MARK}`)) return null;
  const { init } = JSON.parse(text) as { init?: { image?: unknown; mask?: unknown } | null };
  const named = (value: unknown): PictureRef | null =>
    typeof value === 'string' && value.startsWith(MARK)
      ? { sha256: value.slice(MARK.length) }
      : null;
  const image = named(init?.image);
  return image === null ? null : { image, mask: named(init?.mask) };
}
