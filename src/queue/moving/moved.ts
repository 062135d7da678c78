import { UserError } from '../../engine/errors.ts';
import type { JobStatus } from '../job.ts';
import type { Measurement } from '../measurement.ts';
import type { LineMode } from '../line.ts';
import type { Deferral } from '../contracts.ts';

/** A job as every kind of queue keeps it; texts are JSON as they were stored. */
export type MovedJob = {
  id: string;
  key: string;
  guildId: string;
  userId: string;
  parentId: string | null;
  weight: number;
  /** its start pictures by their SHA-256 */
  request: string;
  hashes: readonly string[];
  context: string;
  model: string;
  work: object;
  /** absent: to be found out anew */
  needs?: readonly string[];
  status: Exclude<JobStatus, 'running'>;
  attempt: number;
  /** seconds that count as spent */
  charged: number;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  result: string | null;
  failure: string | null;
  delivered: boolean;
  crashes: number;
  restarts: number;
  retractedAt: number | null;
  retractedWith: 'message' | 'guild' | null;
  /** its pictures were removed from the store because its message is gone */
  emptied: boolean;
};

/** Whose turn it is (fairness/fairness.ts): tags of guilds, and of the users in each. */
export type MovedLines = {
  clock: number;
  guilds: readonly {
    id: string;
    tag: number;
    clock: number;
    users: Readonly<Record<string, number>>;
  }[];
};

/**
 * Everything of a queue in the order in which it is written: the small things, then the jobs as they came, each behind the
 * start pictures that it is the first to name. Painted pictures are named by jobs and stay in their store.
 */
export type MovedRecord =
  | { kind: 'mode'; mode: LineMode }
  | { kind: 'measurement'; measurement: Measurement }
  | { kind: 'pledge'; pledge: Deferral }
  | { kind: 'lines'; lines: MovedLines }
  | { kind: 'input'; sha256: string; bytes: Uint8Array }
  | { kind: 'job'; job: MovedJob };

/** A queue that no program uses meanwhile. */
export type MovableQueue = {
  /** Jobs that ran when the last program ended wait again first. */
  read(): AsyncGenerator<MovedRecord>;
  /**
   * Takes everything or, where `records` throws or the storage fails, nothing.
   * @throws UserError where there are jobs already
   */
  write(records: AsyncIterable<MovedRecord>): Promise<void>;
  close(): Promise<void>;
};

/** What a target with jobs is refused with. */
export function occupied(jobs: number): UserError {
  return new UserError(
    `This queue already holds ${jobs} ${jobs === 1 ? 'job' : 'jobs'}: an import needs an empty one. Name another QUEUE_URL or DATA_DIR.`,
  );
}
