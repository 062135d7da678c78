import type { DatabaseSync } from 'node:sqlite';
import type { EngineLog } from '../../engine/engine.ts';
import type { Cost } from '../../engine/request/cost.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { QueueLimits } from '../allowance.ts';
import type { QueueChange } from '../job.ts';
import type { Lease } from '../line.ts';
import type { GroupCommit } from './file/group-commit.ts';
import type { Inputs } from './inputs/inputs.ts';
import type { Leases } from './leases.ts';
import type { LiveJobs } from './live-jobs.ts';
import type { DeferralRows } from './deferral-rows.ts';
import type { Head } from './rows.ts';
import type { SqliteStore } from './sqlite-store.ts';

export type SqliteQueueOptions = {
  log: EngineLog;
  limits: QueueLimits;
  /** what an order asks of the machine */
  costOf: (request: GenerateRequest) => Cost | Promise<Cost>;
  /** milliseconds since 1970 */
  now: () => number;
  /** milliseconds of a clock that is never set */
  steady: () => number;
  leaseMs: number;
};

/** What the calls of the embedded queue share. */
export type QueueCore = SqliteQueueOptions & {
  db: DatabaseSync;
  store: SqliteStore;
  deferrals: DeferralRows;
  inputs: Inputs;
  liveJobs: LiveJobs;
  leases: Leases;
  /** one transaction for many callers */
  group: GroupCommit;
  /** One transaction, now; places change with it. */
  write(body: () => void): void;
  /** The same shared with others; for what changes no place. */
  noted<T>(body: () => T): Promise<T>;
  /** Every waiting job with its cost, in the order it would run now; or the first so many. */
  order(first?: number): readonly { id: string; cost: number }[];
  tell(change?: QueueChange): void;
  /** Throws after close(). */
  checkOpen(): void;
};

/** The leased job's row, or null when this lease is not (or no longer) the one that runs it. */
export function currentRun({ store }: QueueCore, { id, attempt }: Lease): Head | null {
  const head = store.head(id);
  return head !== null && head.status === 'running' && head.attempt === attempt ? head : null;
}
