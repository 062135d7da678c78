import type { EngineLog } from '../../engine/engine.ts';
import type { JobEvents } from '../../queue/events.ts';
import type { Job, JobOutcome } from '../../queue/job.ts';
import type { Claim, Lease, Line, ReleaseReason } from '../../queue/line.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import type { WakeUp } from './wake-up.ts';
import { failureOf, StoreError } from './failure.ts';
import { removeJobJournal } from './job-journal.ts';

/** Writes down how runs ended, as long as it takes. */
export type Recorder = {
  /** Records the outcome; what the queue cannot record now is told as failed and recorded later. */
  settle(claim: Claim, outcome: JobOutcome): Promise<void>;
  /** Hands a job back. Throws when that cannot be written now; it is tried again by `catchUp`. */
  release(lease: Lease, why: ReleaseReason): Promise<void>;
  /** Writes what could not be written before. Throws where it still cannot. */
  catchUp(): Promise<void>;
};

const RECORD_TRIES = 3;
const PAUSE_MS = 250;
/** The steps of a stopped job are kept for so long; what a restart finds is removed then. */
const STOPPED_KEPT_MS = 15 * 60_000;

/**
 * Makes the recorder of a runner's outcomes. What cannot be written at once is tried three times, then owed in memory
 * until `catchUp`.
 */
export function createRecorder(tools: {
  line: Pick<Line, 'finish' | 'release'>;
  events: Pick<JobEvents, 'publish'>;
  pictures: PictureStore;
  log: EngineLog;
  newReference: () => string;
  wakeUp: Pick<WakeUp, 'sleep'>;
  onEnd?: ((job: Job, outcome: JobOutcome) => void) | undefined;
}): Recorder {
  const { line, events, pictures, log, newReference, wakeUp, onEnd } = tools;
  /** oldest first; a restart would find these jobs still running */
  const owed: (() => Promise<unknown>)[] = [];

  async function settle({ lease, job }: Claim, outcome: JobOutcome): Promise<void> {
    let recorded: boolean | null = null;
    let cause: unknown;
    for (let tries = 0; recorded === null && tries < RECORD_TRIES; tries++) {
      if (tries > 0) await wakeUp.sleep(PAUSE_MS * tries);
      try {
        recorded = await line.finish(lease, outcome);
      } catch (error) {
        cause = error;
      }
    }
    if (recorded === true) onEnd?.(job, outcome);
    if (recorded === true && outcome.status === 'cancelled') {
      // Somebody may want to see how far it came, and then only the last of it is still to be made.
      setTimeout(() => void removeJobJournal(job, tools), STOPPED_KEPT_MS).unref();
      return;
    }
    if (recorded === true) return removeJobJournal(job, tools);
    if (recorded === false) {
      log.warn({ job: job.id, attempt: lease.attempt }, 'a late result was dropped');
      return;
    }
    if (outcome.status === 'done') {
      await Promise.allSettled(outcome.result.images.map(({ key }) => pictures.delete(key)));
    }
    const error = new StoreError('the outcome could not be recorded', { cause });
    const failure = failureOf(error, job, newReference, log);
    if (failure === 'retry') return;
    owed.push(() => line.finish(lease, { status: 'failed', failure }));
    onEnd?.(job, { status: 'failed', failure });
    events.publish({ job, state: { status: 'failed', failure } });
  }

  async function release(lease: Lease, why: ReleaseReason): Promise<void> {
    const write = () => line.release(lease, why);
    await write().catch((error: unknown) => {
      owed.push(write);
      throw error;
    });
  }

  async function catchUp(): Promise<void> {
    for (; owed[0] !== undefined; owed.shift()) await owed[0]();
  }

  return { settle, release, catchUp };
}
