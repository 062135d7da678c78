import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { PICTURE_NUMBERS } from '../../../src/bot/order/numbers.ts';
import { AXIS_ROWS } from '../../../src/explore/sheet/axes.ts';
import { NUMBER_OPTIONS } from '../../../src/engine/request/fields/number-options.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const files = globSync(['src/**/*.ts', 'commands/**/*.ts'], { cwd: root }).map((file) => ({
  file,
  text: readFileSync(path.join(root, file), 'utf8'),
}));
/** What reads the files of other programs names their fields, and two lists say what the first version knew. */
const foreign = /engine\/(?:recipe\/|request\/needs\.ts|request\/stored-request\.ts)/;

function naming(word: string): string[] {
  const whole = new RegExp(`\\b${word}\\b`);
  return files
    .filter(({ file, text }) => !foreign.test(file) && whole.test(text))
    .map(({ file }) => file);
}

test('a number to ask for is told once: few files name it', () => {
  const younger = ['etaNoiseSeedDelta', 'distilledGuidance', 'textLength', 'flowShift'];
  for (const key of younger) {
    assert.ok(NUMBER_OPTIONS.some((option) => option.key === key));
    const places = new Set(naming(key));
    for (const row of AXIS_ROWS) if (row.field === key) places.add('src/explore/sheet/axes.ts');
    for (const row of PICTURE_NUMBERS) {
      if (row.field !== key) continue;
      for (const file of naming(row.option)) if (!file.startsWith('src/engine')) places.add(file);
    }
    assert.ok(places.size <= 6, `${key}: ${[...places].join(', ')}`);
  }
});

test('options of commands have names that Discord takes, and one meaning a switch', () => {
  const switches: string[] = PICTURE_NUMBERS.flatMap((row) => [...row.switches]);
  assert.equal(new Set(switches).size, switches.length);
  for (const { option, description } of PICTURE_NUMBERS) {
    assert.match(option, /^[a-z_]{1,32}$/);
    assert.ok(description.length <= 100, option);
  }
});
