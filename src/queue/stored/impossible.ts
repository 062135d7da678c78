import { checkReadable } from '../../engine/request/encoder-texts.ts';
import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { failureIn, failureSaying, type JobFailure } from '../job.ts';
import { sayOfQueue } from '../sentences.ts';

/** Why a job whose request was found so cannot be run at all. */
export const FAILURES = {
  unreadable: failureSaying(sayOfQueue('order-unreadable'), null),
  'picture-gone': failureSaying(sayOfQueue('start-picture-gone'), null),
};

/**
 * A job under which the whole program died this often ends as failed: in thread isolation a picture that crashes
 * the engine's native code takes the program along, and would do so at every start for ever.
 */
export const RESTARTS_FORGIVEN = 10;
export const FATAL_FAILURE = failureSaying(
  sayOfQueue('program-ended-often', RESTARTS_FORGIVEN + 1),
  null,
);

/** Jobs of older versions may ask for more than this one paints. */
export function refusalOf(request: GenerateRequest): JobFailure | null {
  try {
    checkReadable(request);
    return null;
  } catch (error) {
    if (error instanceof UserError) return failureIn(error);
    throw error;
  }
}
