import { UserError } from '../../engine/errors.ts';
import { order } from '../fairness/fairness.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Queue, QueueChange } from '../job.ts';
import type { QueueLimits } from '../allowance.ts';
import { openInputs } from './inputs.ts';
import { createLedger } from './ledger.ts';
import { createLookups } from './lookups.ts';
import { createOrders } from './orders.ts';
import { createPledges } from '../pledges.ts';
import type { QueueCore } from './queue-core.ts';
import { createRuns } from './runs.ts';
import { sayOfQueue } from '../sentences.ts';
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts';
import { createSqliteStore } from './sqlite-store.ts';

/**
 * The embedded queue: one file, one owner, one transaction a call (what comes in bursts shares one: group-commit.ts).
 * Its calls are in orders.ts, runs.ts and lookups.ts; ledger.ts keeps memory and file in step.
 *
 * What happens when (the same table as docs/adr/0003-own-fair-queue.md):
 *   killed at any moment      running jobs wait again at the next open, charge refunded, attempt kept
 *   the job finishes twice    the attempt is no longer the current one: the late result is dropped
 *   killed before the submit  what was pledged is still listed at the next open
 *   submitted twice           the key is unique: the first job comes back
 *   stopped, then killed      the stop is remembered: the job is cancelled at the next open
 *   unreadable request        claim() records it as failed and hands it out as such
 *   disk full                 the call throws, nothing is half-written, nothing is lost; the next call finds the room
 *                             that headroom.ts kept
 */
export async function openSqliteQueue(
  file: string,
  limits: QueueLimits,
  now: () => number,
): Promise<Queue> {
  const opened = await openSqliteFile(file);
  try {
    return assemble(opened, `${file}.inputs`, limits, now);
  } catch (error) {
    opened.close();
    throw error;
  }
}

function assemble(
  { db, headroom, close }: SqliteFile,
  inputsFolder: string,
  limits: QueueLimits,
  now: () => number,
): Queue {
  const store = createSqliteStore({ db, headroom });
  const ledger = createLedger(store, now);
  const listeners = new Set<(change?: QueueChange) => void>();
  let placed: { id: string; cost: number }[] | null = null;
  let closed = false;

  function write(body: () => void): void {
    placed = null;
    ledger.write(body);
  }

  const inputs = openInputs(inputsFolder, db, (body) => store.transaction(body));
  const core: QueueCore = {
    db,
    store,
    pledges: createPledges(db),
    inputs,
    ledger,
    group: createGroupCommit(write),
    limits,
    now,
    write,
    order: () => (placed ??= order(ledger.state().lines).map(({ id, cost }) => ({ id, cost }))),
    tell(change) {
      for (const listener of listeners) listener(change);
    },
    checkOpen() {
      if (closed) throw new UserError(sayOfQueue('queue-closed'));
    },
  };
  ledger.recover();
  write(() => core.pledges.dropKept());

  return {
    ...createOrders(core),
    ...createRuns(core),
    ...createLookups(core),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      if (closed) return;
      core.group.flush();
      closed = true;
      listeners.clear();
      await inputs.close();
      close();
    },
  };
}
