import type { DatabaseSync } from 'node:sqlite';
import type { JobContext } from '../job.ts';
import type { Deferral } from '../contracts.ts';

/** The rows of answers that were put off and not yet given; all calls run inside the caller's transaction. */
export type DeferralRows = {
  add(deferral: Deferral): void;
  drop(key: string): void;
  /** Those of which a job came are kept: nobody else has to. */
  dropKept(): void;
  /** oldest first */
  all(): Deferral[];
};

/** Prepares the statements on the table of deferrals. */
export function createDeferralRows(db: DatabaseSync): DeferralRows {
  const add = db.prepare(`
    INSERT INTO pledges VALUES ($key, $context, $createdAt) 
      ON CONFLICT (key) DO UPDATE SET context = excluded.context`);
  const drop = db.prepare('DELETE FROM pledges WHERE key = ?');
  const dropKept = db.prepare('DELETE FROM pledges WHERE key IN (SELECT key FROM jobs)');
  const all = db.prepare('SELECT * FROM pledges ORDER BY created_at, key');
  return {
    add: ({ key, context, createdAt }) =>
      void add.run({ key, context: JSON.stringify(context), createdAt }),
    drop: (key) => void drop.run(key),
    dropKept: () => void dropKept.run(),
    all: () =>
      all.all().map((row) => ({
        key: String(row['key']),
        context: JSON.parse(String(row['context'])) as JobContext,
        createdAt: Number(row['created_at']),
      })),
  };
}
