import type { DatabaseSync } from 'node:sqlite';
import type { Work } from '../fairness/estimate.ts';
import type { Job, JobContext, JobFailure, JobStatus, StoredResult } from '../job.ts';
import { encodeResult } from '../stored/stored-result.ts';
import { headOf, jobOf, jobOrNull } from './rows.ts';
import type { Head } from './rows.ts';
import { isDiskFull } from '../pictures.ts';
import type { SqliteFile } from './file/sqlite-file.ts';
import { spending, lineModes, turns, measuring } from './accounts.ts';

export type NewRow = {
  work: Work;
  /** of one picture; these columns are older than `work`, which says more */
  pixels: number;
  images: number;
  guided: boolean;
  id: string;
  key: string;
  guildId: string;
  userId: string;
  parentId: string | null;
  weight: number;
  request: string;
  context: string;
  createdAt: number;
};

/** What a change of state writes; `version` is the compare-and-set. */
export type Change = {
  seq: number;
  version: number;
  status: JobStatus;
  attempt: number;
  charged: number;
  startedAt: number | null;
  finishedAt: number | null;
  stopping: boolean;
  result?: StoredResult | null;
  failure?: JobFailure | null;
  crashed?: boolean;
  restarted?: boolean;
};

export type SqliteStore = ReturnType<typeof createSqliteStore>;

const HEAD = `seq, id, guild_id, user_id, weight, status, attempt, version, charged, started_at, stopping, restarts,
  model, pixels, images, guided, evaluations, work`;

/** Every statement of the queue, prepared once. Nothing here opens or ends a transaction but `transaction`. */
export function createSqliteStore({ db, reserve }: Omit<SqliteFile, 'close'>) {
  return {
    ...transactions(db, reserve),
    ...readingJobs(db),
    ...writingJobs(db),
    ...delivering(db),
    ...spending(db),
    ...lineModes(db),
    ...turns(db),
    ...measuring(db),
  };
}

/** Durable writes. */
function transactions(db: DatabaseSync, reserve: SqliteFile['reserve']) {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  return {
    /** Runs `body` as one durable transaction: when this returns, its writes survive kill -9. */
    transaction<T>(body: () => T): T {
      begin.run();
      try {
        const value = body();
        commit.run();
        reserve.renew();
        return value;
      } catch (error) {
        // A full disk makes SQLite roll back by itself; a second ROLLBACK would hide the first error.
        if (db.isTransaction) db.exec('ROLLBACK');
        if (isDiskFull(error)) reserve.giveUp();
        throw error;
      }
    },
  };
}

/** Jobs as they are stored. */
function readingJobs(db: DatabaseSync) {
  const byId = db.prepare('SELECT * FROM jobs WHERE id = ?');
  const byKey = db.prepare('SELECT * FROM jobs WHERE key = ?');
  const head = db.prepare(`SELECT ${HEAD} FROM jobs WHERE id = ?`);
  const live = db.prepare(
    `SELECT ${HEAD} FROM jobs WHERE delivered = 0 AND status IN ('waiting', 'running') ORDER BY seq`,
  );
  const unsettled = db.prepare('SELECT * FROM jobs WHERE delivered = 0 ORDER BY seq');
  return {
    byId: (id: string) => jobOrNull(byId.get(id)),
    byKey: (key: string) => jobOrNull(byKey.get(key)),
    unsettled: () => unsettled.all().map(jobOf),

    recent(filter: { guildId?: string; userId?: string; limit: number }): Job[] {
      const wheres: string[] = [];
      const values: string[] = [];
      for (const [column, value] of [
        ['guild_id', filter.guildId],
        ['user_id', filter.userId],
      ] as const) {
        if (value === undefined) continue;
        wheres.push(`${column} = ?`);
        values.push(value);
      }
      const where = wheres.length > 0 ? `WHERE ${wheres.join(' AND ')}` : '';
      const limit = Math.max(0, Math.floor(filter.limit));
      const rows = db
        .prepare(`SELECT * FROM jobs ${where} ORDER BY seq DESC LIMIT ${limit}`)
        .all(...values);
      return rows.map(jobOf);
    },

    head(id: string): Head | null {
      const row = head.get(id);
      return row === undefined ? null : headOf(row);
    },

    live: () => live.all().map(headOf),
  };
}

/** New jobs, and what becomes of them. */
function writingJobs(db: DatabaseSync) {
  const insert = db.prepare(`
    INSERT INTO jobs (id, key, guild_id, user_id, parent_id, weight, request, context, created_at, status,
      model, pixels, images, guided, evaluations, work)
    VALUES ($id, $key, $guildId, $userId, $parentId, $weight, $request, $context, $createdAt, 'waiting',
      $model, $pixels, $images, $guided, $evaluations, $work)`);
  const change = db.prepare(`
    UPDATE jobs SET status = $status, attempt = $attempt, charged = $charged, started_at = $startedAt,
      finished_at = $finishedAt, stopping = $stopping, result = $result, failure = $failure,
      crashes = crashes + $crashed, restarts = restarts + $restarted, version = version + 1
    WHERE seq = $seq AND version = $version`);
  return {
    insert({ work, ...row }: NewRow): number {
      const { model, ...asked } = work;
      const { lastInsertRowid } = insert.run({
        ...row,
        guided: Number(row.guided),
        model,
        evaluations: work.evaluations,
        work: JSON.stringify(asked),
      });
      return Number(lastInsertRowid);
    },

    change(to: Change): void {
      const { seq, version, status, attempt, charged, startedAt, finishedAt } = to;
      const { changes } = change.run({
        seq,
        version,
        status,
        attempt,
        charged,
        startedAt,
        finishedAt,
        stopping: Number(to.stopping),
        result: to.result ? encodeResult(to.result) : null,
        failure: jsonOrNull(to.failure),
        crashed: Number(to.crashed ?? false),
        restarted: Number(to.restarted ?? false),
      });
      if (changes !== 1) throw new Error(`job row ${to.seq} was changed by another program`);
    },
  };
}

/** Where a job's message is, and that it got there. */
function delivering(db: DatabaseSync) {
  const setContext = db.prepare('UPDATE jobs SET context = ? WHERE id = ?');
  const setDelivered = db.prepare('UPDATE jobs SET delivered = 1 WHERE id = ?');
  const forget = db.prepare(
    'DELETE FROM jobs WHERE id = ? AND delivered = 1 AND finished_at IS NOT NULL',
  );
  return {
    setContext(id: string, context: JobContext): void {
      setContext.run(JSON.stringify(context), id);
    },

    setDelivered(id: string): void {
      setDelivered.run(id);
    },

    forget(id: string): void {
      forget.run(id);
    },
  };
}

function jsonOrNull(value: object | null | undefined): string | null {
  return value == null ? null : JSON.stringify(value);
}
