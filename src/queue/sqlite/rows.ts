import type { SQLOutputValue } from 'node:sqlite';
import type { GenerateRequest } from '../../engine/request.ts';
import { decodeRequest } from '../../engine/stored-request.ts';
import type { Work } from '../fairness/estimate.ts';
import type { Job, JobContext, JobFailure, JobStatus, StoredResult } from '../job.ts';

type Row = Record<string, SQLOutputValue>;

/** The part of a job's row that the queue decides by. */
export type Head = Work & {
  seq: number;
  id: string;
  guildId: string;
  userId: string;
  weight: number;
  status: JobStatus;
  attempt: number;
  version: number;
  charged: number;
  startedAt: number | null;
  stopping: boolean;
  /** runs that ended because the whole program did */
  restarts: number;
};

/**
 * The stored request. Null when this version cannot read it (written by a newer Darkroom, or damaged): the job
 * must fail with words and must not take others with it.
 */
function readRequest(json: string): GenerateRequest | null {
  try {
    return decodeRequest(json);
  } catch {
    return null;
  }
}

/** Stands in the `request` of a job whose own cannot be read; such a job only ever fails. */
export const UNREADABLE: GenerateRequest = Object.freeze({
  model: 'unknown',
  prompt: '',
  negativePrompt: '',
  width: 8,
  height: 8,
  count: 1,
  steps: 1,
  guidanceScale: 1,
  sampler: null,
  schedule: 'automatic',
  seed: 0n,
  variation: null,
  seedResize: null,
  etaNoiseSeedDelta: 0,
  eta: null,
  guidanceRescale: 0,
  clipSkip: 1,
  emphasis: 'original',
  rng: 'cpu',
  profile: 'a1111',
  init: null,
});

export function jobOrNull(row: Row | undefined): Job | null {
  return row === undefined ? null : jobOf(row);
}

export function jobOf(row: Row): Job {
  return {
    id: String(row['id']),
    key: String(row['key']),
    guildId: String(row['guild_id']),
    userId: String(row['user_id']),
    request: readRequest(String(row['request'])) ?? UNREADABLE,
    context: JSON.parse(String(row['context'])) as JobContext,
    parentId: textOrNull(row['parent_id']),
    weight: Number(row['weight']),
    status: String(row['status']) as JobStatus,
    attempt: Number(row['attempt']),
    createdAt: Number(row['created_at']),
    startedAt: numberOrNull(row['started_at']),
    finishedAt: numberOrNull(row['finished_at']),
    result: parsedOrNull<StoredResult>(row['result']),
    failure: parsedOrNull<JobFailure>(row['failure']),
    delivered: row['delivered'] === 1,
    crashes: Number(row['crashes']),
  };
}

export function headOf(row: Row): Head {
  return {
    seq: Number(row['seq']),
    id: String(row['id']),
    guildId: String(row['guild_id']),
    userId: String(row['user_id']),
    weight: Number(row['weight']),
    status: String(row['status']) as JobStatus,
    attempt: Number(row['attempt']),
    version: Number(row['version']),
    charged: Number(row['charged']),
    startedAt: numberOrNull(row['started_at']),
    stopping: row['stopping'] === 1,
    restarts: Number(row['restarts']),
    model: String(row['model']),
    pixels: Number(row['pixels']),
    images: Number(row['images']),
    guided: row['guided'] === 1,
    evaluations: Number(row['evaluations']),
  };
}

const textOrNull = (value: SQLOutputValue | undefined) => (value == null ? null : String(value));
const numberOrNull = (value: SQLOutputValue | undefined) => (value == null ? null : Number(value));

function parsedOrNull<T>(value: SQLOutputValue | undefined): T | null {
  return value == null ? null : (JSON.parse(String(value)) as T);
}
