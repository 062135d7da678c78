import type { EngineLog } from '../engine/engine.ts';
import { watchClock } from './retention/clock-doubt.ts';
import type { Quota } from './retention/quota.ts';
import type { Archive, ExpiredJob } from './archive.ts';
import type { PictureStore } from './pictures.ts';

export type RetentionOptions = {
  archive: Pick<Archive, 'expired' | 'forget' | 'recent' | 'retracted' | 'emptied'>;
  pictures: Pick<PictureStore, 'delete'>;
  /** by size; absent: none */
  quota?: Quota | null;
  /** finished jobs are kept for so many days; 0: for ever */
  keepDays: number;
  log: EngineLog;
  /** milliseconds since 1970 by a clock that is not this machine's; null: it cannot be asked now */
  otherClock?: () => Promise<number | null>;
  /** milliseconds since 1970; for tests */
  now?: () => number;
  /** milliseconds of a clock that is never set; for tests */
  steady?: () => number;
};

export type Retention = {
  /** Ends after the batch in hand. */
  close(): Promise<void>;
  /** The first round, which begins at once. */
  first: Promise<void>;
  /** One more round, behind the one in hand; for tests. */
  round(): Promise<void>;
};

const DAY_MS = 86_400_000;
/** How often it looks, and how soon a clock that was not believed is asked again. */
const ASK_AGAIN_MS = 3_600_000;
const LOOK_AT_QUOTA_MS = 60_000;
/** How long whoever ordered a picture may still save it after its message is gone. */
const GRACE_MS = DAY_MS;
/** The limits count the seconds of a UTC day: what belongs to today or yesterday stays, whatever was asked for. */
const LEAST_DAYS = 2;
/** Jobs of one transaction; between two of them others have their turn. */
const BATCH = 100;

/**
 * Removes finished, delivered jobs of long ago with their pictures, and the pictures alone of jobs whose message has
 * been gone for a day: at once and then every hour. While the clock cannot be believed it removes nothing.
 */
export function startRetention({
  archive,
  pictures,
  keepDays,
  quota = null,
  log,
  otherClock = async () => null,
  now = Date.now,
  steady = () => performance.now(),
}: RetentionOptions): Retention {
  const clock = watchClock({ now, steady, otherClock, newest: () => archive.recent({ limit: 1 }) });
  let closed = false;
  let timer: NodeJS.Timeout | null = null;

  const prune = (): Promise<void> =>
    pruneOnce({ archive, pictures, keepDays, quota, log }, clock, () => closed);

  async function run(): Promise<void> {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    await prune().catch((error: unknown) => {
      log.error({ err: error }, 'old jobs could not be removed');
    });
    if (closed) return;
    timer = setTimeout(() => void round(), ASK_AGAIN_MS);
    timer.unref();
  }

  // Between two rounds the disk is left alone as long as what was written since then fits, too.
  const sooner = setInterval(() => {
    if (quota?.mayBeExceeded()) void round();
  }, LOOK_AT_QUOTA_MS);
  sooner.unref();

  let current: Promise<void> = run();
  const first = current;
  const round = (): Promise<void> => (current = current.then(run));
  return {
    first,
    round,
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      clearInterval(sooner);
      await current;
    },
  };
}

type Sweep = Pick<RetentionOptions, 'archive' | 'pictures' | 'log'> & { isClosed(): boolean };

async function pruneOnce(
  {
    archive,
    pictures,
    keepDays,
    quota,
    log,
  }: Required<Pick<RetentionOptions, 'archive' | 'pictures' | 'keepDays' | 'quota' | 'log'>>,
  clock: ReturnType<typeof watchClock>,
  isClosed: () => boolean,
): Promise<void> {
  const gone = await archive.retracted({ before: Infinity, limit: 1 });
  if (keepDays === 0 && gone.length === 0 && quota === null) return;
  const { at, doubt } = await clock.ask();
  // How much there is does not depend on any clock.
  const forgetBefore = doubt === null ? at - LEAST_DAYS * DAY_MS : null;
  await quota?.enforce({ at, forgetBefore, isOver: isClosed });
  if (keepDays === 0 && gone.length === 0) return;
  if (doubt !== null) {
    log.warn({ keepDays, doubt }, `nothing old is removed for now: ${doubt}`);
    return;
  }
  const sweep = { archive, pictures, log, isClosed };
  await empty(sweep, at - GRACE_MS);
  if (keepDays > 0) await removeOld(sweep, keepDays, at);
}

async function removeFiles(
  pictures: RetentionOptions['pictures'],
  batch: readonly ExpiredJob[],
): Promise<void> {
  for (const { pictures: keys } of batch) {
    await Promise.all(keys.map((key) => pictures.delete(key)));
  }
}

/** Pictures alone, of jobs whose messages are gone. */
async function empty({ archive, pictures, log, isClosed }: Sweep, before: number): Promise<void> {
  let jobs = 0;
  while (!isClosed()) {
    const batch = await archive.retracted({ before, limit: BATCH });
    if (batch.length === 0) break;
    await removeFiles(pictures, batch);
    await archive.emptied(batch.map(({ id }) => id));
    jobs += batch.length;
  }
  if (jobs > 0) log.info({ jobs }, 'pictures whose messages were deleted a day ago were removed');
}

async function removeOld(
  { archive, pictures, log, isClosed }: Sweep,
  keepDays: number,
  at: number,
): Promise<void> {
  const finishedBefore = at - Math.max(keepDays, LEAST_DAYS) * DAY_MS;
  let jobs = 0;
  while (!isClosed()) {
    const batch = await archive.expired({ finishedBefore, limit: BATCH });
    if (batch.length === 0) break;
    // The files go first: a row without its files is found again, files without their row never.
    await removeFiles(pictures, batch);
    await archive.forget(batch.map(({ id }) => id));
    jobs += batch.length;
  }
  if (jobs > 0) log.info({ jobs, keepDays }, 'old jobs and their pictures were removed');
}
