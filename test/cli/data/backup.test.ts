import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packTar } from 'modern-tar';
import { backUp } from '../../../src/cli/data/backup-command.ts';
import { bringBack } from '../../../src/cli/data/restore-command.ts';
import { makeBackup } from '../../../src/cli/data/make-backup.ts';
import { restoreBackup } from '../../../src/cli/data/restore-backup.ts';
import { claimDataFolder, RESTORED } from '../../../src/data-folder.ts';
import { openStars } from '../../../src/bot/stores/stars.ts';
import { openQueue, QUEUE_SCHEMA } from '../../../src/queue/queue.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { NO_SMALL_DISK, openSmallDisk } from '../../support/machine/small-disk.ts';
import { commandsOnOneEngine } from '../in-process.ts';
import { LIMITS, openFolder, ROOT, run, temporaryFolder } from './data-folders.ts';

const signal = AbortSignal.timeout(600_000);
/** What the programs do, without their start. */
const commands = commandsOnOneEngine({});
const backUpInto = (dataDir: string, file: string) =>
  makeBackup({ dataDir, file, version: 'test', signal });

/** Everything a restored folder's record names is there, with the bytes it had. */
async function assertWhole(
  folder: string,
  least: number,
  beingRemoved: readonly string[] = [],
): Promise<string[]> {
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits: LIMITS });
  const jobs = await queue.archive.recent({ limit: 10_000 });
  assert.ok(jobs.length >= least, `${jobs.length} jobs`);
  let missing = 0;
  for (const { id, result } of jobs) {
    for (const { key } of result?.images ?? []) {
      const found = await stat(path.join(folder, 'pictures', key)).catch(() => null);
      // Its file went before its record did, and the moment of the backup lay between.
      if (found === null && beingRemoved.includes(id)) missing++;
      else assert.equal(found?.size, 2000, key);
    }
    assert.equal((await queue.archive.request(id))?.kind, 'found');
  }
  assert.ok(missing <= 1, `${missing} pictures are missing`);
  await queue.close();
  return jobs.map(({ id }) => id);
}

test('a backup made while the bot goes on painting and removing comes back as it was at one moment', async (t) => {
  const folder = await temporaryFolder(t);
  const dataDir = path.join(folder, 'data');
  const open = await openFolder(dataDir);
  const first = await open.paint(40);
  await mkdir(path.join(dataDir, 'weights'));
  await writeFile(path.join(dataDir, 'weights', 'cache'), 'large');
  await writeFile(path.join(dataDir, 'calibration.json'), '{}');

  let goesOn = true;
  const painting = (async () => {
    const gone = first.slice(0, 20);
    while (goesOn) {
      await open.paint(1);
      // No bot paints without a pause: a copy would never catch up.
      await sleep(20);
      const id = gone.pop();
      if (id === undefined) continue;
      await open.pictures.delete(`${id}-0.png`);
      await open.queue.archive.forget([id]);
    }
  })();
  const file = path.join(folder, 'backup.tar');
  const made = await run('backup', [file, '--json'], { DATA_DIR: dataDir });
  goesOn = false;
  await painting;
  assert.equal(made.code, 0, made.stderr);
  assert.equal(JSON.parse(made.stdout).databases, 2);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(folder)).toSorted(), ['backup.tar', 'data']);
  assert.deepEqual(
    (await readdir(path.join(dataDir, 'pictures'))).filter((name) => name.startsWith('.')),
    [],
    'nothing is held any longer',
  );
  await open.close();

  const again = path.join(folder, 'again');
  const restored = await run('restore', [file], { DATA_DIR: again });
  assert.equal(restored.code, 0, restored.stderr);
  await assertWhole(again, 40, first.slice(0, 20));
  const stars = openStars({ file: path.join(again, 'settings.db'), log: memoryLog().log });
  assert.ok((await stars.of('u')).length >= 10);
  await stars.close();
  const names = (await readdir(again)).filter((name) => !/\.(?:lock|headroom)/.test(name));
  assert.deepEqual(names.toSorted(), [
    'calibration.json',
    'pictures',
    'queue.db',
    'queue.db.inputs',
    'settings.db',
  ]);
  assert.equal((await stat(path.join(again, 'pictures'))).mode & 0o777, 0o700);

  // Other programs read it, too.
  const plain = path.join(folder, 'plain');
  await mkdir(plain);
  assert.equal(spawnSync('tar', ['xf', file, '-C', plain]).status, 0);
  const sums = spawnSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: plain });
  assert.equal(sums.status, 0, String(sums.stderr));
});

test('what is removed after the first look is in the backup, because its record is', async (t) => {
  const folder = await temporaryFolder(t);
  const open = await openFolder(path.join(folder, 'data'));
  t.after(() => open.close());
  const ids = await open.paint(6);
  let removed = false;
  const file = path.join(folder, 'backup.tar');
  await makeBackup({
    dataDir: open.folder,
    file,
    version: 'test',
    signal,
    onProgress() {
      if (removed) return;
      removed = true;
      for (const id of ids) void open.pictures.delete(`${id}-0.png`);
    },
  });
  assert.ok(removed);
  const again = path.join(folder, 'again');
  await restoreBackup({ dataDir: again, file, signal });
  assert.deepEqual((await assertWhole(again, 6)).toSorted(), ids.toSorted());
});

test('the last writes of a killed program are in the backup of its folder', async (t) => {
  const folder = await temporaryFolder(t);
  const dataDir = path.join(folder, 'data');
  const script = `import { openFolder } from ${JSON.stringify(path.join(import.meta.dirname, 'data-folders.ts'))};
    await (await openFolder(${JSON.stringify(dataDir)})).paint(5); process.kill(process.pid, 'SIGKILL');`;
  const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(killed.signal, 'SIGKILL', String(killed.stderr));
  assert.ok((await stat(path.join(dataDir, 'queue.db-wal'))).size > 0);
  const file = path.join(folder, 'backup.tar');
  await backUpInto(dataDir, file);
  await restoreBackup({ dataDir: path.join(folder, 'again'), file, signal });
  await assertWhole(path.join(folder, 'again'), 5);
});

test(
  'a disk that becomes full in the middle leaves nothing half, and a sentence',
  { skip: NO_SMALL_DISK },
  async (t) => {
    const folder = await temporaryFolder(t);
    const open = await openFolder(path.join(folder, 'data'));
    t.after(() => open.close());
    await open.paint(6, 300_000);
    const disk = await openSmallDisk(path.join(folder, 'disk'), 6);
    t.after(() => disk.close());
    const file = path.join(folder, 'backup.tar');
    await backUpInto(open.folder, file);
    const script = path.join(import.meta.dirname, 'on-full-disk.ts');
    const words = [process.execPath, script, path.join(folder, 'disk'), open.folder, file];
    const [command = '', ...args] = [...disk.within, ...words];
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    type Told = { said: string; left: readonly string[] };
    const lines = stdout.trim().split('\n');
    const [half, none, full, whole] = lines.map((line) => JSON.parse(line) as Told);
    assert.match(half!.said, /found no room: the disk is full\. Nothing half was left/, stderr);
    assert.deepEqual(half!.left, ['others']);
    // And where there is too little from the beginning, nothing is begun.
    assert.match(none!.said, /takes 1\.9 MB, and there are .* free/, stderr);
    // A restore onto such a disk.
    assert.match(full!.said, /found no room: the disk is full\. Nothing was changed/, stderr);
    const others = full!.left.filter((name) => !/^(?:others|again)$|^again.in-use/.test(name));
    assert.deepEqual(others, []);
    assert.equal(whole!.said, 'done', stderr);
  },
);

test('a backup that was killed is swept up by the next one', async (t) => {
  const folder = await temporaryFolder(t);
  const dataDir = path.join(folder, 'data');
  const open = await openFolder(dataDir);
  await open.paint(8, 3_000_000);
  await open.close();
  const file = path.join(folder, 'backup.tar');
  const child = spawn(
    process.execPath,
    [path.join(ROOT, 'scripts/run.cjs'), 'src/cli/backup.ts', file],
    { env: { ...process.env, DATA_DIR: dataDir }, stdio: 'ignore' },
  );
  const part = `${file}.part`;
  while (child.exitCode === null && ((await stat(part).catch(() => null))?.size ?? 0) < 1e6)
    await sleep(1);
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await assert.rejects(stat(file), /ENOENT/);
  assert.ok((await stat(path.join(dataDir, 'pictures', '.held-for-backup'))).isDirectory());
  await backUpInto(dataDir, file);
  const left = (await readdir(path.join(dataDir, 'pictures'))).filter((name) => name.startsWith('.'));
  assert.deepEqual(left, []);
  assert.ok(!(await readdir(folder)).some((name) => name.endsWith('.part')));
});

test('pictures on another disk, behind a link, are in the backup; a disk’s own folder stands in no way', async (t) => {
  const folder = await temporaryFolder(t);
  const open = await openFolder(path.join(folder, 'data'));
  await open.paint(3);
  await open.close();
  await rename(path.join(open.folder, 'pictures'), path.join(folder, 'larger disk'));
  await symlink(path.join(folder, 'larger disk'), path.join(open.folder, 'pictures'));
  const file = path.join(folder, 'backup.tar');
  assert.equal((await backUpInto(open.folder, file)).pictures, 3);
  const again = path.join(folder, 'again');
  await mkdir(path.join(again, 'lost+found'), { recursive: true });
  await restoreBackup({ dataDir: again, file, signal });
  await assertWhole(again, 3);
});

test('places where no backup can lie are refused, each in a sentence', async (t) => {
  const folder = await temporaryFolder(t);
  const dataDir = path.join(folder, 'data');
  const open = await openFolder(dataDir);
  await open.paint(1);
  await open.close();
  const there = path.join(folder, 'there.tar');
  await writeFile(there, 'mine');
  const refusals: readonly [data: string, file: string, words: RegExp][] = [
    [dataDir, there, /is there already/],
    [dataDir, path.join(dataDir, 'x.tar'), /inside the data folder/],
    [dataDir, path.join(folder, 'no', 'x.tar'), /There is no folder/],
    [path.join(folder, 'no'), path.join(folder, 'x.tar'), /There is no data folder/],
    [folder, '/tmp/never.tar', /holds no database of Darkroom/],
  ];
  for (const [data, file, words] of refusals) await assert.rejects(backUpInto(data, file), words);
  assert.equal(await readFile(there, 'utf8'), 'mine');
  for (const args of [[], ['a', 'b'], ['--fast', 'a']]) {
    assert.equal((await commands.run(backUp, args, { DATA_DIR: dataDir })).code, 2);
  }
  const inFolder = await commands.run(backUp, [folder], { DATA_DIR: dataDir });
  assert.match(inFolder.stdout, /darkroom-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.tar holds 2 databases and 1 pictures/);
});

test('a restore goes into an empty folder that nobody uses, and nowhere else', async (t) => {
  const folder = await temporaryFolder(t);
  const open = await openFolder(path.join(folder, 'data'));
  await open.paint(2);
  await open.close();
  const file = path.join(folder, 'backup.tar');
  await backUpInto(open.folder, file);

  const running = path.join(folder, 'running');
  const release = await claimDataFolder(running);
  t.after(release);
  const refused = await commands.run(bringBack, [file], { DATA_DIR: running });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /Another Darkroom is running/);

  const before = (await readdir(open.folder)).toSorted();
  const intoFull = restoreBackup({ dataDir: open.folder, file, signal });
  await assert.rejects(intoFull, /is not empty \(pictures, queue\.db, .*move this one away/);
  const db = new DatabaseSync(path.join(open.folder, 'queue.db'));
  db.exec(`PRAGMA user_version = ${QUEUE_SCHEMA + 1}`);
  db.close();
  const intoNewer = restoreBackup({ dataDir: open.folder, file, signal });
  await assert.rejects(intoNewer, /newer Darkroom: queue\.db \(schema/);
  const after = (await readdir(open.folder)).toSorted();
  assert.deepEqual(
    after.filter((name) => !name.startsWith('in-use')),
    before.filter((name) => !name.startsWith('in-use')),
  );
});

test('a backup of a newer Darkroom is refused, with the database that is newer', async (t) => {
  const folder = await temporaryFolder(t);
  const open = await openFolder(path.join(folder, 'data'));
  await open.close();
  for (const [name, schema] of [
    ['queue.db', QUEUE_SCHEMA + 3],
    ['settings.db', 2],
  ] as const) {
    const db = new DatabaseSync(path.join(open.folder, name));
    const { user_version: own } = db.prepare('PRAGMA user_version').get()!;
    db.exec(`PRAGMA user_version = ${schema}`);
    const file = path.join(folder, `${name}.tar`);
    await backUpInto(open.folder, file);
    const again = path.join(folder, 'again');
    await assert.rejects(
      restoreBackup({ dataDir: again, file, signal }),
      new RegExp(`newer Darkroom: ${name} \\(schema ${schema}, this one knows up to ${own}\\)`),
    );
    db.exec(`PRAGMA user_version = ${own}`);
    db.close();
  }
});

test('damaged, cut and foreign files are refused in a sentence, and nothing is changed', async (t) => {
  const folder = await temporaryFolder(t);
  const open = await openFolder(path.join(folder, 'data'));
  await open.paint(3);
  await open.close();
  const good = path.join(folder, 'backup.tar');
  await backUpInto(open.folder, good);
  const bytes = await readFile(good);
  const file = path.join(folder, 'bad.tar');
  const again = path.join(folder, 'again');
  const refuses = async (content: Uint8Array, words: RegExp) => {
    await writeFile(file, content);
    await assert.rejects(restoreBackup({ dataDir: again, file, signal }), words);
    const left = (await readdir(again)).filter((name) => !name.startsWith('in-use'));
    assert.deepEqual(left, []);
  };
  // One bit of a picture, of a database, of a header.
  const picture = Math.floor(bytes.indexOf('-0.png') / 512) * 512 + 600;
  const header = bytes.indexOf('settings.db\0');
  for (const at of [picture, 2048, header + 125]) {
    const other = Buffer.from(bytes);
    other[at] = other[at]! ^ 4;
    await refuses(other, /is damaged|damaged queue\.db/);
  }
  for (const length of [bytes.length - 1024 * 4, Math.floor(bytes.length / 2 / 512) * 512, 3000]) {
    await refuses(bytes.subarray(0, length), /damaged or was cut off/);
  }
  await refuses(Buffer.from('hello'), /no backup of Darkroom/);
  await refuses(Buffer.alloc(0), /no backup of Darkroom/);
  await refuses(Buffer.alloc(10_240), /no backup of Darkroom/);
  await assert.rejects(
    restoreBackup({ dataDir: again, file: path.join(folder, 'nothing'), signal }),
    /There is no file/,
  );

  const note = { name: 'darkroom-backup.json', type: 'file', size: 0 } as const;
  const body = JSON.stringify({ format: 1, schemas: {} });
  const hostile = async (name: string, type: 'file' | 'symlink' = 'file') =>
    Buffer.from(
      await packTar([
        { header: { ...note, size: body.length }, body },
        { header: { name, type, size: type === 'file' ? 1 : 0, linkname: '/etc' }, body: type === 'file' ? 'x' : '' },
      ]),
    );
  for (const name of ['../out', '/etc/out', 'a/../../out', 'c:\\out', 'darkroom-backup.json']) {
    await refuses(await hostile(name), /holds an entry that no backup holds/);
  }
  await refuses(await hostile('link', 'symlink'), /holds an entry that no backup holds/);
  const other = await packTar([{ header: { name: 'a.txt', size: 1 }, body: 'x' }]);
  await refuses(Buffer.from(other), /no backup of Darkroom/);
  await assert.rejects(stat(path.join(folder, 'out')), /ENOENT/);
  await truncate(file);
});

test('a restore that was cut short after its commit is ended by the next start', async (t) => {
  const folder = await temporaryFolder(t);
  const open = await openFolder(path.join(folder, 'data'));
  await open.paint(2);
  await open.close();
  // As a kill leaves it: some names are moved, some are not.
  const half = path.join(folder, 'half');
  await mkdir(path.join(half, RESTORED), { recursive: true });
  for (const name of ['pictures', 'queue.db.inputs', 'settings.db']) {
    assert.equal(spawnSync('cp', ['-r', path.join(open.folder, name), path.join(half, RESTORED)]).status, 0);
  }
  assert.equal(spawnSync('cp', [path.join(open.folder, 'queue.db'), half]).status, 0);
  await assert.rejects(backUpInto(half, path.join(folder, 'b.tar')), /restore into .* was cut short/);
  (await claimDataFolder(half))();
  assert.ok(!(await readdir(half)).includes(RESTORED));
  await assertWhole(half, 2);
});
