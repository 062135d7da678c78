import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { StoredResult } from '../job.ts';
import { keysIn } from '../pictures.ts';

const DAY_MS = 86_400_000;

type Expired = { id: string; pictures: readonly string[] };
type Filter = { finishedBefore: number; now: number; limit: number };

/**
 * Finished and delivered jobs of long ago, oldest first; at most `limit`, and those held up behind them. Jobs stand in
 * the order they came: a date to come, or a day before that of an earlier job, is a clock's mistake. Such a job is as
 * old as the next one that is dated well, and stays as long as there is none, together with the one before, by which
 * the mistake is known.
 */
export function createExpiry(db: DatabaseSync): (filter: Filter) => Expired[] {
  const oldestFirst = db.prepare(
    'SELECT id, created_at, finished_at, delivered, result FROM jobs ORDER BY seq',
  );
  return ({ finishedBefore, now, limit }) => {
    const found: Expired[] = [];
    let held: Row[] = [];
    let doubtful = false;
    let latest = -Infinity;
    for (const row of oldestFirst.iterate()) {
      const created = Number(row['created_at']);
      const wellDated = created <= now + DAY_MS && created >= latest - DAY_MS;
      if (wellDated) {
        if (created >= finishedBefore) break;
        latest = Math.max(latest, created);
        found.push(...held.flatMap((one) => expiredOf(one, { finishedBefore, now })));
        held = [];
        doubtful = false;
        if (found.length >= limit) return found;
      }
      doubtful ||= !wellDated;
      held.push(row);
    }
    if (!doubtful) found.push(...held.flatMap((one) => expiredOf(one, { finishedBefore, now })));
    return found;
  };
}

type Row = Record<string, SQLOutputValue>;

/** None where the job is not over, or ended later than it was ordered. */
function expiredOf(row: Row, { finishedBefore, now }: Omit<Filter, 'limit'>): Expired[] {
  if (row['delivered'] !== 1 || row['finished_at'] === null) return [];
  const finished = Number(row['finished_at']);
  if (finished >= finishedBefore && finished <= now + DAY_MS) return [];
  return [{ id: String(row['id']), pictures: keysOf(row['result']) }];
}

/** Everything that a stored result names in the picture store. */
export function keysOf(result: SQLOutputValue | undefined): string[] {
  if (typeof result !== 'string') return [];
  return keysIn(JSON.parse(result) as StoredResult);
}
