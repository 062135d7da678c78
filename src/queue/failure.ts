import type { EngineLog } from '../engine/engine.ts';
import { EngineCrashedError, UserError } from '../engine/errors.ts';
import type { Job, JobFailure } from './job.ts';

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
  if (error instanceof UserError) return { message: error.message, reference: null };
  if (error instanceof EngineCrashedError && (job.crashes ?? 0) < CRASHES_FORGIVEN) {
    log.warn({ err: error, job: job.id }, 'the engine crashed under a job; trying it once more');
    return 'retry';
  }
  const reference = newReference();
  log.error({ err: error, job: job.id, reference }, 'a job failed');
  return { message: wordsFor(error), reference };
}

function wordsFor(error: unknown): string {
  if (error instanceof EngineCrashedError) {
    return (
      'The engine broke down twice while making this picture, so it was given up. ' +
      'A smaller size or fewer pictures at once may work.'
    );
  }
  if (error instanceof StoreError) return `${storeWords(error.cause)} Try again later.`;
  return 'Something went wrong while making this picture. If it happens again, give the reference to whoever runs this bot.';
}

function storeWords(cause: unknown): string {
  const { code, errcode } = (cause ?? {}) as { code?: unknown; errcode?: unknown };
  const full = code === 'ENOSPC' || code === 'EDQUOT' || errcode === 13;
  return full
    ? 'The picture was made but could not be kept: the disk of the machine that paints is full.'
    : 'The picture was made but could not be kept: the data folder of the machine that paints cannot be written.';
}
