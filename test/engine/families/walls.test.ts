import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { TRANSFORMERS, UNETS } from '../../../src/engine/families/families.ts';

const root = path.join(import.meta.dirname, '../../..');

const names = [...UNETS, ...TRANSFORMERS].map(({ name }) => name);

/** A sampler and a class of schedulers are called so as well. */
const AMBIGUOUS: readonly string[] = ['lcm', 'flux'];

const quoted = names
  .filter((name) => !AMBIGUOUS.includes(name))
  .map((name) => new RegExp(`['"\`]${name}['"\`]`));

/** A decision by a family's name: compared, looked up, taken apart. */
const decided = [
  /\bfamily(?:\.name)?\s*[!=]==?\s*['"`]/,
  /['"`]\s*[!=]==?\s*(?:\w+\.)*family\b/,
  /\bfamily(?:\.name)?\.(?:startsWith|endsWith|includes|match)\(/,
  /\b(?:includes|has|get)\((?:\w+\.)*family\)/,
  /\bswitch \((?:\w+\.)*family(?:\.name)?\)/,
];

/** Lines that know of a family what its own file should. */
function leaks(file: string, text: string): string[] {
  return text
    .split('\n')
    .filter((line) => [...quoted, ...decided].some((pattern) => pattern.test(line)))
    .map((line) => `${file}: ${line.trim()}`);
}

test('what tells families apart stands in their own files', () => {
  const files = globSync(['src/**/*.ts', 'commands/**/*.ts'], { cwd: root })
    .map((file) => file.split(path.sep).join('/'))
    // where they are declared as names
    .filter((file) => !file.startsWith('src/engine/families/') && file !== 'src/engine/names.ts');
  assert.ok(files.length > 400);
  assert.deepEqual(
    files.flatMap((file) => leaks(file, readFileSync(path.join(root, file), 'utf8'))),
    [],
  );
});

test('a decision by name is noticed', () => {
  const planted = [
    "if (model.family === 'flux') return 1;",
    "const isXl = family.startsWith('sd');",
    "if ('lcm' !== layout.family) return;",
    'switch (info.family) {',
    'if (TRANSFORMER_FAMILIES.has(family)) return;',
    "const KNOWN = ['z-image'];",
  ];
  for (const line of planted) assert.equal(leaks('src/a.ts', line).length, 1, line);
  assert.deepEqual(leaks('src/a.ts', "const sampler = 'lcm'; say(model.family);"), []);
});

test('each family is one file of the table, and none has the name of another', () => {
  assert.equal(new Set(names).size, names.length);
  const marks = [null, 5, 6].flatMap((sizes) =>
    [false, true].flatMap((guidanceEmbedding) =>
      [false, true].map((linearProjection) => ({ sizes, guidanceEmbedding, linearProjection })),
    ),
  );
  for (const each of marks) {
    const own = UNETS.filter((family) => family.isOwn(each)).map(({ name }) => name);
    assert.equal(own.length, 1, `${JSON.stringify(each)}: ${own.join()}`);
  }
});
