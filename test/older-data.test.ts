import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { startPlayground } from '../playground/playground.ts';
import { PLAYGROUND_SCHEMA } from '../playground/store/store.ts';
import { SETTINGS_SCHEMA } from '../src/rows/row-file.ts';
import { openSettings } from '../src/bot/stores/settings.ts';
import { makeBackup } from '../src/cli/data/make-backup.ts';
import { restoreBackup } from '../src/cli/data/restore-backup.ts';
import { KNOWN_SCHEMAS, refuseNewerData } from '../src/data-versions.ts';
import { openPictureStore } from '../src/queue/pictures.ts';
import { openQueue, QUEUE_SCHEMA } from '../src/queue/queue.ts';
import { memoryLog } from './support/memory-log.ts';
import { patience } from './support/machine/patience.ts';

/** Folders that the program of each schema wrote itself, and left when it was killed (make.mjs). */
const FIXTURES = path.join(import.meta.dirname, 'fixtures/data-folders');
const GUILD_STEPS = 7;
const LIMITS = { waitingPerUser: 100, waitingPerGuild: 100 };
const { signal } = new AbortController();

type Ends = { after(fn: () => unknown): void };

async function unpack(t: Ends, name: string): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-older-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const tar = zstdDecompressSync(await readFile(path.join(FIXTURES, name)));
  for (const { header, data } of await unpackTar(tar)) {
    const target = path.join(folder, header.name);
    if (header.type === 'directory') await mkdir(target, { recursive: true });
    else await writeFile(target, data ?? '');
  }
  return folder;
}

/** What the folder holds, read by this version: two pictures, an order that ran and one that waited, a setting. */
async function assertKept(folder: string): Promise<void> {
  const playground = await startPlayground({
    port: 0,
    dataFile: path.join(folder, 'playground.db'),
  });
  await playground.close();
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits: LIMITS });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const jobs = (await queue.archive.recent({ limit: 99 })).toReversed();
  const states = jobs.map(({ status, delivered }) => [status, delivered]);
  assert.deepEqual(states, [
    ['done', true],
    ['done', true],
    ['waiting', false],
    ['waiting', false],
  ]);
  for (const { id, result } of jobs) {
    const found = await queue.archive.request(id);
    assert.ok(found?.kind === 'found');
    assert.match(found.request.prompt, /^a (?:red star|blue house|green tree|yellow boat)$/);
    for (const { key } of result?.images ?? []) assert.ok(await pictures.get(key), key);
  }
  const { guildId } = jobs[0]!;
  await queue.close();
  const { log, lines } = memoryLog();
  const settings = openSettings({ file: path.join(folder, 'settings.db'), log });
  assert.equal((await settings.defaults(guildId)).steps, GUILD_STEPS);
  await settings.close();
  assert.deepEqual(lines, []);
}

const names = (await readdir(FIXTURES)).filter((name) => name.endsWith('.tar.zst')).toSorted();

test('there is a folder of every schema that a released version wrote', () => {
  const schemas = names.map((name) => Number(/\d+/.exec(name)?.[0])).toSorted((a, b) => a - b);
  // The first version began with its second schema.
  assert.deepEqual(
    schemas,
    Array.from(schemas, (_, index) => index + 2),
  );
  assert.ok(schemas.length >= 8);
});

for (const name of names) {
  test(`the data folder of ${name} opens, and so does its backup`, async (t) => {
    const folder = await unpack(t, name);
    const schema = Number(/\d+/.exec(name)?.[0]);
    // Before anything opens and changes it.
    const file = path.join(folder, '..', `${path.basename(folder)}.tar`);
    const again = `${folder}-again`;
    t.after(() => rm(file, { force: true }));
    t.after(() => rm(again, { recursive: true, force: true }));
    await makeBackup({ dataDir: folder, file, version: 'test', signal });
    const { note } = await restoreBackup({ dataDir: again, file, signal });
    assert.equal(note.schemas['queue.db'], schema);
    await assertKept(again);
    await assertKept(folder);
  });
}

test('the program itself goes on with the order that the oldest version was killed at', async (t) => {
  const folder = await unpack(t, names[0]!);
  const child = spawn(
    process.execPath,
    [path.join(import.meta.dirname, '../scripts/run.cjs'), 'src/main.ts'],
    {
      env: {
        ...process.env,
        DATA_DIR: folder,
        MODELS_DIR: path.join(import.meta.dirname, '../models'),
        DEVICE: 'cpu',
        PLAYGROUND_PORT: '0',
        LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  t.after(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (data) => (errors += data));
  const until = performance.now() + patience(60_000);
  const runs = () => {
    const db = new DatabaseSync(path.join(folder, 'queue.db'), { readOnly: true, timeout: 5000 });
    const found = db.prepare(`SELECT 1 FROM jobs WHERE status = 'running' AND attempt > 1`).get();
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    db.close();
    return version === QUEUE_SCHEMA && found !== undefined;
  };
  while (!runs()) {
    assert.ok(child.exitCode === null && performance.now() < until, errors);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(errors, '');
});

test('a folder of a newer version is refused with every database that is newer, and nothing in it changes', async (t) => {
  const folder = await unpack(t, names.at(-1)!);
  assert.deepEqual(KNOWN_SCHEMAS, {
    'queue.db': QUEUE_SCHEMA,
    'settings.db': SETTINGS_SCHEMA,
    'playground.db': PLAYGROUND_SCHEMA,
  });
  const raise = (name: string, by: number) => {
    const db = new DatabaseSync(path.join(folder, name));
    db.exec(`PRAGMA user_version = ${KNOWN_SCHEMAS[name]! + by}`);
    db.close();
  };
  const start = async () => {
    const child = spawn(
      process.execPath,
      [path.join(import.meta.dirname, '../scripts/run.cjs'), 'src/main.ts'],
      {
        env: { ...process.env, DATA_DIR: folder, PLAYGROUND_PORT: '0' },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let said = '';
    child.stderr.on('data', (data) => (said += data));
    const [code] = await once(child, 'exit');
    assert.equal(code, 1);
    return said;
  };
  for (const name of Object.keys(KNOWN_SCHEMAS)) {
    raise(name, 1);
    assert.throws(
      () => refuseNewerData(folder),
      new RegExp(`written by a newer Darkroom: ${name} \\(schema \\d+, this one`),
    );
    raise(name, 0);
  }
  for (const name of Object.keys(KNOWN_SCHEMAS)) raise(name, 2);
  const before = await readFile(path.join(folder, 'queue.db'));
  assert.match(await start(), /queue\.db \(.*settings\.db \(.*playground\.db \(.*Update Darkroom/);
  assert.deepEqual(await readFile(path.join(folder, 'queue.db')), before);
});
