import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textFor } from '../../src/bot/text.ts';

/** Every sentence, with sample words where it takes some. */
function sentences(value: unknown, at: string): [string, string][] {
  if (typeof value === 'string') return [[at, value]];
  if (typeof value === 'function') {
    const samples = Array.from({ length: value.length }, (_, index) => `sample${index}`);
    return [[at, String(value(...samples))]];
  }
  return Object.entries(Object(value)).flatMap(([name, inner]) =>
    sentences(inner, `${at}.${name}`),
  );
}

test('a locale finds its language, an unknown one finds English', () => {
  assert.equal(textFor('de').buttonStop, 'Anhalten');
  assert.equal(textFor('en-GB').buttonStop, 'Stop');
  assert.equal(textFor('sv-SE').buttonStop, 'Stop');
  assert.equal(textFor('__proto__').buttonStop, 'Stop');
});

test('every language says the same things with the same values', () => {
  const english = new Map(sentences(textFor('en'), ''));
  const german = new Map(sentences(textFor('de'), ''));
  assert.deepEqual([...german.keys()].toSorted(), [...english.keys()].toSorted());
  for (const [name, words] of english) {
    const other = german.get(name) ?? '';
    assert.ok(other.trim() !== '', name);
    const values = (text: string) =>
      [...text.matchAll(/sample\d|`\/[a-z]+/g)].map(String).toSorted();
    assert.deepEqual(values(other), values(words), name);
  }
});

test("labels keep Discord's limits in every language", () => {
  for (const locale of ['en', 'de']) {
    const text = textFor(locale);
    for (const [name, words] of sentences(text, '')) {
      if (name.startsWith('.button')) assert.ok(words.length <= 80, name);
      if (name.startsWith('.remix')) assert.ok(words.length <= 45, name);
    }
    assert.ok(text.varyOption(9, true).length <= 100);
    assert.ok(text.chooseVariation.length <= 150);
    assert.ok(text.help.length <= 4000);
  }
});
