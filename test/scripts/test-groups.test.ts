import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.join(import.meta.dirname, '../..');
const { writeGroups } = createRequire(import.meta.url)('../../scripts/test-groups.cjs') as {
  writeGroups(root: string, folder: string): string[];
};

test('every test file stands in one group, and a long one has a process to itself', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-groups-'));
  t.after(() => rm(folder, { recursive: true }));
  const groups = writeGroups(root, folder).map((file) =>
    [...readFileSync(file, 'utf8').matchAll(/import\("(.+?)"\)/g)].map(([, href]) =>
      path.relative(root, fileURLToPath(href!)),
    ),
  );
  const all = globSync('test/**/*.test.ts', { cwd: root });
  assert.deepEqual(groups.flat().toSorted(), all.toSorted());
  assert.ok(groups.every((files) => files.length > 0 && files.length <= 6));
  const kill = path.join('test', 'e2e', 'imagine.test.ts');
  assert.deepEqual(
    groups.find((files) => files.includes(kill)),
    [kill],
  );
});
