import { stat } from 'node:fs/promises';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { UserError } from '../../engine/errors.ts';
import type { EngineLog } from '../../engine/engine.ts';
import { createLines } from '../fairness/fairness.ts';
import type { Measurement } from '../measurement.ts';
import type { LineMode } from '../line.ts';
import {
  type MovableQueue,
  type MovedJob,
  type MovedLines,
  type MovedRecord,
  occupied,
} from '../moving/moved.ts';
import { openPictureStore, type PictureStore } from '../pictures.ts';
import type { Work } from '../fairness/estimate.ts';
import { readStored, readWithBytes, refOf, writeStored } from '../stored/stored-request.ts';
import { openSqliteFile } from './file/sqlite-file.ts';
import { createLiveJobs } from './live-jobs.ts';
import { createDeferralRows } from './deferral-rows.ts';
import { headOf, type Row } from './rows.ts';
import { createSqliteStore, type SqliteStore } from './sqlite-store.ts';

/**
 * The embedded queue's file and the folder of start pictures beside it, for being moved.
 * @throws UserError where there is no queue
 */
export async function openSqliteForMoving(
  file: string,
  { create }: { create: boolean; log: EngineLog },
): Promise<MovableQueue> {
  if (!create && !(await isFile(file))) {
    throw new UserError(
      `There is no queue at ${file}. Set DATA_DIR or QUEUE_URL as the bot has them.`,
    );
  }
  const { db, reserve, close } = await openSqliteFile(file);
  const store = createSqliteStore({ db, reserve });
  const inputs = (): Promise<PictureStore> => openPictureStore(`${file}.inputs`);
  return {
    read: () => readAll(db, store, inputs),
    write: (records) => writeAll(db, inputs, records),
    close: async () => close(),
  };
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false;
}

async function* readAll(
  db: DatabaseSync,
  store: SqliteStore,
  inputs: () => Promise<PictureStore>,
): AsyncGenerator<MovedRecord> {
  createLiveJobs(store, Date.now).recover();
  yield { kind: 'mode', mode: store.mode() };
  for (const measurement of store.measurements()) yield { kind: 'measurement', measurement };
  for (const deferral of createDeferralRows(db).all()) yield { kind: 'pledge', pledge: deferral };
  yield { kind: 'lines', lines: linesIn(store) };
  const named = db.prepare('SELECT hash FROM inputs WHERE job = ?');
  const seen = new Set<string>();
  for (const row of db.prepare('SELECT * FROM jobs ORDER BY seq').iterate()) {
    const job = movedOf(row);
    // Rows of older versions hold their pictures themselves.
    const own = readWithBytes(job.request)?.init ?? null;
    const held = own === null ? [] : [own.image, ...(own.mask === null ? [] : [own.mask])];
    const hashes = held.map((bytes) => refOf(bytes).sha256);
    if (held.length === 0) {
      hashes.push(...named.all(Number(row['seq'])).map(({ hash }) => String(hash)));
    }
    for (const [at, sha256] of hashes.entries()) {
      if (seen.has(sha256)) continue;
      seen.add(sha256);
      const bytes = held[at] ?? (await (await inputs()).get(sha256));
      // One whose file was deleted is missed when somebody asks for it, as before.
      if (bytes !== null) yield { kind: 'input', sha256, bytes };
    }
    const stored = own === null ? null : readStored(job.request);
    const request = stored === null || stored === 'unreadable' ? job.request : writeStored(stored);
    yield { kind: 'job', job: { ...job, request, hashes } };
  }
}

function linesIn(store: SqliteStore): MovedLines {
  const lines = createLines();
  store.loadTags(lines);
  const guilds = [...lines.guilds].map(([id, { tag, clock, users }]) => ({
    id,
    tag,
    clock,
    users: Object.fromEntries([...users].map(([user, line]) => [user, line.tag])),
  }));
  return { clock: lines.clock, guilds };
}

function movedOf(row: Row): MovedJob {
  const head = headOf(row);
  if (head.status === 'running') throw new Error(`job ${head.id} runs`);
  const { model, kind, evaluations, rows, rowPixels, vaePixels, share = null } = head;
  const retractedWith = row['retracted_with'];
  return {
    id: head.id,
    key: String(row['key']),
    guildId: head.guildId,
    userId: head.userId,
    parentId: textOrNull(row['parent_id']),
    weight: head.weight,
    request: String(row['request']),
    hashes: [],
    context: String(row['context']),
    model,
    work: { kind, evaluations, rows, rowPixels, vaePixels, share },
    status: head.status,
    attempt: head.attempt,
    charged: head.charged,
    createdAt: Number(row['created_at']),
    startedAt: numberOrNull(row['started_at']),
    finishedAt: numberOrNull(row['finished_at']),
    result: textOrNull(row['result']),
    failure: textOrNull(row['failure']),
    delivered: row['delivered'] === 1,
    crashes: Number(row['crashes']),
    restarts: head.restarts,
    retractedAt: numberOrNull(row['retracted_at']),
    retractedWith: retractedWith === 'message' || retractedWith === 'guild' ? retractedWith : null,
    emptied: row['emptied'] === 1,
  };
}

async function writeAll(
  db: DatabaseSync,
  inputs: () => Promise<PictureStore>,
  records: AsyncIterable<MovedRecord>,
): Promise<void> {
  const there = Number(db.prepare('SELECT count(*) AS n FROM jobs').get()!['n']);
  if (there > 0) throw occupied(there);
  const kept: string[] = [];
  db.exec('BEGIN IMMEDIATE');
  try {
    // Nobody knew anything yet: what a program noted at an empty start goes.
    for (const table of ['measurements', 'pledges', 'user_lines', 'guild_lines', 'line_mode']) {
      db.exec(`DELETE FROM ${table}`);
    }
    const take = takerOf(db);
    for await (const record of records) {
      if (record.kind === 'input') {
        await (await inputs()).put(record.sha256, record.bytes);
        kept.push(record.sha256);
      } else take(record);
    }
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    for (const sha256 of kept) await (await inputs()).delete(sha256).catch(() => {});
    throw error;
  }
}

function jobTakerOf(db: DatabaseSync): (moved: MovedJob) => void {
  const addName = db.prepare('INSERT OR IGNORE INTO inputs (hash, job) VALUES (?, ?)');
  const addJob = db.prepare(`
    INSERT INTO jobs (id, key, guild_id, user_id, parent_id, weight, request, context, model, pixels, images, guided,
      evaluations, work, status, attempt, charged, created_at, started_at, finished_at, result, failure, delivered,
      crashes, restarts, retracted_at, retracted_with, emptied)
    VALUES ($id, $key, $guildId, $userId, $parentId, $weight, $request, $context, $model, $pixels, $images, $guided,
      $evaluations, $work, $status, $attempt, $charged, $createdAt, $startedAt, $finishedAt, $result, $failure,
      $delivered, $crashes, $restarts, $retractedAt, $retractedWith, $emptied)`);

  return (moved) => {
    const { hashes, needs: _, work, ...job } = moved;
    const { evaluations = 0 } = work as Partial<Work>;
    const { lastInsertRowid: seq } = addJob.run({
      ...job,
      // Older columns, which nothing reads where there is `work`.
      pixels: 0,
      images: 0,
      guided: 0,
      evaluations,
      work: JSON.stringify(work),
      delivered: Number(job.delivered),
      emptied: Number(job.emptied),
    });
    for (const hash of hashes) addName.run(hash, seq);
  };
}

function takerOf(db: DatabaseSync): (record: Exclude<MovedRecord, { kind: 'input' }>) => void {
  const addMode = db.prepare('INSERT OR REPLACE INTO line_mode (id, mode) VALUES (1, ?)');
  const addFigures = db.prepare('INSERT INTO measurements (model, figures) VALUES (?, ?)');
  const addDeferral = db.prepare('INSERT INTO pledges VALUES (?, ?, ?)');
  const setClock = db.prepare('UPDATE clock SET time = ?');
  const addGuild = db.prepare('INSERT INTO guild_lines VALUES (?, ?, ?)');
  const addUser = db.prepare('INSERT INTO user_lines VALUES (?, ?, ?)');
  const takeJob = jobTakerOf(db);

  return (record) => {
    switch (record.kind) {
      case 'mode':
        return void addMode.run(JSON.stringify(record.mode satisfies LineMode));
      case 'measurement': {
        const { measurement } = record;
        return void addFigures.run(
          measurement.model,
          JSON.stringify(measurement satisfies Measurement),
        );
      }
      case 'pledge': {
        const { key, context, createdAt } = record.pledge;
        return void addDeferral.run(key, JSON.stringify(context), createdAt);
      }
      case 'lines': {
        setClock.run(record.lines.clock);
        for (const { id, tag, clock, users } of record.lines.guilds) {
          addGuild.run(id, tag, clock);
          for (const [user, own] of Object.entries(users)) addUser.run(id, user, own);
        }
        return;
      }
      case 'job':
        takeJob(record.job);
    }
  };
}

const textOrNull = (value: SQLOutputValue | undefined) => (value == null ? null : String(value));
const numberOrNull = (value: SQLOutputValue | undefined) => (value == null ? null : Number(value));
