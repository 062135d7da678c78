/** What crosses to the caller's side: buffers that may be moved, and errors in a person's words. */
import { RunError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { GenerateRequest } from '../request.ts';

/** Memory that does not suffice is the order's size, which the person can change. */
export function explain(error: unknown, { width, height, count }: GenerateRequest): unknown {
  const said = error instanceof Error ? error.message : '';
  if (
    !/bad_alloc|failed to allocate|out of memory|OUT_OF_MEMORY|array buffer allocation/i.test(said)
  ) {
    return error;
  }
  return new RunError(say('too-little-memory', count, `${width}x${height}`));
}

/** Only a buffer that holds nothing else may be moved: small Buffers share a pool. */
export function ownBuffer({ buffer, byteLength }: Uint8Array): ArrayBuffer | null {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? buffer : null;
}
