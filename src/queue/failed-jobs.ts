/** What the record says of a job that failed, read beside a running Darkroom: nothing is opened for writing. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { UserError } from '../engine/errors.ts';
import type { Job, JobStatus } from './job.ts';
import type { PictureStore } from './pictures.ts';
import { openQueue } from './queue.ts';

/** A job without its prompt. Times in milliseconds since 1970. */
export type JobRecord = {
  id: string;
  status: JobStatus;
  model: string;
  userId: string;
  createdAt: number;
  finishedAt: number | null;
  /** what the person read; null: it did not fail */
  failure: string | null;
  reference: string | null;
};

/**
 * The job with this id, or whose failure carries this reference; null where the embedded queue's file knows of none.
 * @throws the system's or SQLite's error where the file cannot be read
 */
export function findJob(file: string, name: string): JobRecord | null {
  if (!existsSync(file)) return null;
  const db = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
  try {
    const row = db
      .prepare(
        `SELECT id, status, model, user_id, created_at, finished_at, failure FROM jobs
         WHERE id = ?1 OR (status = 'failed' AND json_valid(failure)
           AND json_extract(failure, '$.reference') = ?1)
         ORDER BY seq DESC LIMIT 1`,
      )
      .get(name);
    return row === undefined ? null : recordOf(row);
  } finally {
    db.close();
  }
}

/** Of a shared queue so many of the newest jobs are looked through. */
const SEARCHED = 5000;

/**
 * The same in the queue that several programs share.
 * @throws UserError where it cannot be reached
 */
export async function findSharedJob(url: string, name: string): Promise<JobRecord | null> {
  const limits = { waitingPerUser: 1, waitingPerGuild: 1 };
  const queue = await openQueue({ url, limits, pictures: NO_PICTURES });
  try {
    const named = await queue.archive.get(name);
    const found =
      named ??
      (await queue.archive.recent({ limit: SEARCHED })).find(
        ({ failure }) => failure?.reference === name,
      );
    return found === undefined ? null : sharedRecord(found);
  } finally {
    await queue.close();
  }
}

function sharedRecord(job: Job): JobRecord {
  const { id, status, request, userId, createdAt, finishedAt, failure } = job;
  return {
    id,
    status,
    model: request === 'unreadable' ? 'unknown' : request.model,
    userId,
    createdAt,
    finishedAt,
    failure: failure?.message ?? null,
    reference: failure?.reference ?? null,
  };
}

/** Whoever only reads the record needs none. */
const none = (): Promise<never> => Promise.reject(new UserError('Here are no pictures.'));
const NO_PICTURES: PictureStore = {
  put: none,
  append: none,
  get: none,
  delete: none,
  keys: none,
  sizes: none,
  tryOut: none,
};

function recordOf(row: Record<string, unknown>): JobRecord {
  const failure = failureIn(row['failure']);
  return {
    id: String(row['id']),
    status: row['status'] as JobStatus,
    model: String(row['model']),
    userId: String(row['user_id']),
    createdAt: Number(row['created_at']),
    finishedAt: row['finished_at'] === null ? null : Number(row['finished_at']),
    failure: failure?.message ?? null,
    reference: failure?.reference ?? null,
  };
}

function failureIn(stored: unknown): { message: string; reference: string | null } | null {
  try {
    const { message, reference } = JSON.parse(String(stored)) as Record<string, unknown>;
    if (typeof message !== 'string') return null;
    return { message, reference: typeof reference === 'string' ? reference : null };
  } catch {
    return null;
  }
}
