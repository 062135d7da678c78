import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { isDiskFull } from '../../../../src/queue/pictures.ts';
import { openSqliteFile } from '../../../../src/queue/sqlite/file/sqlite-file.ts';
import { createSqliteStore } from '../../../../src/queue/sqlite/sqlite-store.ts';

test('a write that finds no room gives up the reserve; a later one does not fail for it', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-reserve-'));
  const file = path.join(folder, 'queue.db');
  const opened = await openSqliteFile(file);
  t.after(async () => {
    opened.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { db } = opened;
  const store = createSqliteStore(opened);
  assert.ok(existsSync(`${file}.headroom`));
  const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number };
  db.exec(`CREATE TABLE notes (note BLOB); PRAGMA max_page_count = ${pages + 4}`);
  const note = (bytes: number) => () => db.exec(`INSERT INTO notes VALUES (zeroblob(${bytes}))`);
  assert.throws(() => store.transaction(note(1e6)), isDiskFull);
  assert.ok(!existsSync(`${file}.headroom`));
  store.transaction(note(10));
  const { kept } = db.prepare('SELECT count(*) AS kept FROM notes').get() as { kept: number };
  assert.equal(kept, 1);
  const log = db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() as { log: number };
  assert.ok(log.log <= 4, 'the log was begun anew');
});
