import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const root = path.join(import.meta.dirname, '..');
const scratch = mkdtempSync(path.join(tmpdir(), 'functions-'));
after(() => rmSync(scratch, { recursive: true }));

/** Lines of a function that fits on a screen. */
const MOST_LINES = 60;
const config = path.join(scratch, 'oxlint.json');
writeFileSync(
  config,
  JSON.stringify({
    categories: { correctness: 'off' },
    rules: { 'max-lines-per-function': ['error', { max: MOST_LINES }] },
  }),
);

/** Functions that are longer, as `file:line`. */
function longIn(...places: string[]): string[] {
  const oxlint = path.join(root, 'node_modules/oxlint/bin/oxlint');
  const args = [oxlint, '-c', config, '-f', 'unix', ...places];
  let text: string;
  try {
    text = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  } catch (error) {
    // It ends with 1 when it found something.
    text = String((error as { stdout?: unknown }).stdout ?? '');
  }
  return [...text.matchAll(/^(.*?):(\d+):\d+: .*too many lines \((\d+)\)/gm)].map(
    ([, file, line, lines]) => `${file}:${line} ${lines}`,
  );
}

test('functions fit on a screen', () => {
  assert.deepEqual(longIn('src', 'commands', 'playground', 'scripts', 'bench'), []);
});

test('one that is too long is noticed', () => {
  const planted = path.join(scratch, 'long.ts');
  const body = Array.from({ length: MOST_LINES }, (_, i) => `  console.log(${i});`).join('\n');
  writeFileSync(planted, `export function long() {\n${body}\n}\n`);
  assert.equal(longIn(planted).length, 1);
  writeFileSync(planted, `export function short() {\n  console.log(1);\n}\n`);
  assert.deepEqual(longIn(planted), []);
});
