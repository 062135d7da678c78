import { owedFor, shareOf } from '../fairness/charge.ts';
import { createEstimator } from '../fairness/estimate.ts';
import type { Estimator } from '../fairness/estimate.ts';
import { finish, giveBack, leave } from '../fairness/fairness.ts';
import { FATAL_FAILURE, RESTARTS_FORGIVEN } from '../stored/impossible.ts';
import type { JobOutcome, JobStatus } from '../job.ts';
import { forgetWaiting, loadLive, remember } from './live.ts';
import type { Live } from './live.ts';
import type { Head } from './rows.ts';
import type { SqliteStore } from './sqlite-store.ts';

/**
 * Jobs and accounts, in memory and in the file, kept in step: memory decides (whose turn it is), SQLite remembers;
 * when a transaction fails, memory is read anew from the file before the next call.
 */
export type LiveJobs = {
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

/** `now`: milliseconds since 1970. Jobs and accounts are read from the file when they are first asked for. */
export function createLiveJobs(store: SqliteStore, now: () => number): LiveJobs {
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

  const parts = { store, estimator, state, now };
  const end = (head: Head, outcome: JobOutcome): void => endIn(parts, head, outcome);

  function takeBack(head: Head, lost: { crashed?: boolean; restarted?: boolean }): JobStatus {
    if (head.stopping) {
      end(head, { status: 'cancelled' });
      return 'cancelled';
    }
    if (lost.restarted === true && head.restarts >= RESTARTS_FORGIVEN) {
      end(head, { status: 'failed', failure: FATAL_FAILURE });
      return 'failed';
    }
    putBack(parts, head, lost);
    return 'waiting';
  }

  function recover(): void {
    write(() => {
      for (const id of state().running.keys()) takeBack(store.head(id)!, { restarted: true });
    });
  }

  return { estimator, state, write, end, takeBack, recover };
}

type Parts = {
  store: SqliteStore;
  estimator: LiveJobs['estimator'];
  state: () => Live;
  now: () => number;
};

function endIn({ store, estimator, state, now }: Parts, head: Head, outcome: JobOutcome): void {
  const { lines, waiting, running } = state();
  let charged = 0;
  if (head.status === 'waiting') {
    const turn = waiting.get(head.id)!;
    leave(lines, turn);
    forgetWaiting(state(), turn);
  } else {
    const { charged: taken, startedAt } = head;
    const run = { work: head, charged: taken, startedAt };
    charged = owedFor(run, outcome, { estimator, now: now() });
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

/** At the head of its line. */
function putBack(
  { store, estimator, state }: Parts,
  head: Head,
  lost: { crashed?: boolean; restarted?: boolean },
): void {
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
