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

/** Makes the quota of a picture store; `most` is in bytes, 0 for no quota. Nothing is counted before it is asked. */
export function createQuota(options: QuotaOptions): Quota {
  const { most, written } = options;
  const state: QuotaState = { counted: null, wasTold: false };
  return {
    mayBeExceeded() {
      const { counted } = state;
      return most > 0 && (counted === null || counted.bytes + written() - counted.written > most);
    },
    enforce: (time) => enforce(state, options, time),
  };
}

type QuotaState = {
  /** null: not yet */
  counted: { bytes: number; written: number } | null;
  /** that more is there than may be removed */
  wasTold: boolean;
};

type Time = Parameters<Quota['enforce']>[0];

async function enforce(
  state: QuotaState,
  options: QuotaOptions,
  { at, forgetBefore, isOver }: Time,
): Promise<void> {
  const { archive, most, log } = options;
  const before = options.written();
  const store = await Removal.begin(options, forgetBefore);
  const whole = store.bytes;
  state.counted = { bytes: whole, written: before };
  if (whole <= most) {
    state.wasTold = false;
    return;
  }
  const marked = await options.starred();
  const last: SettledJob[] = [];
  const isDone = (): boolean => store.bytes <= most * ENOUGH || isOver();
  for await (const job of archive.settled()) {
    if (isDone()) break;
    if (Math.abs(at - job.finishedAt) < FRESH_MS) continue;
    if (marked.has(job.id)) last.push(job);
    else await store.take(job);
  }
  for (const job of last) {
    if (isDone()) break;
    await store.take(job);
  }
  await store.flush();
  const { bytes, jobs } = store;
  state.counted = { bytes, written: before };
  if (jobs > 0) {
    const figures = { jobs, gigabytes: (whole - bytes) / 1e9, left: bytes / 1e9 };
    log.info(figures, 'pictures beyond KEEP_GB were removed, the oldest first');
  }
  if (bytes > most && !state.wasTold) {
    state.wasTold = true;
    const figures = { gigabytes: bytes / 1e9, most: most / 1e9 };
    log.warn(figures, 'KEEP_GB is exceeded by what is waiting, running or of this hour');
  }
}

/** Removes jobs' pictures a batch at a time, and counts what is left. */
class Removal {
  readonly #options: QuotaOptions;
  readonly #forgetBefore: number | null;
  readonly #sizes: ReadonlyMap<string, number>;
  #batch: SettledJob[] = [];
  /** bytes of start pictures */
  #starts: number;
  /** bytes of everything that is left */
  bytes: number;
  /** that went */
  jobs = 0;

  static async begin(options: QuotaOptions, forgetBefore: number | null): Promise<Removal> {
    const sizes = await options.pictures.sizes();
    return new Removal(options, forgetBefore, sizes, await options.archive.startPictureBytes());
  }

  private constructor(
    options: QuotaOptions,
    forgetBefore: number | null,
    sizes: ReadonlyMap<string, number>,
    starts: number,
  ) {
    this.#options = options;
    this.#forgetBefore = forgetBefore;
    this.#sizes = sizes;
    this.#starts = starts;
    this.bytes = starts;
    for (const size of sizes.values()) this.bytes += size;
  }

  async take(job: SettledJob): Promise<void> {
    const own = job.pictures.reduce((sum, key) => sum + (this.#sizes.get(key) ?? 0), 0);
    if (own === 0) return;
    this.#batch.push(job);
    this.bytes -= own;
    this.jobs++;
    if (this.#batch.length >= BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    const gone = this.#batch;
    this.#batch = [];
    await remove(gone, this.#forgetBefore, this.#options);
    // A start picture goes with the last record that names it.
    if (this.#starts === 0) return;
    const left = await this.#options.archive.startPictureBytes();
    this.bytes -= this.#starts - left;
    this.#starts = left;
  }
}

async function remove(
  jobs: readonly SettledJob[],
  forgetBefore: number | null,
  { archive, pictures }: QuotaOptions,
): Promise<void> {
  // The files go first: a row without its files is found again, files without their row never.
  for (const { pictures: keys } of jobs) {
    await Promise.all(keys.map((key) => pictures.delete(key)));
  }
  const old = jobs.filter(({ finishedAt }) => forgetBefore !== null && finishedAt < forgetBefore);
  if (old.length > 0) await archive.forget(old.map(({ id }) => id));
}
