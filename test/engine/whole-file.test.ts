import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { fillWhole, writeWhole } from '../../src/engine/whole-file.ts';

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-whole-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('what cannot be written leaves the file as it was, and no draft', async (t) => {
  const folder = await newFolder(t);
  const file = path.join(folder, 'kept.json');
  await writeWhole(file, 'before');
  const broken = fillWhole(file, async (draft) => {
    await draft.writeFile('half');
    throw new Error('no more of it came');
  });
  await assert.rejects(broken, /no more of it came/);
  assert.equal(await readFile(file, 'utf8'), 'before');
  assert.deepEqual(await readdir(folder), ['kept.json']);

  // Written, but it cannot have its name.
  const taken = path.join(folder, 'taken');
  await mkdir(path.join(taken, 'inside'), { recursive: true });
  await assert.rejects(writeWhole(taken, 'after'));
  assert.deepEqual((await readdir(folder)).toSorted(), ['kept.json', 'taken']);
  assert.deepEqual(await readdir(taken), ['inside']);

  await assert.rejects(writeWhole(path.join(folder, 'absent', 'a'), 'x'), { code: 'ENOENT' });
});

test('of two writers at once the file is one’s, and whole whenever somebody looks', async (t) => {
  const folder = await newFolder(t);
  const file = path.join(folder, 'two.bin');
  const contents = [Buffer.alloc(3_000_000, 1), Buffer.alloc(1_000_000, 2)] as const;
  await writeWhole(file, contents[0]);
  for (const durable of [true, false]) {
    for (let round = 0; round < 5; round++) {
      const writing = Promise.all(contents.map((one) => writeWhole(file, one, { durable })));
      let isWritten = false;
      void writing.finally(() => (isWritten = true)).catch(() => {});
      do {
        const seen = await readFile(file);
        assert.ok(contents.some((one) => one.equals(seen)));
      } while (!isWritten);
      await writing;
    }
  }
  assert.deepEqual(await readdir(folder), ['two.bin']);
});

test('a file has the mode that is asked for, whatever the one before had', async (t) => {
  if (process.platform === 'win32') return t.skip('Windows has no such modes');
  const file = path.join(await newFolder(t), 'secret');
  const modeOf = async () => (await stat(file)).mode & 0o777;
  await writeWhole(file, 'for all');
  assert.equal(await modeOf(), 0o666 & ~process.umask());
  await writeWhole(file, 'for one', { mode: 0o600 });
  assert.equal(await modeOf(), 0o600);
  await fillWhole(file, (draft) => draft.writeFile('for one, piece by piece'), { mode: 0o600 });
  assert.equal(await modeOf(), 0o600);
});

test('a draft is hidden and of its own name, or has the one it is told and replaces what lies there', async (t) => {
  const folder = await newFolder(t);
  const file = path.join(folder, 'large');
  const look = async () => (await readdir(folder)).filter((name) => name.endsWith('.part'));
  const [hidden = ''] = await fillWhole(file, look);
  assert.match(hidden, /^\.[0-9a-f-]{36}\.part$/);
  assert.notDeepEqual(await fillWhole(file, look), [hidden]);

  await writeFile(path.join(folder, 'large.7.part'), 'left by a program that was killed');
  const seen = await fillWhole(
    file,
    async (draft) => {
      await draft.writeFile('whole');
      return look();
    },
    { draft: 'large.7.part' },
  );
  assert.deepEqual(seen, ['large.7.part']);
  assert.equal(await readFile(file, 'utf8'), 'whole');
  assert.deepEqual(await readdir(folder), ['large']);
});
