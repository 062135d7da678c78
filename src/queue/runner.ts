import { randomBytes } from 'node:crypto';
import type { Engine, EngineLog } from '../engine/engine.ts';
import { attempt, type Current } from './runner/attempt.ts';
import { watchPlaces } from './places.ts';
import { failureOf, StoreError } from './runner/failure.ts';
import { removeJobJournal, removeOldJournals } from './runner/job-journal.ts';
import type { Job, JobOutcome, JobState, Queue } from './job.ts';
import type { PictureStore } from './pictures.ts';

export type JobEvent = { job: Job; state: JobState };

/**
 * Claims the fairest job, runs it on the engine, stores the pictures and records the outcome. A crashed engine
 * costs one retry, then the job fails with words. Listeners hear every state of every job, in order per job.
 */
export type Runner = {
  onEvent(listener: (event: JobEvent) => void): () => void;
  /** Aborts the running job if it is this one; true when it was running here. */
  stop(jobId: string): boolean;
  /** Stops claiming, lets the current step end, hands a running job back to the queue. */
  close(): Promise<void>;
};

export type RunnerOptions = {
  queue: Queue;
  engine: Engine;
  pictures: PictureStore;
  log: EngineLog;
  /** makes the short reference that a person sees and the log carries; for tests */
  newReference?: () => string;
  /** milliseconds between two writes of what a running job could go on with; for tests */
  everyMs?: number;
};

/** Nothing announces every change (another program may write the file): look again this often. */
const POLL_MS = 5000;
/** After an error of the queue itself, or an engine that is closing: wait this long, doubled up to the most. */
const PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** How long close() waits for the engine to let go before it hands the job back regardless; the fence holds. */
const CLOSE_PATIENCE_MS = 15_000;
const RECORD_TRIES = 3;

export function startRunner(options: RunnerOptions): Runner {
  const { queue, pictures, log } = options;
  const newReference = options.newReference ?? (() => randomBytes(4).toString('hex'));
  const listeners = new Set<(event: JobEvent) => void>();
  let current: Current | null = null;
  let closing = false;
  let alarm: (() => void) | null = null;
  let news = false;
  /** what the queue could not write down yet, oldest first; a restart would find these jobs still running */
  const owed: (() => Promise<unknown>)[] = [];
  /** the last picture could not be stored: nothing is painted until the store takes something */
  let storeInDoubt = false;

  function emit(job: Job, state: JobState): void {
    for (const listener of listeners) {
      try {
        listener({ job, state });
      } catch (error) {
        log.error({ err: error, job: job.id }, 'a listener of job events failed');
      }
    }
  }

  function wake(): void {
    news = true;
    alarm?.();
  }

  /** Returns at the next change, or after `ms`. */
  async function rest(ms: number, listen: boolean): Promise<void> {
    if (closing || (listen && news)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      alarm = () => {
        if (!listen && !closing) return;
        clearTimeout(timer);
        resolve();
      };
    });
    alarm = null;
  }

  async function loop(): Promise<void> {
    let pause = PAUSE_MS;
    while (!closing) {
      try {
        news = false;
        for (; owed[0] !== undefined; owed.shift()) await owed[0]();
        // Those who wait must not lose their pictures too.
        if (storeInDoubt) await pictures.tryOut();
        storeInDoubt = false;
        const job = await queue.claim();
        pause = PAUSE_MS;
        if (job === null) await rest(POLL_MS, true);
        else if (closing) await release(job, 'handed-back');
        else if (job.status === 'failed') emit(job, { status: 'failed', failure: job.failure! });
        else if (!(await run(job))) await rest(PAUSE_MS * 4, false);
      } catch (error) {
        log.error({ err: error }, `the queue or its pictures failed; trying again in ${pause} ms`);
        await rest(pause, false);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** One claimed job to its end. False: the engine gave it up unasked, so the next claim should wait a little. */
  async function run(job: Job): Promise<boolean> {
    const mine: Current = { job, abort: new AbortController(), asked: null };
    current = mine;
    places.started(job.id);
    emit(job, { status: 'running', progress: null });
    try {
      const ended = await attempt(mine, { ...options, newReference, emit });
      if ('back' in ended) {
        await release(job, ended.back);
        return !ended.unasked;
      }
      storeInDoubt = ended.storeFailed;
      await settle(job, ended.outcome);
      return true;
    } finally {
      current = null;
    }
  }

  /** Records the outcome and tells it; what the queue cannot record now is told as failed and recorded later. */
  async function settle(job: Job, outcome: JobOutcome): Promise<void> {
    let recorded: boolean | null = null;
    let cause: unknown;
    for (let tries = 0; recorded === null && tries < RECORD_TRIES; tries++) {
      if (tries > 0) await rest(PAUSE_MS * tries, false);
      try {
        recorded = await queue.finish(job.id, job.attempt, outcome);
      } catch (error) {
        cause = error;
      }
    }
    if (recorded === true) {
      await forgetSteps(job);
      const stored = await queue.get(job.id).catch(() => null);
      emit(stored ?? job, outcome);
    } else if (recorded === false) {
      log.warn({ job: job.id, attempt: job.attempt }, 'a late result was dropped');
    } else {
      if (outcome.status === 'done') {
        await Promise.allSettled(outcome.result.images.map(({ key }) => pictures.delete(key)));
      }
      const error = new StoreError('the outcome could not be recorded', { cause });
      const failure = failureOf(error, job, newReference, log);
      if (failure === 'retry') return;
      owed.push(() => queue.finish(job.id, job.attempt, { status: 'failed', failure }));
      emit(job, { status: 'failed', failure });
    }
  }

  /** Before the end is told: until then the next start finds this job and can do it. */
  const forgetSteps = (job: Job) => removeJobJournal(job, options);

  async function release(job: Job, why: 'handed-back' | 'crashed'): Promise<void> {
    const write = () => queue.release(job.id, job.attempt, why);
    await write().catch((error: unknown) => {
      owed.push(write);
      throw error;
    });
  }

  function stop(jobId: string): boolean {
    if (current === null || current.job.id !== jobId || current.asked !== null) {
      return current?.job.id === jobId;
    }
    current.asked = 'stop';
    current.abort.abort();
    return true;
  }

  /** A waiting job that ended elsewhere (cancelled by its owner) is told here, so that every state is heard. */
  async function endedElsewhere(id: string): Promise<void> {
    try {
      const job = await queue.get(id);
      if (job !== null) await forgetSteps(job);
      if (job?.status === 'cancelled') emit(job, { status: 'cancelled' });
      if (job?.status === 'failed') emit(job, { status: 'failed', failure: job.failure! });
    } catch (error) {
      log.warn({ err: error, job: id }, 'a finished job could not be read');
    }
  }

  const places = watchPlaces({ queue, emit, log });
  const stopListening = queue.onChange((change) => {
    if (change?.stopping === true) stop(change.id);
    const ended = change?.status === 'cancelled' || change?.status === 'failed';
    if (change !== undefined && ended && change.id !== current?.job.id) {
      places.started(change.id);
      void endedElsewhere(change.id);
    }
    if (change === undefined || change.status === 'waiting') wake();
    places.look();
  });
  places.look();
  void removeOldJournals(options);
  const looping = loop();

  async function close(): Promise<void> {
    closing = true;
    wake();
    places.close();
    if (current !== null && current.asked === null) {
      current.asked = 'close';
      current.abort.abort();
    }
    const held = current;
    const patience = AbortSignal.timeout(CLOSE_PATIENCE_MS);
    await Promise.race([
      looping,
      new Promise((resolve) => patience.addEventListener('abort', resolve)),
    ]);
    stopListening();
    if (held === null || !patience.aborted) return;
    log.warn({ job: held.job.id }, 'the engine did not let go of its job in time');
    await queue.release(held.job.id, held.job.attempt);
  }

  return {
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop,
    close,
  };
}
