import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { extract, listZip } from '../../../src/cli/cuda/zip.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { makeZip } from './make-zip.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'zip-'));
after(() => rmSync(folder, { recursive: true }));

const FILES = {
  'nvidia/cu13/lib/libcudart.so.13': Buffer.concat([randomBytes(100_000), Buffer.alloc(100_000)]),
  'empty.txt': Buffer.alloc(0),
  'späße/ü.txt': Buffer.from('grüße'),
};

function fileOf(bytes: Uint8Array): string {
  const file = path.join(folder, 'archive.zip');
  writeFileSync(file, bytes);
  return file;
}

test('every file comes out as it went in: packed, stored, with 64-bit sizes, with a comment behind', async () => {
  for (const options of [{}, { store: true }, { large: true }]) {
    const zip = makeZip(FILES, options);
    const comment = Buffer.concat([zip, Buffer.from('a comment')]);
    comment.writeUInt16LE(9, zip.length - 2);
    for (const bytes of [zip, comment]) {
      const file = fileOf(bytes);
      const entries = await listZip(file);
      assert.deepEqual(
        entries.map(({ name }) => name),
        Object.keys(FILES),
      );
      for (const entry of entries) {
        const target = path.join(folder, 'out');
        await extract(file, entry, target);
        assert.deepEqual(readFileSync(target), FILES[entry.name as keyof typeof FILES]);
      }
    }
  }
});

test('a damaged archive is refused in words, and leaves nothing behind', async () => {
  const zip = makeZip({ 'lib/liba.so.1': randomBytes(3000) });
  const target = path.join(folder, 'target');
  const tryOut = async (bytes: Uint8Array): Promise<void> => {
    const file = fileOf(bytes);
    try {
      for (const entry of await listZip(file)) await extract(file, entry, target);
      rmSync(target, { force: true });
    } catch (error) {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, /is no archive, or a damaged one/);
      assert.ok(!readdirSync(folder).some((name) => name.startsWith('target')));
    }
  };
  for (let at = 0; at < zip.length; at += 37) {
    await tryOut(zip.subarray(0, at));
    const turned = Buffer.from(zip);
    turned[at] = ~turned[at]! & 0xff;
    await tryOut(turned);
  }
  const wrong = Buffer.from(zip);
  wrong[1000] = ~wrong[1000]! & 0xff;
  await assert.rejects(async () => {
    const file = fileOf(wrong);
    for (const entry of await listZip(file)) await extract(file, entry, target);
  }, UserError);
});
