import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/engine/errors.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-pictures-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('a picture comes back byte for byte, is replaced and goes', async () => {
  const home = path.join(folder, 'made', 'when-missing');
  const pictures = await openPictureStore(home);
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) & 255);
  assert.equal(await pictures.get('abc-0.png'), null);
  await pictures.put('abc-0.png', bytes);
  assert.deepEqual(new Uint8Array((await pictures.get('abc-0.png'))!), bytes);
  await pictures.put('abc-0.png', bytes.subarray(0, 5));
  assert.equal((await pictures.get('abc-0.png'))?.length, 5);
  assert.deepEqual(await readdir(home), ['abc-0.png']);
  const again = await openPictureStore(home);
  assert.equal((await again.get('abc-0.png'))?.length, 5);
  await again.delete('abc-0.png');
  await again.delete('abc-0.png');
  assert.equal(await again.get('abc-0.png'), null);
});

test('what a killed program left half-written is never a picture, and is swept', async () => {
  const home = path.join(folder, 'swept');
  await openPictureStore(home);
  await writeFile(path.join(home, '.0f0f-1.part'), 'half');
  await writeFile(path.join(home, '.keep'), 'not ours');
  const pictures = await openPictureStore(home);
  assert.deepEqual(await readdir(home), ['.keep']);
  await assert.rejects(pictures.get('.keep'), /not a picture key/);
});

test('keys cannot leave the folder', async () => {
  const pictures = await openPictureStore(path.join(folder, 'keys'));
  const bad = [
    '../x.png',
    'a/b.png',
    'a\\b.png',
    '',
    '.x',
    'A.png',
    'a\0',
    `a${'b'.repeat(81)}`,
    'ä.png',
  ];
  for (const key of bad) {
    await assert.rejects(pictures.put(key, new Uint8Array(1)), /not a picture key/);
    await assert.rejects(pictures.get(key), /not a picture key/);
    await assert.rejects(pictures.delete(key), /not a picture key/);
  }
});

test('a folder that cannot be written is a sentence', async () => {
  const file = path.join(folder, 'a-file');
  await writeFile(file, '');
  await assert.rejects(openPictureStore(path.join(file, 'pictures')), (error) => {
    return (
      error instanceof UserError &&
      error.message.includes('a-file') &&
      /DATA_DIR/.test(error.message)
    );
  });
});
