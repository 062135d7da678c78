import type { EngineLog } from '../../engine/engine.ts';
import type { Archive, SettledJob } from '../archive.ts';
import type { JobId } from '../job.ts';
import type { PictureStore } from '../pictures.ts';

export type QuotaOptions = {
  archive: Pick<Archive, 'settled' | 'startPictureBytes' | 'forget'>;
  pictures: Pick<PictureStore, 'delete' | 'sizes'>;
  /** bytes that pictures and start pictures may fill; 0: no quota */
  most: number;
  /** bytes that went into the store since the program began */
  written: () => number;
  /** jobs of which somebody marked a picture: they go last */
  starred: () => Promise<ReadonlySet<JobId>>;
  log: EngineLog;
};

export type Quota = {
  /** May the quota be exceeded by now? Asks no disk: what was written since the last count is added to it. */
  mayBeExceeded(): boolean;
  /**
   * Counts, and removes the oldest pictures until they fit. `at`: milliseconds since 1970; `forgetBefore`: records of
   * jobs that ended before then go with their pictures, others stay without; null: the clock is not believed.
   */
  enforce(time: { at: number; forgetBefore: number | null; isOver: () => boolean }): Promise<void>;
};

/** Down to this share, so that not every picture has to make room for itself. */
const ENOUGH = 0.95;
/** What was painted so lately is being looked at: it stays, whatever the quota. */
const FRESH_MS = 3_600_000;
/** Jobs between two looks at what went with them. */
const BATCH = 20;

export function createQuota({
  archive,
  pictures,
  most,
  written,
  starred,
  log,
}: QuotaOptions): Quota {
  let counted: { bytes: number; written: number } | null = null;
  let wasTold = false;

  async function remove(jobs: readonly SettledJob[], forgetBefore: number | null): Promise<void> {
    // The files go first: a row without its files is found again, files without their row never.
    for (const { pictures: keys } of jobs) {
      await Promise.all(keys.map((key) => pictures.delete(key)));
    }
    const old = jobs.filter(({ finishedAt }) => forgetBefore !== null && finishedAt < forgetBefore);
    if (old.length > 0) await archive.forget(old.map(({ id }) => id));
  }

  return {
    mayBeExceeded: () =>
      most > 0 && (counted === null || counted.bytes + written() - counted.written > most),

    async enforce({ at, forgetBefore, isOver }) {
      const before = written();
      const sizes = await pictures.sizes();
      let starts = await archive.startPictureBytes();
      let bytes = starts;
      for (const size of sizes.values()) bytes += size;
      counted = { bytes, written: before };
      if (bytes <= most) {
        wasTold = false;
        return;
      }
      const marked = await starred();
      const last: SettledJob[] = [];
      const whole = bytes;
      const enough = most * ENOUGH;
      let batch: SettledJob[] = [];
      let jobs = 0;

      const bytesOf = ({ pictures: keys }: SettledJob): number =>
        keys.reduce((sum, key) => sum + (sizes.get(key) ?? 0), 0);
      const take = async (job: SettledJob): Promise<void> => {
        const own = bytesOf(job);
        if (own === 0) return;
        batch.push(job);
        bytes -= own;
        jobs++;
        if (batch.length >= BATCH) await flush();
      };
      const flush = async (): Promise<void> => {
        const gone = batch;
        batch = [];
        await remove(gone, forgetBefore);
        // A start picture goes with the last record that names it.
        if (starts === 0) return;
        const left = await archive.startPictureBytes();
        bytes -= starts - left;
        starts = left;
      };

      for await (const job of archive.settled()) {
        if (bytes <= enough || isOver()) break;
        if (Math.abs(at - job.finishedAt) < FRESH_MS) continue;
        if (marked.has(job.id)) last.push(job);
        else await take(job);
      }
      for (const job of last) {
        if (bytes <= enough || isOver()) break;
        await take(job);
      }
      await flush();
      counted = { bytes, written: before };
      if (jobs > 0) {
        const figures = { jobs, gigabytes: (whole - bytes) / 1e9, left: bytes / 1e9 };
        log.info(figures, 'pictures beyond KEEP_GB were removed, the oldest first');
      }
      if (bytes > most && !wasTold) {
        wasTold = true;
        const figures = { gigabytes: bytes / 1e9, most: most / 1e9 };
        log.warn(figures, 'KEEP_GB is exceeded by what is waiting, running or of this hour');
      }
    },
  };
}
