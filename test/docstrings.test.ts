import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..');

/**
 * Exported functions that throw by themselves and do not say so. What factories (`create…`, `open…`) make throws later,
 * and is told of where its type is.
 */
function silent(file: string, text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/^export (?:async )?function\*? (\w+)/gm)) {
    const name = match[1] ?? '';
    const end = text.indexOf('\n}\n', match.index);
    const body = text.slice(match.index, end < 0 ? undefined : end);
    if (/^(?:create|open)[A-Z]/.test(name) || !/\bthrow new \w/.test(body)) continue;
    const before = text.slice(0, match.index).trimEnd();
    const doc = before.endsWith('*/') ? before.slice(before.lastIndexOf('/**')) : '';
    if (!/@throws|\bThrows\b/.test(doc)) found.push(`${file}: ${name}`);
  }
  return found;
}

/** Exported functions without a docstring right above them. */
function undescribed(file: string, text: string): string[] {
  return [...text.matchAll(/^export (?:async )?function\*? (\w+)/gm)]
    .filter(({ index }) => !/\/\*\*(?:(?!\*\/)[\s\S])+\*\/\n$/.test(text.slice(0, index)))
    .map(([, name]) => `${file}: ${name}`);
}

test('a function that throws says what and when', () => {
  const files = globSync(['src/**/*.ts', 'commands/**/*.ts'], { cwd: root });
  assert.ok(files.length > 500);
  const all = files.flatMap((file) => silent(file, readFileSync(path.join(root, file), 'utf8')));
  assert.deepEqual(all, []);
  const planted = 'export function f() {\n  throw new Error();\n}\n';
  assert.equal(silent('a.ts', planted).length, 1);
  assert.equal(silent('a.ts', `/** @throws Error always */\n${planted}`).length, 0);
});

test('every exported function says what cannot be read from its name', () => {
  const files = globSync(['src/**/*.ts', 'commands/**/*.ts', 'playground/**/*.ts'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  });
  assert.ok(files.length > 600);
  const all = files.flatMap((file) =>
    undescribed(file, readFileSync(path.join(root, file), 'utf8')),
  );
  assert.deepEqual(all, []);
  const planted = 'export async function f() {}\n';
  assert.deepEqual(undescribed('a.ts', `/** Of g. */\nconst g = 1;\n\n${planted}`), ['a.ts: f']);
  assert.deepEqual(undescribed('a.ts', `/** Of the file. */\n\n${planted}`), ['a.ts: f']);
  assert.deepEqual(undescribed('a.ts', `/* no docstring */\n${planted}`), ['a.ts: f']);
  assert.deepEqual(undescribed('a.ts', `/** Of f. */\n${planted}`), []);
});
