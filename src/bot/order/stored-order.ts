import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { Archive } from '../../queue/archive.ts';
import type { Job, StoredRequest } from '../../queue/job.ts';
import { sayOfQueue } from '../../queue/sentences.ts';

/** What was ordered, its start pictures by reference. @throws UserError when another version wrote it */
export function readable({ request }: Pick<Job, 'request'>): StoredRequest {
  if (request === 'unreadable') throw new UserError(sayOfQueue('order-unreadable'));
  return request;
}

/**
 * What was ordered, with the bytes of its start pictures: for a button that orders it again.
 * @throws UserError when it cannot be read, or a start picture is no longer stored
 */
export async function requestOf(
  { id }: Pick<Job, 'id'>,
  { archive }: { archive: Pick<Archive, 'request'> },
): Promise<GenerateRequest> {
  const found = await archive.request(id);
  switch (found?.kind) {
    case 'found':
      return found.request;
    case 'picture-gone':
      throw new UserError(sayOfQueue('start-picture-gone'));
    case 'unreadable':
    case undefined:
      throw new UserError(sayOfQueue('order-unreadable'));
  }
}
