import type { JobOutcome } from '../job.ts';
import type { Estimator, Work } from './estimate.ts';

/**
 * Seconds a finished run is charged: a picture costs what the machine is now known to need for it, a run that
 * brought none at most the time it took. `charged`: seconds it was charged at its start.
 */
export function owedFor(
  { work, charged, startedAt }: { work: Work; charged: number; startedAt: number | null },
  outcome: JobOutcome,
  { estimator, now }: { estimator: Pick<Estimator, 'cost'>; now: number },
): number {
  if (outcome.status === 'done' && shareOf(outcome) > 0) return estimator.cost(work);
  const took = Math.max(0, now - (startedAt ?? now)) / 1000;
  return Math.min(charged, took);
}

/** How much of what was ordered somebody gets, 0-1. */
export function shareOf(outcome: JobOutcome): number {
  if (outcome.status !== 'done') return 0;
  const { images, withheld = [] } = outcome.result;
  return withheld.length === 0 ? 1 : images.length / (images.length + withheld.length);
}
