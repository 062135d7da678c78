import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openKeyValueFile } from '../../../src/rows/row-file.ts';
import { openSettings, readSettings } from '../../../src/bot/stores/settings.ts';
import { memoryLog } from '../../support/memory-log.ts';

async function inFolder(work: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-settings-'));
  try {
    await work(path.join(folder, 'settings.sqlite'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('settings survive a restart, one row per server', async () => {
  await inFolder(async (file) => {
    const { log } = memoryLog();
    const first = openSettings({ file, log });
    await first.change('1', { steps: 30, sampler: 'euler' });
    await first.change('1', { size: { width: 512, height: 768 } });
    await first.change('2', { cfg: 5 });
    await first.close();

    const second = openSettings({ file, log });
    assert.deepEqual(await second.defaults('1'), {
      steps: 30,
      sampler: 'euler',
      size: { width: 512, height: 768 },
    });
    await second.reset('1', 'sampler');
    assert.deepEqual(await second.defaults('1'), { steps: 30, size: { width: 512, height: 768 } });
    await second.reset('1');
    assert.deepEqual(await second.defaults('1'), {});
    assert.deepEqual(await second.defaults('2'), { cfg: 5 });
    assert.deepEqual(await second.defaults(null), {});
    await second.close();
  });
});

test('a row that could not be stored is an error, not a silent loss', async () => {
  await inFolder(async (file) => {
    const { log, lines } = memoryLog();
    const settings = openSettings({ file, log });
    await settings.change('1', { steps: 30 });
    const other = new DatabaseSync(file);
    other.exec('DROP TABLE entries');
    await assert.rejects(settings.change('1', { steps: 31 }), /not stored/);
    assert.ok(lines.some((line) => line.level === 'error'));
    other.close();
    await settings.close();
  });
});

test('of a row by another version or a broken one, what is understood is kept', () => {
  const problems: string[] = [];
  const read = (row: unknown) => readSettings(row, (problem) => problems.push(problem)).defaults;
  assert.deepEqual(
    read({ version: 9, defaults: { steps: 25, sampler: 'gone', mood: 'blue', cfg: 'NaN' } }),
    { steps: 25 },
  );
  assert.equal(problems.length, 4);
  for (const row of ['x', 7, [], {}, { version: 1 }, { version: 1, defaults: null }]) {
    assert.deepEqual(read(row), {}, JSON.stringify(row));
  }
  assert.deepEqual(read({ version: 1, defaults: { steps: 0, count: 99, size: { width: 5 } } }), {});
  assert.deepEqual(read(undefined), {});
});

test('clear() removes one namespace only', async () => {
  await inFolder(async (file) => {
    const store = openKeyValueFile(file, memoryLog().log);
    await store.set('settings:1', 'a');
    await store.set('other:1', 'b');
    store.namespace = 'settings';
    await store.clear();
    assert.equal(await store.get('settings:1'), undefined);
    assert.equal(await store.get('other:1'), 'b');
    await store.disconnect?.();
  });
});

test('a damaged file is set aside and told, and everything begins anew', async () => {
  await inFolder(async (file) => {
    await writeFile(file, 'this is no database, whatever it was '.repeat(200));
    const { log, lines } = memoryLog();
    const settings = openSettings({ file, log });
    assert.deepEqual(await settings.change('1', { steps: 9 }), { steps: 9 });
    await settings.close();
    const told = lines.filter(({ level }) => level === 'error');
    assert.equal(told.length, 1);
    assert.match(told[0]?.message ?? '', /set aside/);
    const kept = (await readdir(path.dirname(file))).filter((name) => name.includes('.damaged-'));
    assert.equal(kept.length, 1);
    const again = openSettings({ file, log });
    assert.deepEqual(await again.defaults('1'), { steps: 9 });
    await again.close();
  });
});

test('a file without a version is taken over, one of a newer version is refused in words', async () => {
  await inFolder(async (file) => {
    const { log } = memoryLog();
    const settings = openSettings({ file, log });
    await settings.change('1', { steps: 9 });
    await settings.close();
    const set = (version: number) => {
      const db = new DatabaseSync(file);
      db.exec(`PRAGMA user_version = ${version}`);
      db.close();
    };
    set(0);
    const older = openSettings({ file, log });
    assert.deepEqual(await older.defaults('1'), { steps: 9 });
    await older.close();
    set(99);
    assert.throws(() => openSettings({ file, log }), /written by a newer Darkroom \(schema 99/);
  });
});
