import type { SQLOutputValue } from 'node:sqlite';
import type { Work } from '../fairness/estimate.ts';
import type { Job, JobContext, JobFailure, JobStatus } from '../job.ts';
import { decodeResult } from '../stored/stored-result.ts';
import { readStored } from '../stored/stored-request.ts';

export type Row = Record<string, SQLOutputValue>;

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

/** Reads a row of `jobs`; null where there is none. */
export function jobOrNull(row: Row | undefined): Job | null {
  return row === undefined ? null : jobOf(row);
}

/** Reads a row of `jobs`. Its device is null: leases know it, and they are in memory alone. */
export function jobOf(row: Row): Job {
  return {
    id: String(row['id']),
    key: String(row['key']),
    guildId: String(row['guild_id']),
    userId: String(row['user_id']),
    request: readStored(String(row['request'])),
    context: JSON.parse(String(row['context'])) as JobContext,
    parentId: textOrNull(row['parent_id']),
    weight: Number(row['weight']),
    status: String(row['status']) as JobStatus,
    device: null,
    attempt: Number(row['attempt']),
    createdAt: Number(row['created_at']),
    startedAt: numberOrNull(row['started_at']),
    finishedAt: numberOrNull(row['finished_at']),
    result: typeof row['result'] === 'string' ? decodeResult(row['result']) : null,
    failure: parsedOrNull<JobFailure>(row['failure']),
    delivered: row['delivered'] === 1,
    retractedAt: numberOrNull(row['retracted_at']),
    crashes: Number(row['crashes']),
  };
}

/** Reads what fairness needs of a row, without request and result. */
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
    ...workIn(row),
  };
}

/** Rows of older versions say it in columns, which knew neither what is special about an order nor a second pass. */
function workIn(row: Row): Work {
  const model = String(row['model']);
  const stored = parsedOrNull<Omit<Work, 'model'>>(row['work']);
  if (stored !== null) return { ...stored, model };
  const [pixels, images] = [Number(row['pixels']), Number(row['images'])];
  const evaluations = Number(row['evaluations']);
  const rows = evaluations * images * (row['guided'] === 1 ? 2 : 1);
  const [rowPixels, vaePixels] = [rows * pixels, images * pixels];
  return { model, kind: 'plain', evaluations, rows, rowPixels, vaePixels };
}

const textOrNull = (value: SQLOutputValue | undefined) => (value == null ? null : String(value));
const numberOrNull = (value: SQLOutputValue | undefined) => (value == null ? null : Number(value));

function parsedOrNull<T>(value: SQLOutputValue | undefined): T | null {
  return value == null ? null : (JSON.parse(String(value)) as T);
}
