import type { DatabaseSync } from 'node:sqlite';
import { SAMPLES_PER_MODEL } from '../fairness/estimate.ts';
import type { Work } from '../fairness/estimate.ts';
import { guildLine, userLine } from '../fairness/fairness.ts';
import type { Lines } from '../fairness/fairness.ts';
import type { Job, JobContext, JobFailure, JobStatus, StoredResult } from '../job.ts';
import type { Measurement } from '../measurement.ts';
import type { LineMode } from '../line.ts';
import { headOf, jobOf, jobOrNull } from './rows.ts';
import type { Head } from './rows.ts';
import { isDiskFull } from '../pictures.ts';
import type { SqliteFile } from './file/sqlite-file.ts';

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

const DAY_MS = 86_400_000;

const HEAD = `seq, id, guild_id, user_id, weight, status, attempt, version, charged, started_at, stopping, restarts,
  model, pixels, images, guided, evaluations, work`;

/** Every statement of the queue, prepared once. Nothing here opens or ends a transaction but `transaction`. */
export function createSqliteStore({ db, headroom }: Omit<SqliteFile, 'close'>) {
  return {
    ...transactions(db, headroom),
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
function transactions(db: DatabaseSync, headroom: SqliteFile['headroom']) {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  return {
    /** Runs `body` as one durable transaction: when this returns, its writes survive kill -9. */
    transaction<T>(body: () => T): T {
      begin.run();
      try {
        const value = body();
        commit.run();
        headroom.renew();
        return value;
      } catch (error) {
        // A full disk makes SQLite roll back by itself; a second ROLLBACK would hide the first error.
        if (db.isTransaction) db.exec('ROLLBACK');
        if (isDiskFull(error)) headroom.giveUp();
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
        result: jsonOrNull(to.result),
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

/** What was charged. */
function spending(db: DatabaseSync) {
  const spentOfGuild = db.prepare(
    `SELECT total(charged) AS seconds FROM jobs
      WHERE status = 'done' AND guild_id = ? AND finished_at >= ? AND finished_at < ?`,
  );
  const spentOfUser = db.prepare(
    `SELECT total(charged) AS seconds FROM jobs
      WHERE status = 'done' AND guild_id = ? AND finished_at >= ? AND finished_at < ? AND user_id = ?`,
  );
  const spentOfUserEverywhere = db.prepare(
    `SELECT total(charged) AS seconds FROM jobs
      WHERE status = 'done' AND user_id = ? AND finished_at >= ? AND finished_at < ?`,
  );
  return {
    /**
     * Seconds charged for what was finished on the day that begins at `from` (milliseconds since 1970), in a guild or
     * to one of its people; `guildId` null: to a person over all guilds. What a clock that ran ahead has dated later does not count until then.
     */
    spent(from: number, guildId: string | null, userId?: string): number {
      const to = from + DAY_MS;
      if (guildId === null) {
        return Number(spentOfUserEverywhere.get(userId ?? '', from, to)!['seconds']);
      }
      const row =
        userId === undefined
          ? spentOfGuild.get(guildId, from, to)
          : spentOfUser.get(guildId, from, to, userId);
      return Number(row!['seconds']);
    },
  };
}

/** Whether the line takes and hands out jobs. */
function lineModes(db: DatabaseSync) {
  const mode = db.prepare('SELECT mode FROM line_mode');
  const setMode = db.prepare('INSERT OR REPLACE INTO line_mode (id, mode) VALUES (1, ?)');
  return {
    mode(): LineMode {
      const text = mode.get()?.['mode'];
      return typeof text === 'string' ? (JSON.parse(text) as LineMode) : { kind: 'open' };
    },

    setMode(to: LineMode): void {
      setMode.run(JSON.stringify(to));
    },
  };
}

/** Clock and tags of the fair line. */
function turns(db: DatabaseSync) {
  const setClock = db.prepare('UPDATE clock SET time = ? WHERE time <> ?');
  const saveGuild = db.prepare(`
    INSERT INTO guild_lines VALUES ($guildId, $tag, $clock)
    ON CONFLICT (guild_id) DO UPDATE SET tag = excluded.tag, clock = excluded.clock`);
  const saveUser = db.prepare(`
    INSERT INTO user_lines VALUES ($guildId, $userId, $tag)
    ON CONFLICT (guild_id, user_id) DO UPDATE SET tag = excluded.tag`);
  const dropLines = db.prepare('DELETE FROM guild_lines');
  const dropGuild = db.prepare('DELETE FROM guild_lines WHERE guild_id = ?');
  const dropUsers = db.prepare('DELETE FROM user_lines WHERE guild_id = ?');
  const dropUser = db.prepare('DELETE FROM user_lines WHERE guild_id = ? AND user_id = ?');
  return {
    /** Writes what `lines` now says about one guild and one of its users. */
    saveLines(lines: Lines, guildId: string, userId: string): void {
      setClock.run(lines.clock, lines.clock);
      if (lines.guilds.size === 0) return void dropLines.run();
      const guild = lines.guilds.get(guildId);
      if (guild === undefined) return void dropGuild.run(guildId);
      saveGuild.run({ guildId, tag: guild.tag, clock: guild.clock });
      if (guild.users.size === 0) return void dropUsers.run(guildId);
      const user = guild.users.get(userId);
      if (user === undefined) dropUser.run(guildId, userId);
      else saveUser.run({ guildId, userId, tag: user.tag });
    },

    /** The stored clock and tags, no turn placed yet. */
    loadTags(lines: Lines): void {
      lines.clock = Number(db.prepare('SELECT time FROM clock').get()!['time']);
      for (const row of db.prepare('SELECT * FROM guild_lines').all()) {
        const guild = guildLine(lines, String(row['guild_id']));
        guild.tag = Number(row['tag']);
        guild.clock = Number(row['clock']);
      }
      for (const row of db.prepare('SELECT * FROM user_lines').all()) {
        const guild = guildLine(lines, String(row['guild_id']));
        userLine(guild, String(row['user_id'])).tag = Number(row['tag']);
      }
    },
  };
}

/** What jobs took. */
function measuring(db: DatabaseSync) {
  const addFigures = db.prepare('INSERT INTO measurements (model, figures) VALUES (?, ?)');
  const dropFigures = db.prepare(`
    DELETE FROM measurements WHERE model = $model AND seq NOT IN
      (SELECT seq FROM measurements WHERE model = $model ORDER BY seq DESC LIMIT ${SAMPLES_PER_MODEL})`);
  return {
    addMeasurement(measurement: Measurement): void {
      addFigures.run(measurement.model, JSON.stringify(measurement));
      dropFigures.run({ model: measurement.model });
    },

    measurements(): Measurement[] {
      const rows = db.prepare('SELECT figures FROM measurements ORDER BY seq').all();
      return rows.map((row) => JSON.parse(String(row['figures'])) as Measurement);
    },
  };
}

function jsonOrNull(value: object | null | undefined): string | null {
  return value == null ? null : JSON.stringify(value);
}
