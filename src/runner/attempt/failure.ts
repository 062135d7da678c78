import type { EngineLog } from '../../engine/engine.ts';
import { EngineCrashedError, UserError } from '../../engine/errors.ts';
import type { Said } from '../../engine/said.ts';
import { failureIn, failureSaying, type Job, type JobFailure } from '../../queue/job.ts';
import { sayOfQueue } from '../../queue/sentences.ts';
import { isDiskFull } from '../../queue/pictures.ts';

/** Pictures or the job's outcome could not be written; `cause` says why. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** A job whose engine crashed this often before is not tried again. */
const CRASHES_FORGIVEN = 1;

/**
 * The words for a failed attempt, or 'retry'. What the person cannot mend is logged under a short reference, which
 * is all they see of it.
 */
export function failureOf(
  error: unknown,
  job: Job,
  newReference: () => string,
  log: EngineLog,
): JobFailure | 'retry' {
  if (error instanceof UserError) return failureIn(error);
  if (error instanceof EngineCrashedError && (job.crashes ?? 0) < CRASHES_FORGIVEN) {
    log.warn({ err: error, job: job.id }, 'the engine crashed under a job; trying it once more');
    return 'retry';
  }
  const reference = newReference();
  log.error({ err: error, job: job.id, reference }, 'a job failed');
  return failureSaying(saidOf(error), reference);
}

function saidOf(error: unknown): Said {
  if (error instanceof EngineCrashedError) return sayOfQueue('engine-crashed-twice');
  if (!(error instanceof StoreError)) return sayOfQueue('unknown-trouble');
  return sayOfQueue(isDiskFull(error.cause) ? 'picture-lost-disk-full' : 'picture-lost-unwritable');
}
