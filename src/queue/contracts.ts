import type { Archive } from './archive.ts';
import type { Line } from './line.ts';
import type { Pledges } from './pledges.ts';

/** One place where jobs wait, are on record, and promises are kept. */
export type Queue = { line: Line; archive: Archive; pledges: Pledges; close(): Promise<void> };

/** A lease that nobody renews for so long has run out. */
export const LEASE_MS = 30_000;
