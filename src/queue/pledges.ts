import type { JobContext } from './job.ts';

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
