import type { GenerateRequest } from '../../engine/request.ts';
import type { FoundRequest, PictureRef, StoredRequest } from '../job.ts';
import { readStored, refOf } from '../stored/stored-request.ts';
import type { JobHash } from './records.ts';
import type { RedisCore } from './redis-core.ts';

/** Start pictures of orders, each once, in the store that all programs of the queue share. */
export const inputKey = (sha256: string): string => `in-${sha256}`;

export type KeptInputs = {
  request: StoredRequest;
  hashes: readonly string[];
  /** Removes those that no job names. */
  drop(): Promise<void>;
};

/** Stores a request's pictures before its job is written. */
export async function keepInputs(core: RedisCore, request: GenerateRequest): Promise<KeptInputs> {
  const { init } = request;
  if (init === null) return { request: { ...request, init }, hashes: [], drop: async () => {} };
  const pictures = [init.image, ...(init.mask === null ? [] : [init.mask])];
  const refs = pictures.map(refOf);
  for (const [at, bytes] of pictures.entries()) {
    await core.inputs.put(inputKey(refs[at]!.sha256), bytes);
  }
  const hashes = refs.map(({ sha256 }) => sha256);
  const [image, mask = null] = refs;
  return {
    request: { ...request, init: { ...init, image: image!, mask } },
    hashes,
    drop: () => dropInputs(core, hashes),
  };
}

/** Removes the start pictures and masks that no job names any more, by their SHA-256. */
export async function dropInputs(core: RedisCore, hashes: readonly string[]): Promise<void> {
  for (const hash of new Set(hashes)) {
    const named = await core.redis.scard(core.key(`input:${hash}`));
    if (named === 0) await core.inputs.delete(inputKey(hash));
  }
}

/** A job's request with its pictures' bytes. Rejects when one cannot be read now. */
export async function readRequest({ inputs }: RedisCore, hash: JobHash): Promise<FoundRequest> {
  const stored = readStored(hash['request'] ?? '');
  if (stored === 'unreadable') return { kind: 'unreadable' };
  const { init, ...request } = stored;
  if (init === null) return { kind: 'found', request: { ...request, init } };
  const read = async ({ sha256 }: PictureRef): Promise<Uint8Array | null> => {
    const bytes = await inputs.get(inputKey(sha256));
    return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const image = await read(init.image);
  const mask = init.mask && (await read(init.mask));
  if (image === null || (init.mask !== null && mask === null)) return { kind: 'picture-gone' };
  return { kind: 'found', request: { ...request, init: { ...init, image, mask } } };
}
