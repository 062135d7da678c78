import type { EngineLog, GenerateOptions } from '../../engine/engine.ts';
import type { Archive } from '../../queue/archive.ts';
import type { Job } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';

/**
 * The engine's journal of a running job as a file of the picture store, `<job>.steps-<attempt>`: what survives of
 * an attempt that ended with the program. Each attempt writes a file of its own, which begins with all that it read
 * of the one before, so that a late attempt can spoil nothing; only then is the older one removed. A picture of less
 * than EVERY_MS writes none.
 */
export type JobJournal = {
  /** for the engine */
  options: NonNullable<GenerateOptions['journal']>;
  /** Takes nothing more; resolves when what it took is on the disk. */
  close(): Promise<void>;
};

const EVERY_MS = 2000;
/** A job beyond this (200 steps of nine SDXL pictures) resumes at the step it was reached with. */
const MAX_BYTES = 256 * 1024 ** 2;

export type JobJournalOptions = {
  pictures: PictureStore;
  log: EngineLog;
  /** milliseconds between two writes; for tests */
  everyMs?: number;
};

/** Never throws: a job that cannot be resumed is still a job. */
export async function openJobJournal(
  job: Pick<Job, 'id' | 'attempt'> & Partial<Pick<Job, 'parentId' | 'request'>>,
  { pictures, log, everyMs = EVERY_MS }: JobJournalOptions,
): Promise<JobJournal> {
  const key = keyOf(job.id, job.attempt);
  let taken = 0;
  let closed = false;
  let failed = false;
  let writing: Promise<void> = Promise.resolve();

  function giveUp(error: unknown): void {
    failed = true;
    log.warn({ err: error, job: job.id }, 'the steps of a job are not kept: it could not go on');
  }

  function keep(records: Uint8Array): void {
    if (closed || failed || taken + records.byteLength > MAX_BYTES) return;
    const first = taken === 0;
    taken += records.byteLength;
    writing = writing.then(async () => {
      if (failed) return;
      try {
        if (!first) return await pictures.append(key, records);
        await pictures.put(key, records);
        await removeBefore(pictures, job);
      } catch (error) {
        giveUp(error);
      }
    });
  }

  const past = await readPast(pictures, job).catch((error: unknown) => {
    log.warn({ err: error, job: job.id }, 'the kept steps of a job could not be read');
    return null;
  });
  return {
    options: { past, everyMs, keep },
    async close() {
      closed = true;
      await writing;
    },
  };
}

/** The job is over: nothing of it needs to be gone on with. Never throws. */
export async function removeJobJournal(
  job: Pick<Job, 'id' | 'attempt'>,
  { pictures, log }: Pick<JobJournalOptions, 'pictures' | 'log'>,
): Promise<void> {
  try {
    await removeBefore(pictures, { id: job.id, attempt: job.attempt + 1 });
  } catch (error) {
    log.warn({ err: error, job: job.id }, 'the kept steps of a job could not be removed');
  }
}

/**
 * Of jobs that ended while nobody could remove theirs: after a crash, or on a disk in trouble. `sparesStopped`: those
 * of stopped jobs stay, which somebody may still go on with. Never throws.
 */
export async function removeOldJournals({
  archive,
  pictures,
  log,
  sparesStopped = false,
}: Pick<JobJournalOptions, 'pictures' | 'log'> & {
  archive: Pick<Archive, 'get'>;
  sparesStopped?: boolean;
}): Promise<void> {
  try {
    for (const key of await pictures.keys()) {
      const [, id] = KEY_OF_STEPS.exec(key) ?? [];
      if (id === undefined) continue;
      const status = (await archive.get(id))?.status;
      const isSpared = sparesStopped && status === 'cancelled';
      if (status !== 'waiting' && status !== 'running' && !isSpared) await pictures.delete(key);
    }
  } catch (error) {
    log.warn({ err: error }, 'steps kept of finished jobs could not be looked for');
  }
}

/** More starts of one job are not looked through. */
const MOST_ATTEMPTS = 20;

const keyOf = (id: string, attempt: number): string => `${id}.steps-${attempt}`;
const KEY_OF_STEPS = /^([0-9a-z]+)\.steps-\d+$/;

/** What is unfinished goes on from the steps of the job that was stopped. */
async function readPast(
  pictures: PictureStore,
  { id, attempt, parentId, request }: Parameters<typeof openJobJournal>[0],
): Promise<Uint8Array | null> {
  const own = await readBefore(pictures, { id, attempt });
  const isPart = typeof request === 'object' && Boolean(request.endAfter);
  if (own !== null || !isPart || !parentId) return own;
  return readBefore(pictures, { id: parentId, attempt: MOST_ATTEMPTS });
}

/** The latest earlier attempt that came far enough to write anything. */
async function readBefore(
  pictures: PictureStore,
  { id, attempt }: Pick<Job, 'id' | 'attempt'>,
): Promise<Uint8Array | null> {
  for (let earlier = attempt - 1; earlier >= 1; earlier--) {
    const past = await pictures.get(keyOf(id, earlier));
    if (past !== null) return past;
  }
  return null;
}

async function removeBefore(
  pictures: PictureStore,
  { id, attempt }: Pick<Job, 'id' | 'attempt'>,
): Promise<void> {
  for (let earlier = attempt - 1; earlier >= 1; earlier--) {
    await pictures.delete(keyOf(id, earlier));
  }
}
