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
  pledges: Pledges;
  events: JobEvents;
  /** the programs that paint from it, beside this one */
  workers: Workers;
  close(): Promise<void>;
};

/** A lease that nobody renews for so long has run out. */
export const LEASE_MS = 30_000;

/** Somebody was told that an answer comes; `key` is that of the job it may become. */
export type Pledge = { key: string; context: JobContext; createdAt: number };

/**
 * Answers that were promised and not yet given. What is still open at the next start was broken by a crash; a pledge
 * whose job is on record is kept by that job, and is not there. All implementations pass test/queue/pledges-contract.ts.
 */
export type Pledges = {
  /**
   * Remembers the promise until a job with the same key is submitted or `redeem` says that the answer was given. A
   * second pledge of a key replaces what the first one said.
   */
  make(key: string, context: JobContext): Promise<void>;
  /** The answer was given. A key that nobody pledged is passed over. */
  redeem(key: string): Promise<void>;
  /** What was promised and is still open, oldest first. */
  open(): Promise<readonly Pledge[]>;
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
