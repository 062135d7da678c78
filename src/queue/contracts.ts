import type { Archive } from './archive.ts';
import type { JobEvents } from './events.ts';
import type { Line } from './line.ts';
import type { Pledges } from './pledges.ts';
import type { Workers } from './workers.ts';

/** One place where jobs wait, are on record, promises are kept, and all hear what becomes of jobs. */
export type Queue = {
  line: Line;
  archive: Archive;
  pledges: Pledges;
  events: JobEvents;
  /** the programs that paint from it, beside this one */
  workers: Workers;
  close(): Promise<void>;
};

/** A lease that nobody renews for so long has run out. */
export const LEASE_MS = 30_000;
