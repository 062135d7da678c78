import { createEstimator } from '../fairness/estimate.ts';
import type { Estimator } from '../fairness/estimate.ts';
import { finish, giveBack, leave } from '../fairness/fairness.ts';
import { failureSaying } from '../runner/failure.ts';
import type { JobOutcome, JobStatus } from '../job.ts';
import { forgetWaiting, loadLive, remember } from './live.ts';
import type { Live } from './live.ts';
import type { Head } from './rows.ts';
import { sayOfQueue } from '../sentences.ts';
import type { SqliteStore } from './sqlite-store.ts';

/**
 * A job under which the whole program died this often ends as failed: in thread isolation a picture that crashes
 * the engine's native code takes the program along, and would do so at every start for ever.
 */
const RESTARTS_FORGIVEN = 10;
const FATAL_FAILURE = failureSaying(sayOfQueue('program-ended-often', RESTARTS_FORGIVEN + 1), null);

/**
 * Jobs and accounts, in memory and in the file, kept in step: memory decides (whose turn it is), SQLite remembers;
 * when a transaction fails, memory is read anew from the file before the next call.
 */
export type Ledger = {
  estimator: Estimator;
  state(): Live;
  /** One transaction; `body` changes memory and file alike. */
  write(body: () => void): void;
  /** A live job becomes finished. Inside a transaction. */
  end(head: Head, outcome: JobOutcome): void;
  /**
   * A running job waits again at the head of its line; one that was told to stop is cancelled, and one under which
   * programs ended too often has failed. Answers what became of it. Inside a transaction.
   */
  takeBack(head: Head, lost: { crashed?: boolean; restarted?: boolean }): JobStatus;
  /** Jobs that ran when the last program ended wait again, or are cancelled when they had been told to stop. */
  recover(): void;
};

export function createLedger(store: SqliteStore, now: () => number): Ledger {
  const estimator = createEstimator(store.measurements());
  let live: Live | null = null;

  const state = (): Live => (live ??= loadLive(store, estimator));

  function write(body: () => void): void {
    try {
      store.transaction(body);
    } catch (error) {
      live = null;
      throw error;
    }
  }

  function end(head: Head, outcome: JobOutcome): void {
    const { lines, waiting, running } = state();
    let charged = 0;
    if (head.status === 'waiting') {
      const turn = waiting.get(head.id)!;
      leave(lines, turn);
      forgetWaiting(state(), turn);
    } else {
      charged = owed(head, outcome);
      finish(lines, { ...head, cost: charged }, head.charged, charged);
      running.delete(head.id);
    }
    store.change({
      ...head,
      status: outcome.status,
      // Of the day's seconds only what somebody got counts: nothing of a run that was stopped or failed, and of a batch
      // nothing of the pictures that the safety checker kept back. The line was charged for all of it.
      charged: charged * shareOf(outcome),
      finishedAt: now(),
      result: outcome.status === 'done' ? outcome.result : null,
      failure: outcome.status === 'failed' ? outcome.failure : null,
    });
    store.saveLines(lines, head.guildId, head.userId);
  }

  /**
   * Seconds a finished run is charged: a picture costs what the machine is now known to need for it, a run that
   * brought none at most the time it took.
   */
  function owed(head: Head, outcome: JobOutcome): number {
    if (outcome.status === 'done' && !bringsNothing(outcome)) return estimator.cost(head);
    const took = Math.max(0, now() - (head.startedAt ?? now())) / 1000;
    return Math.min(head.charged, took);
  }

  function putBack(head: Head, lost: { crashed?: boolean; restarted?: boolean }): void {
    const known = state();
    const { id, seq, guildId, userId, weight } = head;
    const cost = estimator.cost(head);
    const turn = { id, seq, guildId, userId, weight, cost, work: head };
    giveBack(known.lines, turn, head.charged);
    known.running.delete(id);
    remember(known, turn);
    store.change({
      ...head,
      ...lost,
      status: 'waiting',
      charged: 0,
      startedAt: null,
      finishedAt: null,
    });
    store.saveLines(known.lines, guildId, userId);
  }

  function takeBack(head: Head, lost: { crashed?: boolean; restarted?: boolean }): JobStatus {
    if (head.stopping) {
      end(head, { status: 'cancelled' });
      return 'cancelled';
    }
    if (lost.restarted === true && head.restarts >= RESTARTS_FORGIVEN) {
      end(head, { status: 'failed', failure: FATAL_FAILURE });
      return 'failed';
    }
    putBack(head, lost);
    return 'waiting';
  }

  function recover(): void {
    write(() => {
      for (const id of state().running.keys()) takeBack(store.head(id)!, { restarted: true });
    });
  }

  return { estimator, state, write, end, takeBack, recover };
}

/** Painted to its end, and all of it kept back by the safety checker. */
function bringsNothing(outcome: JobOutcome): boolean {
  return outcome.status === 'done' && shareOf(outcome) === 0;
}

/** How much of what was ordered somebody gets, 0-1. */
function shareOf(outcome: JobOutcome): number {
  if (outcome.status !== 'done') return 0;
  const { images, withheld = [] } = outcome.result;
  return withheld.length === 0 ? 1 : images.length / (images.length + withheld.length);
}
