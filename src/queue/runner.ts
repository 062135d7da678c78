import type { Job, JobState } from './job.ts';

export type JobEvent = { job: Job; state: JobState };

/**
 * Claims the fairest job, runs it on the engine, stores the pictures and records the outcome. A crashed engine
 * costs one retry, then the job fails with words. Listeners hear every state of every job, in order per job.
 */
export type Runner = {
  onEvent(listener: (event: JobEvent) => void): () => void;
  /** Aborts the running job if it is this one; true when it was running here. */
  stop(jobId: string): boolean;
  /** Stops claiming, lets the current step end, hands a running job back to the queue. */
  close(): Promise<void>;
};
