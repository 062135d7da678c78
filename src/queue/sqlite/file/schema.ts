import type { DatabaseSync } from 'node:sqlite';
import { UserError } from '../../../engine/errors.ts';

/** What a job's context says of its message; one that is no JSON says nothing. */
export function addressed(field: 'messageId' | 'channelId'): string {
  return `CASE WHEN json_valid(context) THEN
    coalesce(json_extract(context, '$.${field}'), json_extract(context, '$.address.${field}')) END`;
}

/**
 * Every schema there ever was, oldest first; migration n leads from version n to n + 1 (SQLite's user_version).
 * Only ever append: databases of every age are in use.
 *
 * parent_id is no foreign key: a picture's parent may have been made by another installation or be long gone.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL UNIQUE,
    guild_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    parent_id TEXT,
    request TEXT NOT NULL,
    context TEXT NOT NULL,
    model TEXT NOT NULL,
    pixels INTEGER NOT NULL,
    images INTEGER NOT NULL,
    guided INTEGER NOT NULL,
    evaluations INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    attempt INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0,
    charged REAL NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    result TEXT,
    failure TEXT,
    delivered INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX jobs_unsettled ON jobs (seq) WHERE delivered = 0;
  CREATE INDEX jobs_of_guild ON jobs (guild_id, seq);
  CREATE INDEX jobs_of_user ON jobs (user_id, seq);
  CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), time REAL NOT NULL) STRICT;
  INSERT INTO clock VALUES (1, 0);
  CREATE TABLE guild_lines (
    guild_id TEXT PRIMARY KEY,
    tag REAL NOT NULL,
    clock REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE user_lines (
    guild_id TEXT NOT NULL REFERENCES guild_lines (guild_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    tag REAL NOT NULL,
    PRIMARY KEY (guild_id, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE measurements (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    model TEXT NOT NULL,
    figures TEXT NOT NULL
  ) STRICT;
  CREATE INDEX measurements_of_model ON measurements (model, seq);
  `,
  `
  ALTER TABLE jobs ADD COLUMN weight REAL NOT NULL DEFAULT 1;
  ALTER TABLE jobs ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
  `,
  `
  CREATE INDEX jobs_done ON jobs (guild_id, finished_at) WHERE status = 'done';
  `,
  `
  CREATE TABLE pledges (
    key TEXT PRIMARY KEY,
    context TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE INDEX jobs_settled ON jobs (finished_at) WHERE delivered = 1;
  `,
  // Pictures that requests name (inputs.ts); input_moves: rows up to \`last\` may hold theirs themselves, up to \`seen\`
  // they were looked at.
  `
  CREATE TABLE inputs (
    hash TEXT NOT NULL,
    job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
    PRIMARY KEY (hash, job)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX inputs_of_job ON inputs (job);
  CREATE TABLE input_moves (seen INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
  INSERT INTO input_moves SELECT 0, coalesce(max(seq), 0) FROM jobs;
  `,
  // Old jobs are looked for in the order they came.
  'DROP INDEX jobs_settled;',
  // Jobs whose message is gone, and by whose context they are found: a sheet's job has its address one level down.
  `
  ALTER TABLE jobs ADD COLUMN retracted_at INTEGER;
  ALTER TABLE jobs ADD COLUMN retracted_with TEXT CHECK (retracted_with IN ('message', 'guild'));
  ALTER TABLE jobs ADD COLUMN emptied INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX jobs_retracted ON jobs (retracted_at) WHERE retracted_at IS NOT NULL AND emptied = 0;
  CREATE INDEX jobs_of_message ON jobs (${addressed('messageId')});
  CREATE INDEX jobs_of_channel ON jobs (${addressed('channelId')});
  `,
  // What costOf says of a job; null in rows that are older.
  'ALTER TABLE jobs ADD COLUMN work TEXT;',
  // Whether jobs are begun and taken (line.ts); and what one person took of a day over all guilds.
  `
  CREATE TABLE line_mode (id INTEGER PRIMARY KEY CHECK (id = 1), mode TEXT NOT NULL) STRICT;
  CREATE INDEX jobs_done_of_user ON jobs (user_id, finished_at) WHERE status = 'done';
  `,
];

/** Brings the database to the newest schema, one transaction a version. Throws UserError on a newer database. */
export function migrate(db: DatabaseSync, file: string): void {
  const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (user_version > MIGRATIONS.length) {
    throw new UserError(
      `${file} was written by a newer Darkroom (schema ${user_version}, this one knows up to ` +
        `${MIGRATIONS.length}). Update Darkroom, or start with another DATA_DIR.`,
    );
  }
  for (let version = user_version; version < MIGRATIONS.length; version++) {
    db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[version]} PRAGMA user_version = ${version + 1}; COMMIT`);
  }
}
