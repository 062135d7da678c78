import type { EngineStatus } from '../engine/engine.ts';
import type { ModelInfo } from '../engine/request.ts';
import type { Archive } from './archive.ts';
import type { JobEvents } from './events.ts';
import type { JobContext } from './job.ts';
import type { Line } from './line.ts';

/** One place where jobs wait, are on record, promises are kept, and all hear what becomes of jobs. */
export type Queue = {
  line: Line;
  archive: Archive;
  deferrals: Deferrals;
  events: JobEvents;
  /** the programs that paint from it, beside this one */
  workers: Workers;
  close(): Promise<void>;
};

/** A lease that nobody renews for so long has run out. */
export const LEASE_MS = 30_000;

/** An answer that was put off: somebody was told that it comes. `key` is that of the job it may become. */
export type Deferral = { key: string; context: JobContext; createdAt: number };

/**
 * Answers that were put off and not yet given. What is still open at the next start was lost in a crash; a deferral
 * whose job is on record is settled by that job, and is not there. All implementations pass test/queue/deferrals-contract.ts.
 */
export type Deferrals = {
  /**
   * Remembers that an answer is owed until a job with the same key is submitted or `settle` says that the answer was given. A
   * second deferral of a key replaces what the first one said.
   */
  note(key: string, context: JobContext): Promise<void>;
  /** The answer was given. A key that nobody noted is passed over. */
  settle(key: string): Promise<void>;
  /** What was noted and is still open, oldest first. */
  open(): Promise<readonly Deferral[]>;
};

export type DeviceStatus = NonNullable<EngineStatus['devices']>[number];

/** What a program that paints says of itself. */
export type WorkerReport = {
  /** as in its leases */
  name: string;
  models: readonly ModelInfo[];
  /** as it tells the line when it asks for a job (engine/needs.ts); absent in reports of older versions */
  has?: readonly string[];
  devices: readonly DeviceStatus[];
};

/** The programs that paint from one queue. One that reports nothing for REPORT_LIFE_MS is gone. */
export type Workers = {
  report(report: WorkerReport): Promise<void>;
  leave(name: string): Promise<void>;
  list(): Promise<readonly WorkerReport[]>;
};

export const REPORT_LIFE_MS = 15_000;

/** Of a queue with one program: nobody else paints. */
export const NO_WORKERS: Workers = {
  report: async () => {},
  leave: async () => {},
  list: async () => [],
};
