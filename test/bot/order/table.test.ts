import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { OPTION_ROWS } from '../../../src/bot/order/table.ts';
import { AXIS_ROWS } from '../../../src/explore/sheet/axes.ts';
import { NUMBER_OPTIONS } from '../../../src/engine/request/fields/number-options.ts';
import { WORD_OPTIONS } from '../../../src/engine/request/fields/word-options.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const files = globSync(['src/**/*.ts', 'commands/**/*.ts'], { cwd: root }).map((file) => ({
  file: file.split(path.sep).join('/'),
  text: readFileSync(path.join(root, file), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ''),
}));
/** What reads the files of other programs names their fields, and two lists say what the first version knew. */
const foreign = /engine\/(?:recipe\/|request\/needs\.ts|request\/stored-request\.ts)/;

/** As a key, a field, a property or a row; other meanings of the word, and what comments say, are none. */
function naming(word: string): string[] {
  const spoken = new RegExp(
    `(?:name|field|key): '${word}'|\\b${word}\\??: |\\.${word}\\b(?!\\()|[{,] ?${word} ?[,}=]`,
  );
  return files
    .filter(({ file, text }) => !foreign.test(file) && spoken.test(text))
    .map(({ file }) => file);
}

/** Files that name a field of a request, or its option outside the engine. */
function placesOf(key: string): string[] {
  const places = new Set(naming(key));
  for (const row of AXIS_ROWS) if (row.field === key) places.add('src/explore/sheet/axes.ts');
  for (const row of OPTION_ROWS) {
    if (!('field' in row) || row.field !== key) continue;
    for (const word of [row.name, row.option]) {
      for (const file of naming(word)) if (!/^src\/(?:engine|cli)/.test(file)) places.add(file);
    }
  }
  return [...places];
}

/** Numbers, a name and a switch: what came, or might have come, after the others. */
const YOUNGER = [
  'etaNoiseSeedDelta',
  'textLength',
  'flowShift',
  'cfgNormalization',
  'cfgTruncation',
  'rng',
  'exact',
];

test('an option is told once: few files name it', () => {
  const keys = [...NUMBER_OPTIONS, ...WORD_OPTIONS].map(({ key }) => String(key));
  for (const key of YOUNGER) {
    assert.ok(keys.includes(key), key);
    const places = placesOf(key);
    assert.ok(places.includes('src/engine/request.ts') && places.length > 1, key);
    assert.ok(places.length <= 6, `${key}: ${places.join(', ')}`);
  }
});

test('options of commands have names that Discord takes, and one meaning a switch', () => {
  const switches: string[] = OPTION_ROWS.flatMap((row) => [...row.switches]);
  assert.equal(new Set(switches).size, switches.length);
  for (const { option, description } of OPTION_ROWS) {
    assert.match(option, /^[a-z_]{1,32}$/);
    assert.ok(description.length <= 100, option);
  }
});
