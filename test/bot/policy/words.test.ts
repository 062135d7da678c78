import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compilePattern,
  createWordFilter,
  fold,
  NSFW_WORDS,
} from '../../../src/bot/policy/words.ts';

const finds = (words: string[], text: string, patterns: string[] = []) =>
  createWordFilter(words, patterns).find(text);

test('whole words, whatever their letter case, accents, marks and lookalikes', () => {
  for (const text of [
    'a Goblin king',
    'GOBLIN',
    'göblín',
    'g\u200bob\u00adlin',
    'gоblіn', // Cyrillic o and i
    '𝓰𝓸𝓫𝓵𝓲𝓷',
    'ｇｏｂｌｉｎ',
    'g0bl1n',
    'g̶̡o̷̢b̴̨l̵̡i̶n̸',
    'g o b l i n',
    'g-o-b-l-i-n!',
    '\u202egoblin\u202c',
  ]) {
    assert.equal(finds(['goblin'], text), 'goblin', text);
  }
  for (const text of ['goblins', 'a gob linen', 'hobgoblin', '']) {
    assert.equal(finds(['goblin'], text), null, text);
  }
});

test('phrases, longer words, and scripts without spaces', () => {
  assert.equal(finds(['red army'], 'the  RED,\narmy marches'), 'red army');
  assert.equal(finds(['red army'], 'the red armyworm'), null);
  assert.equal(finds(['goblin*'], 'two goblins'), 'goblin*');
  assert.equal(finds(['goblin*'], 'hobgoblin'), null);
  assert.equal(finds(['血'], 'これは流血の絵'), '血');
  assert.equal(finds(['ведьма'], 'старая Ведьма'), 'ведьма');
  assert.equal(finds(['  ', '***'], 'anything'), null);
});

test('a pattern is tried on the text as written and folded', () => {
  assert.equal(finds([], 'area 51 at night', [String.raw`\barea\s+\d+`]), String.raw`\barea\s+\d+`);
  assert.equal(finds([], 'gоbbо', ['gob+o']), 'gob+o');
  assert.equal(compilePattern('(unclosed'), null);
  assert.equal(
    compilePattern(String.raw`(a)\1`),
    null,
    'no backreferences: they need backtracking',
  );
  assert.equal(finds([], 'x', ['(unclosed', 'x']), 'x', 'a bad pattern is passed over');
});

test('no pattern takes longer than linear time', () => {
  const hostile = ['(a+)+$', '(a|aa)+$', '(.*a){20}$', '^(([a-z])+.)+[A-Z]([a-z])+$'];
  const time = (length: number) => {
    const filter = createWordFilter([], hostile);
    const began = performance.now();
    filter.find(`${'a'.repeat(length)}!`);
    return performance.now() - began;
  };
  time(500);
  assert.ok(time(6000) < 2000, 'backtracking would take for ever');
});

test('6,000 hostile characters against 500 words stay quick', () => {
  const words = Array.from({ length: 500 }, (_, n) => `word${n} phrase*`);
  const began = performance.now();
  assert.equal(finds(words, 'a\u0301\u200d '.repeat(1500)), null);
  assert.ok(performance.now() - began < 500);
});

test('the built-in list leaves ordinary prompts alone', () => {
  const filter = createWordFilter(NSFW_WORDS);
  for (const prompt of [
    'a baked mole rat, macro photograph',
    'Essex countryside, Sussex cliffs, sextant on a table',
    'cream pie on a plate',
    'a bottomless lake',
    'uncut diamond, therapist office, grapes',
  ]) {
    assert.equal(filter.find(prompt), null, prompt);
  }
  assert.equal(filter.find('a NUDE on a sofa'), 'nude');
  assert.equal(filter.find('pоrnographic'), 'porn*');
  assert.equal(filter.find('naked, on a rock'), 'naked');
});

test('lookalikes of any script, by the table of Unicode', () => {
  for (const text of [
    'ոսdе', // Armenian and Cyrillic
    'ΝUDΕ', // Greek capitals
    'ոᴜⅾе',
    'ɴᴜᴅᴇ',
    'nυԁe',
    'ꓠꓴꓓꓰ', // Lisu
    'ńüđę',
    '🅝🅤🅓🅔',
  ]) {
    assert.equal(finds(['nude'], text), 'nude', text);
  }
  assert.equal(finds(['kитти', 'milk'], 'мılк'), 'milk', 'a small к is a small К');
  for (const text of ['pen\u05c0s', 'pen\u01c0s', 'penᛁs', 'penіs', 'penｌs'.replace('ｌ', 'ӏ')]) {
    assert.equal(finds(['penis'], text), 'penis', text);
  }
  assert.equal(finds(['melt'], 'me\u01c0t'), 'melt', 'one stroke is an l as well');
  assert.equal(finds(['porn*', 'corn'], 'pomegranate, a com port'), null, 'rn is no m');
  assert.equal(finds(['fail'], 'fall'), null);
  assert.equal(finds(['лес'], 'тёмный лес'), 'лес');
});

test('folding is idempotent', () => {
  for (const text of ['Ǆ', 'ﬁ', 'İ', 'ẞ', 'Å', 'ӏ', '×', 'ш', 'ю'])
    assert.equal(fold(fold(text)), fold(text));
});
