import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ExpandError, chooser, expand, isTemplate } from '../../../src/bot/wildcards/expand.ts';
import { lookupIn, openWildcardFiles } from '../../../src/bot/wildcards/lists.ts';

const LISTS = lookupIn([
  { name: 'colour', entries: ['red', 'green', 'blue'] },
  { name: 'animals/wild', entries: ['a __colour__ fox', '{wolf|bear}'] },
  { name: 'loop', entries: ['__loop__ and __loop__'] },
  { name: 'nothing', entries: [] },
]);
const of = (template: string, seed = 1n) => expand(template, chooser(seed), LISTS);
const problemOf = (template: string) => {
  try {
    of(template);
  } catch (error) {
    if (error instanceof ExpandError) return error.problem;
    throw error;
  }
  return null;
};

test('one alternative, always the same for a seed, all of them over seeds', () => {
  const seen = new Set<string>();
  for (let seed = 0n; seed < 60n; seed += 1n) {
    const chosen = of('a {red|green|blue} cat', seed);
    assert.equal(of('a {red|green|blue} cat', seed), chosen);
    seen.add(chosen);
  }
  assert.deepEqual([...seen].toSorted(), ['a blue cat', 'a green cat', 'a red cat']);
});

test('lists, lists in lists, and names with stars', () => {
  for (let seed = 0n; seed < 40n; seed += 1n) {
    assert.match(
      of('__colour__ __Animals/Wild__', seed),
      /^(red|green|blue) (a (red|green|blue) fox|wolf|bear)$/,
    );
    assert.match(of('__col*__', seed), /^(red|green|blue)$/);
  }
});

test('weights and several at once', () => {
  let heavy = 0;
  for (let seed = 0n; seed < 400n; seed += 1n) if (of('{9::a|b}', seed) === 'a') heavy += 1;
  // 360 are expected; five standard deviations are 30.
  assert.ok(heavy > 330 && heavy < 390, String(heavy));
  for (let seed = 0n; seed < 40n; seed += 1n) {
    const two = of('{2$$a|b|c}', seed).split(', ');
    assert.equal(new Set(two).size, 2);
    assert.match(of('{1-2$$ and $$a|b}', seed), /^[ab]( and [ab])?$/);
    // More than there are is all of them.
    assert.match(of('{99999$$a|b}', seed), /^(a, b|b, a)$/);
    assert.match(of('{1-999999999$$a|b}', seed), /^[ab](, [ab])?$/);
  }
});

test('what is no choice stays as it is', () => {
  for (const prompt of [
    '{cat}',
    '[a|b]',
    '(a:1.2)',
    'a | b',
    '{a|b',
    'a}b',
    '__',
    'snake_case',
    '{}',
  ]) {
    assert.equal(isTemplate(prompt), false, prompt);
    assert.equal(of(prompt), prompt);
  }
  assert.equal(of('\\{a|b\\} \\__colour__'), '{a|b} __colour__');
  assert.match(of('{{x}|{y}}'), /^\{[xy]\}$/);
});

test('at its limits a sentence, not a program that never ends', () => {
  const deep = (levels: number) => '{a|'.repeat(levels) + 'b' + '}'.repeat(levels);
  assert.equal(problemOf(deep(20)), null);
  assert.deepEqual(problemOf(deep(30)), { kind: 'too-deep', most: 20 });
  assert.equal(problemOf('__loop__')?.kind, 'too-deep');
  const chain = lookupIn(
    Array.from({ length: 31 }, (_, at) => ({ name: `w${at}`, entries: [`__w${at + 1}__`] })),
  );
  assert.throws(() => expand('__w0__', chooser(1n), chain), ExpandError);
  assert.deepEqual(problemOf('__nowhere__'), { kind: 'no-list', name: 'nowhere' });
  assert.deepEqual(problemOf('__nothing__'), { kind: 'empty-list', name: 'nothing' });
  assert.equal(problemOf('{x|y}'.repeat(2500))?.kind, 'too-many');
  const long = '{'.repeat(4000);
  assert.equal(isTemplate(long), false);
});

test('files are lists: folders, comments, changes', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-lists-'));
  try {
    await mkdir(path.join(folder, 'animals'));
    await writeFile(path.join(folder, 'colour.txt'), '\ufeff# colours\nred\r\n\n  blue  \n');
    await writeFile(path.join(folder, 'animals', 'tame.TXT'), 'cat\n');
    await writeFile(path.join(folder, 'readme.md'), 'no list');
    const lists = await openWildcardFiles(folder).lists();
    assert.deepEqual(lists, [
      { name: 'animals/tame', entries: ['cat'] },
      { name: 'colour', entries: ['red', 'blue'] },
    ]);
    assert.deepEqual(await openWildcardFiles(path.join(folder, 'none')).lists(), []);
    assert.deepEqual(await openWildcardFiles(null).lists(), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});
