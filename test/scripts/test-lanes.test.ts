import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { EARLY, type Kind } from '../support/machine/lane.ts';

const root = path.join(import.meta.dirname, '../..');
const { ALONE, layLanes, leftOver, writeLanes, writeOrder } = createRequire(import.meta.url)(
  '../../scripts/test-lanes.cjs',
) as {
  ALONE: readonly string[];
  layLanes(root: string, folder: string, lanes: number): string[];
  leftOver(folder: string): string[];
  writeLanes(root: string, folder: string, lanes: number): string[];
  writeOrder(folder: string, order: Record<Kind, readonly string[]>): void;
};

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-lanes-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('every test file stands in the order once, or has a process to itself', async (t) => {
  const folder = await emptyFolder(t);
  const processes = layLanes(root, folder, 3);
  assert.equal(processes.length, ALONE.length + 3);
  const order = leftOver(folder);
  const all = globSync('test/**/*.test.ts', { cwd: root });
  assert.deepEqual([...order, ...ALONE].toSorted(), all.toSorted());
  for (const [i, file] of ALONE.entries()) {
    assert.match(readFileSync(processes[i]!, 'utf8'), new RegExp(file));
  }
  // A lane computes while others wait.
  const lanes = processes.slice(ALONE.length).map((file) => readFileSync(file, 'utf8'));
  assert.deepEqual(
    lanes.map((text) => /'(waits|computes)'/.exec(text)?.[1]),
    ['waits', 'waits', 'computes'],
  );
});

/** A project of these test files, whose lanes are this project's. */
async function run(t: TestContext, files: Record<string, string>, lanes: number) {
  const folder = await emptyFolder(t);
  const names = Object.keys(files).map((name) => path.join(folder, name));
  for (const [i, text] of Object.values(files).entries()) await writeFile(names[i]!, text);
  const order = names.map((name) => path.relative(root, name));
  writeOrder(folder, { waits: order.slice(0, 1), computes: order.slice(1) });
  const processes = writeLanes(root, folder, lanes);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...processes], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  const left = leftOver(folder).map((name) => path.basename(name));
  return { status: child.status, said: child.stdout, left };
}

const HEAD = "import { after, before, test } from 'node:test';\n";

test('lanes share the files, each with its hooks, whatever another does', async (t) => {
  const { status, said, left } = await run(
    t,
    {
      'a.ts': `${HEAD}let on = true; after(() => { on = false; });
        globalThis.later = () => on; test('a waits', () => new Promise((end) => setTimeout(end, 50)));`,
      'load.ts': "throw new Error('does not load');",
      'hooks.ts': `${HEAD}before(() => { throw new Error('no beginning'); }); test('never runs', () => {});`,
      'end.ts': `${HEAD}after(() => { throw new Error('no end'); }); test('runs', () => {});`,
      'awaits.ts': `${HEAD}await new Promise((end) => setTimeout(end, 10)); test('after a wait', () => {});`,
      'last.ts': `${HEAD}test('a has ended', (t) => t.assert.equal(globalThis.later?.() ?? false, false));`,
    },
    1,
  );
  assert.equal(status, 1);
  assert.deepEqual(left, []);
  for (const good of ['a waits', 'runs', 'after a wait', 'a has ended']) {
    assert.match(said, new RegExp(`^ +ok \\d+ - ${good}$`, 'm'));
  }
  assert.match(said, /# tests 5\n# suites 6\n# pass 4\n/);
  for (const bad of ['does not load', 'no beginning', 'no end'])
    assert.match(said, new RegExp(bad));
});

test('two lanes run no file twice, and what a lane leaves by dying is named', async (t) => {
  const mark = (name: string) => `${HEAD}test('${name}', async () => {
    await new Promise((end) => setTimeout(end, 100));
  });`;
  const files = Object.fromEntries(
    ['a', 'b', 'c', 'd', 'e'].map((name) => [`${name}.ts`, mark(name)]),
  );
  const both = await run(t, files, 2);
  assert.equal(both.status, 0);
  assert.deepEqual(both.left, []);
  const ran = [...both.said.matchAll(/^ +ok \d+ - ([a-e])$/gm)].map(([, name]) => name);
  assert.deepEqual(ran.toSorted(), ['a', 'b', 'c', 'd', 'e']);
  const died = await run(
    t,
    { 'a.ts': `${HEAD}test('ends it', () => process.exit(0));`, 'b.ts': mark('b') },
    1,
  );
  assert.deepEqual(died.left, ['a.ts', 'b.ts']);
});

test('no suite waits while it is told: the runner would no longer know where its tests stand', () => {
  const isLate = (text: string) =>
    /\b(?:describe|suite)\((?:[^()]|\([^()]*\))*?,\s*async\b/.test(text);
  const files = globSync('test/**/*.test.ts', { cwd: root });
  const late = files.filter((file) => isLate(readFileSync(path.join(root, file), 'utf8')));
  assert.deepEqual(late, []);
  assert.ok(isLate("describe(\n  'a',\n  async () => {});"));
  assert.ok(!isLate("describe('a', () => {\n  test('b', async () => {});\n});"));
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
