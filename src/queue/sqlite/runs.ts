import { nextTurn, start } from '../fairness/fairness.ts';
import { failureSaying } from '../runner/failure.ts';
import type { Job, JobFailure, JobStatus, Queue } from '../job.ts';
import { forgetWaiting } from './live.ts';
import { currentRun, type QueueCore } from './queue-core.ts';
import { UNREADABLE } from './rows.ts';
import { sayOfQueue } from '../sentences.ts';

const UNREADABLE_FAILURE = failureSaying(sayOfQueue('order-unreadable'), null);
const GONE_FAILURE = failureSaying(sayOfQueue('start-picture-gone'), null);

/** Why a job cannot be run at all; null when it can. */
function unreadable({ request }: Job): JobFailure | null {
  if (request === UNREADABLE) return UNREADABLE_FAILURE;
  const { init } = request;
  const isGone = init?.image.byteLength === 0 || init?.mask?.byteLength === 0;
  return isGone ? GONE_FAILURE : null;
}

/** The calls of whoever runs the jobs. */
export function createRuns(
  core: QueueCore,
): Pick<Queue, 'claim' | 'finish' | 'release' | 'measure'> {
  const { store, inputs, ledger, now, write, tell, checkOpen } = core;

  async function claim(): Promise<Job | null> {
    checkOpen();
    const turn = nextTurn(ledger.state().lines);
    if (turn === null) return null;
    write(() => {
      const live = ledger.state();
      const head = store.head(turn.id)!;
      const startedAt = now();
      start(live.lines, turn);
      forgetWaiting(live, turn);
      const { guildId, userId, cost } = turn;
      live.running.set(turn.id, { guildId, userId, startedAt, cost });
      store.change({
        ...head,
        status: 'running',
        attempt: head.attempt + 1,
        charged: turn.cost,
        startedAt,
        finishedAt: null,
      });
      store.saveLines(live.lines, turn.guildId, turn.userId);
    });
    const job = await inputs.fill(store.byId(turn.id)!).catch((error: unknown) => {
      // Not this job's fault: it waits until its picture can be read.
      write(() => ledger.putBack(store.head(turn.id)!, {}));
      throw error;
    });
    const failure = unreadable(job);
    if (failure !== null) {
      const head = store.head(turn.id)!;
      write(() => ledger.end(head, { status: 'failed', failure }));
      tell();
      return store.byId(turn.id);
    }
    // Told to stop while its picture was read: its runner has not heard of it yet.
    const head = store.head(job.id)!;
    if (head.stopping) {
      write(() => ledger.end(head, { status: 'cancelled' }));
      tell({ id: job.id, status: 'cancelled' });
      return claim();
    }
    tell({ id: job.id, status: 'running' });
    return job;
  }

  return {
    claim,

    async finish(id, attempt, outcome) {
      checkOpen();
      const head = currentRun(core, id, attempt);
      if (head === null) return false;
      write(() => ledger.end(head, outcome));
      tell({ id, status: outcome.status });
      return true;
    },

    async release(id, attempt, why = 'handed-back') {
      checkOpen();
      const head = currentRun(core, id, attempt);
      if (head === null) return false;
      const status: JobStatus = head.stopping ? 'cancelled' : 'waiting';
      write(() => {
        if (head.stopping) ledger.end(head, { status: 'cancelled' });
        else ledger.putBack(head, { crashed: why === 'crashed' });
      });
      tell({ id, status });
      return true;
    },

    async measure(measurement) {
      checkOpen();
      write(() => store.addMeasurement(measurement));
      ledger.estimator.add(measurement);
      for (const turn of ledger.state().waiting.values()) {
        turn.cost = ledger.estimator.cost(turn.work);
      }
      tell();
    },
  };
}
