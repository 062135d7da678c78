import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const script = path.join(import.meta.dirname, '../../scripts/release-notes.ts');
let folder: string;

const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
const commit = (message: string): string => git('commit', '-q', '--allow-empty', '-m', message);
const notes = (...args: string[]) =>
  spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8' });

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'darkroom-notes-'));
  git('init', '-q');
  commit('feat: the beginning');
  git('tag', 'v1.0.0');
  commit('feat(bot): a button\n\nWhy it is there.');
  commit('fix(queue, engine): a leak');
  commit('fix(queue, engine): a leak');
  commit('perf: twice as fast');
  commit('feat(cli)!: another word');
  commit(
    'feat: quotas\n\nBecause.\n\nBREAKING CHANGE: limits are kept\nelsewhere.\n\nSigned-off-by: A',
  );
  commit('refactor: nothing to see');
  commit('docs: words');
  commit('not a convention at all');
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('what changed since the latest tag, what breaks first', () => {
  const { stdout, status } = notes();
  assert.equal(status, 0);
  assert.equal(
    stdout,
    `## Before you upgrade

- **cli**: another word
- limits are kept elsewhere.

## New

- **bot**: a button
- **cli**: another word
- quotas

## Fixed

- **queue, engine**: a leak

## Faster

- twice as fast

And 2 changes that nobody sees from outside.
`,
  );
});

test('between any two, and a name that is none', () => {
  assert.match(notes('--from', 'v1.0.0', '--to', 'v1.0.0').stdout, /^Nothing changed\.\n$/);
  assert.match(notes('--to', 'v1.0.0', '--from', 'v1.0.0~0').stdout, /^Nothing changed\./);
  for (const odd of ['nowhere', '--output=x', '', 'HEAD; id']) {
    const { status, stderr } = notes(`--from=${odd}`);
    assert.equal(status, 1, odd);
    assert.match(stderr, /^No commits between .* are known here: .*\n$/);
  }
  assert.equal(git('status', '--porcelain'), '', 'nothing was written');
});
