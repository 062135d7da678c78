import assert from 'node:assert/strict';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import type { Job, StoredRequest } from '../../src/queue/job.ts';

/** The request of a job that is there and can be read. */
export function requestIn(job: Pick<Job, 'request'> | null | undefined): StoredRequest {
  assert.ok(job !== null && job !== undefined, 'there is a job');
  assert.ok(job.request !== 'unreadable', 'its request can be read');
  return job.request;
}

/** The same with the bytes of its pictures. */
export async function wholeRequestOf(
  { archive }: Pick<Queue, 'archive'>,
  { id }: Pick<Job, 'id'>,
): Promise<GenerateRequest> {
  const found = await archive.request(id);
  assert.ok(found?.kind === 'found', `its request: ${found?.kind}`);
  return found.request;
}
