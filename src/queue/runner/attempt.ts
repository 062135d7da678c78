import type { Engine, EngineLog } from '../../engine/engine.ts';
import { CancelledError } from '../../engine/errors.ts';
import { failureOf, StoreError } from './failure.ts';
import { openJobJournal, removeJobJournal } from './job-journal.ts';
import type { Job, JobOutcome, JobState, Queue } from '../job.ts';
import type { PictureStore } from '../pictures.ts';
import { storeResult } from './store-result.ts';
import { lookIn, type SeenLook, watchOf } from './watch.ts';

/** A job that runs now; `asked`: what its end was asked for by. */
export type Current = { job: Job; abort: AbortController; asked: 'stop' | 'close' | null };

/** `back`: the job returns to the queue, because the engine `crashed` under it or gave it up; `unasked`: nobody wanted that. */
export type Ended =
  | { outcome: JobOutcome; storeFailed: boolean }
  | { back: 'handed-back' | 'crashed'; unasked: boolean };

export type AttemptTools = {
  queue: Queue;
  engine: Engine;
  pictures: PictureStore;
  log: EngineLog;
  newReference: () => string;
  everyMs?: number;
  emit: (job: Job, state: JobState) => void;
};

/** Paints one claimed job and puts what came of it into the picture store. */
export async function attempt(mine: Current, tools: AttemptTools): Promise<Ended> {
  const { engine, emit, log, newReference } = tools;
  const { job, abort } = mine;
  const looks: SeenLook[] = [];
  const journal = await openJobJournal(job, tools);
  let over = false;
  try {
    const result = await engine.generate(job.request, {
      ...watchOf(job.context),
      signal: abort.signal,
      journal: journal.options,
      onProgress: (progress) => {
        const look = lookIn(progress, job.id);
        if (look !== null) looks.push(look);
        if (!over) emit(job, { status: 'running', progress });
      },
    });
    over = true;
    const store = () => storeResult(job, result, looks, tools);
    const stored = await store().catch(async () => {
      // The kept steps may be what filled the disk.
      await journal.close();
      await removeJobJournal(job, tools);
      return store();
    });
    return { outcome: { status: 'done', result: stored }, storeFailed: false };
  } catch (error) {
    over = true;
    if (mine.asked === 'stop') return { outcome: { status: 'cancelled' }, storeFailed: false };
    if (mine.asked === 'close' || error instanceof CancelledError) {
      return { back: 'handed-back', unasked: mine.asked !== 'close' };
    }
    const failure = failureOf(error, job, newReference, log);
    if (failure === 'retry') return { back: 'crashed', unasked: false };
    const storeFailed = error instanceof StoreError;
    return { outcome: { status: 'failed', failure }, storeFailed };
  } finally {
    await journal.close();
  }
}
