import { UserError } from '../../engine/errors.ts';
import { inOrder } from '../fairness/turns.ts';
import type { Lines } from '../fairness/fairness.ts';
import { createJobEvents } from '../events.ts';
import type { QueueChange } from '../job.ts';
import type { Queue } from '../contracts.ts';
import { sayOfQueue } from '../sentences.ts';
import { NO_WORKERS } from '../contracts.ts';
import { createGroupCommit } from './file/group-commit.ts';
import { openSqliteFile, type SqliteFile } from './file/sqlite-file.ts';
import { openInputs } from './inputs/inputs.ts';
import { createLeases } from './leases.ts';
import { createLiveJobs } from './live-jobs.ts';
import { createOrders } from './orders.ts';
import type { Line } from '../line.ts';
import { createOutlook } from './outlook.ts';
import { createDeferralRows } from './deferral-rows.ts';
import type { QueueCore, SqliteQueueOptions } from './queue-core.ts';
import { createRuns } from './runs.ts';
import { createSqliteArchive } from './sqlite-archive.ts';
import { createSqliteDeferrals } from './sqlite-deferrals.ts';
import { createSqliteStore } from './sqlite-store.ts';

/**
 * The embedded queue: one file, one owner, one transaction a call (what comes in bursts shares one: group-commit.ts).
 * The line's calls are in orders.ts, runs.ts and outlook.ts; live-jobs.ts keeps memory and file in step.
 *
 * What happens when (the same table as docs/adr/0003-own-fair-queue.md):
 *   killed at any moment      running jobs wait again at the next open, charge refunded, attempt kept
 *   a lease runs out          the job waits again at the next claim, as after a kill
 *   the job finishes twice    the attempt is no longer the current one: the late result is dropped
 *   killed before the submit  what was put off is still listed at the next open
 *   submitted twice           the key is unique: the first job comes back
 *   stopped, then killed      the stop is remembered: the job is cancelled at the next open
 *   unreadable request        claim() records it as failed, tells so and goes on to the next
 *   disk full                 the call throws, nothing is half-written, nothing is lost; the next call finds the room
 *                             that disk-reserve.ts kept
 */
export async function openSqliteQueue(file: string, options: SqliteQueueOptions): Promise<Queue> {
  const opened = await openSqliteFile(file);
  try {
    return assemble(opened, `${file}.inputs`, options);
  } catch (error) {
    opened.close();
    throw error;
  }
}

type Listeners = Set<(change?: QueueChange) => void>;

function lineOf(core: QueueCore, listeners: Listeners): Line {
  return {
    ...createOrders(core),
    ...createRuns(core),
    ...createOutlook(core),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function assemble(
  { db, reserve, close }: SqliteFile,
  inputsFolder: string,
  options: SqliteQueueOptions,
): Queue {
  const store = createSqliteStore({ db, reserve });
  const liveJobs = createLiveJobs(store, options.now);
  const listeners: Listeners = new Set();
  const order = createOrder(liveJobs);
  let closed = false;

  function write(body: () => void): void {
    order.forget();
    liveJobs.write(body);
  }

  function checkOpen(): void {
    if (closed) throw new UserError(sayOfQueue('queue-closed'));
  }
  const group = createGroupCommit(write);
  const inputs = openInputs(inputsFolder, db, (body) => store.transaction(body));
  const core: QueueCore = {
    ...options,
    db,
    store,
    deferrals: createDeferralRows(db),
    inputs,
    liveJobs,
    leases: createLeases(options),
    group,
    write,
    async noted(body) {
      checkOpen();
      return group.add(() => body);
    },
    order: order.first,
    tell(change) {
      for (const listener of listeners) listener(change);
    },
    checkOpen,
  };
  liveJobs.recover();
  write(() => core.deferrals.dropKept());

  return {
    line: lineOf(core, listeners),
    archive: createSqliteArchive(core),
    deferrals: createSqliteDeferrals(core),
    events: createJobEvents(options.log),
    workers: NO_WORKERS,
    async close() {
      if (closed) return;
      group.flush();
      closed = true;
      listeners.clear();
      await inputs.close();
      close();
    },
  };
}

type Turns = { id: string; cost: number }[];

/** Whose turn is when: worked out when it is asked for, and kept until something is written. */
function createOrder({ state }: Pick<ReturnType<typeof createLiveJobs>, 'state'>) {
  let placed: Turns | null = null;
  return {
    forget(): void {
      placed = null;
    },
    /** The first `count`, or all that wait. */
    first(count?: number): Turns {
      if (placed === null && count !== undefined) return firstOf(state().lines, count);
      placed ??= firstOf(state().lines, Infinity);
      return count === undefined ? placed : placed.slice(0, count);
    },
  };
}

function firstOf(lines: Lines, count: number): Turns {
  const found: Turns = [];
  if (count < 1) return found;
  for (const { id, cost } of inOrder(lines)) {
    found.push({ id, cost });
    if (found.length >= count) break;
  }
  return found;
}
