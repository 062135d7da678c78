import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.join(import.meta.dirname, '../..');
const { EARLY, writeGroups } = createRequire(import.meta.url)('../../scripts/test-groups.cjs') as {
  EARLY: readonly string[];
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
  assert.ok(groups.every((files) => files.length > 0 && files.length <= 10));
  const kill = path.join('test', 'e2e', 'painting', 'imagine.test.ts');
  assert.deepEqual(
    groups.find((files) => files.includes(kill)),
    [kill],
  );
  // Those that wait do not stand together.
  const waits = groups.map(([file]) => file!.startsWith(path.join('test', 'e2e')));
  assert.ok(waits.every((_, i) => i < 5 || !waits.slice(i - 5, i).every(Boolean)));
});

/** Programs and threads of their own: no test imports them. */
const PROGRAMS: readonly string[] = [
  'src/engine/network/sharing/session-thread.ts',
  'test/cli/data/on-full-disk.ts',
  'test/queue/sqlite/kill-child.ts',
  'test/support/discord/playground-process.ts',
];

test('what awaits something while it is loaded is loaded before the tests', () => {
  const files = globSync(['{src,commands,playground,test}/**/*.ts'], { cwd: root });
  const waiting = files
    .filter((file) => !/\.test\.ts$|node_modules|fixtures/.test(file))
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => awaits(readFileSync(path.join(root, file), 'utf8')));
  assert.deepEqual(
    waiting.filter((file) => !PROGRAMS.includes(file)),
    EARLY,
  );
  assert.ok(awaits('const a = 1;\nexport const b =\n  await c();\n'));
  assert.ok(!awaits('async function f() {\n  await g();\n}\n'));
});

/** At the top level, outside of functions and of what runs only where the file is the program. */
function awaits(text: string): boolean {
  const own = text.replace(/^if \(import\.meta\.main\) \{[^]*?^\}/gm, '');
  return /^(?:await |(?:export )?(?:const|let) (?:(?!=>|\basync\b)[^\n])*?(?:=\n *|\b)await )/m.test(
    own,
  );
}
