import type { DatabaseSync } from 'node:sqlite';
import type { GroupCommit } from './group-commit.ts';
import type { Inputs } from './inputs.ts';
import type { QueueChange } from '../job.ts';
import type { QueueLimits } from '../allowance.ts';
import type { Ledger } from './ledger.ts';
import type { Pledges } from '../pledges.ts';
import type { Head } from './rows.ts';
import type { SqliteStore } from './sqlite-store.ts';

/** What the calls of the embedded queue share. */
export type QueueCore = {
  db: DatabaseSync;
  store: SqliteStore;
  pledges: Pledges;
  inputs: Inputs;
  ledger: Ledger;
  /** one transaction for many callers */
  group: GroupCommit;
  limits: QueueLimits;
  now: () => number;
  /** One transaction, now; places change with it. */
  write(body: () => void): void;
  /** Every waiting job with its cost, in the order it would run now. */
  order(): readonly { id: string; cost: number }[];
  tell(change?: QueueChange): void;
  /** Throws after close(). */
  checkOpen(): void;
};

/** The running job's row, or null when this attempt is not (or no longer) the one that runs. */
export function currentRun({ store }: QueueCore, id: string, attempt: number): Head | null {
  const head = store.head(id);
  return head !== null && head.status === 'running' && head.attempt === attempt ? head : null;
}
