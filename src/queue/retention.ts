import type { EngineLog } from '../engine/engine.ts';
import type { Queue } from './job.ts';
import type { PictureStore } from './pictures.ts';

export type RetentionOptions = {
  queue: Pick<Queue, 'expired' | 'forget'>;
  pictures: Pick<PictureStore, 'delete'>;
  /** finished jobs are kept for so many days; 0: for ever */
  keepDays: number;
  log: EngineLog;
  /** milliseconds since 1970; for tests */
  now?: () => number;
};

export type Retention = {
  /** Ends after the batch in hand. */
  close(): Promise<void>;
  /** The first round, which begins at once. */
  first: Promise<void>;
};

const DAY_MS = 86_400_000;
/** The limits count the seconds of a UTC day: what belongs to today or yesterday stays, whatever was asked for. */
const LEAST_DAYS = 2;
/** Jobs of one transaction; between two of them others have their turn. */
const BATCH = 100;

/** Removes finished, delivered jobs of long ago with their pictures: at once and then daily. */
export function startRetention({
  queue,
  pictures,
  keepDays,
  log,
  now = Date.now,
}: RetentionOptions): Retention {
  let closed = false;

  async function prune(): Promise<void> {
    const finishedBefore = now() - Math.max(keepDays, LEAST_DAYS) * DAY_MS;
    let jobs = 0;
    while (!closed) {
      const batch = await queue.expired({ finishedBefore, limit: BATCH });
      if (batch.length === 0) break;
      // The files go first: a row without its files is found again, files without their row never.
      for (const { pictures: keys } of batch) {
        await Promise.all(keys.map((key) => pictures.delete(key)));
      }
      await queue.forget(batch.map(({ id }) => id));
      jobs += batch.length;
    }
    if (jobs > 0) log.info({ jobs, keepDays }, 'old jobs and their pictures were removed');
  }

  const round = () =>
    prune().catch((error: unknown) => log.error({ err: error }, 'old jobs could not be removed'));
  let current = keepDays === 0 ? Promise.resolve() : round();
  const first = current;
  const timer = setInterval(() => {
    if (keepDays > 0) current = current.then(round);
  }, DAY_MS);
  timer.unref();
  return {
    first,
    async close() {
      closed = true;
      clearInterval(timer);
      await current;
    },
  };
}
