import { decodeResult } from '../stored/stored-result.ts';
import { keysIn } from '../pictures.ts';

const DAY_MS = 86_400_000;

type Expired = { id: string; pictures: readonly string[] };
type Filter = { finishedBefore: number; now: number; limit: number };

/** What is looked at of a job; times in milliseconds since 1970. */
export type DatedJob = {
  id: string;
  createdAt: number;
  finishedAt: number | null;
  delivered: boolean;
  /** as JSON */
  result: string | null;
};

/**
 * Finished and delivered jobs of long ago, oldest first; at most `limit`, and those held up behind them. Jobs stand in
 * the order they came: a date to come, or a day before that of an earlier job, is a clock's mistake. Such a job is as
 * old as the next one that is dated well, and stays as long as there is none, together with the one before, by which
 * the mistake is known.
 */
export type ExpiryScan = {
  /** The next job, oldest first. True: nothing behind it is of interest. */
  look(job: DatedJob): boolean;
  /** After the last one. */
  found(): Expired[];
};

/**
 * Begins a look through all jobs. Times are milliseconds since 1970; jobs that ended before `finishedBefore` are old.
 */
export function scanExpired({ finishedBefore, now, limit }: Filter): ExpiryScan {
  const found: Expired[] = [];
  const older = (jobs: readonly DatedJob[]) =>
    jobs.flatMap((one) => expiredOf(one, { finishedBefore, now }));
  let held: DatedJob[] = [];
  let doubtful = false;
  let isFull = false;
  let latest = -Infinity;
  return {
    look(job) {
      const { createdAt } = job;
      const wellDated = createdAt <= now + DAY_MS && createdAt >= latest - DAY_MS;
      if (wellDated) {
        if (createdAt >= finishedBefore) return true;
        latest = Math.max(latest, createdAt);
        found.push(...older(held));
        held = [];
        doubtful = false;
        isFull = found.length >= limit;
        if (isFull) return true;
      }
      doubtful ||= !wellDated;
      held.push(job);
      return false;
    },
    found: () => (doubtful || isFull ? found : [...found, ...older(held)]),
  };
}

/** None where the job is not over, or ended later than it was ordered. */
function expiredOf(
  { id, finishedAt, delivered, result }: DatedJob,
  { finishedBefore, now }: Omit<Filter, 'limit'>,
): Expired[] {
  if (!delivered || finishedAt === null) return [];
  if (finishedAt >= finishedBefore && finishedAt <= now + DAY_MS) return [];
  return [{ id, pictures: keysOf(result) }];
}

/** Everything that a stored result names in the picture store. */
export function keysOf(result: unknown): string[] {
  if (typeof result !== 'string') return [];
  return keysIn(decodeResult(result));
}
