import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { LANGUAGES } from '../../../src/bot/text/languages.ts';
import { spoken, textFor } from '../../../src/bot/text/text.ts';
import { RunError, UserError } from '../../../src/engine/errors.ts';
import { flattenError, reviveError } from '../../../src/engine/host/messages.ts';
import { say } from '../../../src/engine/sentences.ts';

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
  const values = (text: string) => [...text.matchAll(/sample\d|`\/[a-z]+/g)].map(String).toSorted();
  for (const { locale, text } of LANGUAGES) {
    const own = new Map(sentences(text, ''));
    assert.deepEqual([...own.keys()].toSorted(), [...english.keys()].toSorted(), locale);
    for (const [name, words] of english) {
      const other = own.get(name) ?? '';
      assert.ok(other.trim() !== '', `${locale} ${name}`);
      assert.deepEqual(values(other), values(words), `${locale} ${name}`);
    }
  }
});

test("labels keep Discord's limits in every language", () => {
  for (const { locale } of LANGUAGES) {
    const text = textFor(locale);
    for (const [name, words] of sentences(text, '')) {
      if (name.startsWith('.button')) assert.ok(words.length <= 80, name);
      if (/^\.(remix|fromPicture(Title|Size|Shape))/.test(name))
        assert.ok(words.length <= 45, name);
    }
    assert.ok(text.varyOption(9, true).length <= 100);
    assert.ok(text.chooseVariation.length <= 150);
    assert.ok(text.help.length <= 4000);
  }
});

/** What is said at a start, to whoever runs the program, in the console. */
const AT_START = new Set([
  'src/queue/pictures.ts',
  'src/queue/open-pictures.ts',
  'src/queue/pictures/pictures-http.ts',
  'src/queue/failed-jobs.ts',
  'src/queue/moving/moved.ts',
  'src/queue/moving/queue-file.ts',
  'src/queue/pictures/pictures-s3.ts',
  'src/queue/queue.ts',
  'src/queue/redis/redis-moving.ts',
  'src/queue/redis/redis-queue.ts',
  'src/queue/sqlite/sqlite-moving.ts',
  'src/queue/redis/connection.ts',
  'src/queue/sqlite/file/schema.ts',
  'src/queue/sqlite/file/sqlite-file.ts',
]);
const BARE = /new (?:User|Run)Error\(\s*['"`]/g;

function bareSentences(files: readonly { file: string; text: string }[]): string[] {
  return files.flatMap(({ file, text }) =>
    AT_START.has(file) ? [] : [...text.matchAll(BARE)].map(({ index }) => `${file}@${index}`),
  );
}

test('nothing below the bot speaks to people in English alone', () => {
  const root = path.join(import.meta.dirname, '../../..');
  const files = globSync('src/{engine,hub,queue,explore}/**/*.ts', { cwd: root }).map((file) => ({
    file,
    text: readFileSync(path.join(root, file), 'utf8'),
  }));
  assert.ok(files.length > 100);
  assert.deepEqual(bareSentences(files), []);
  const planted = { file: 'src/engine/x.ts', text: 'throw new RunError(\n  `No ${way}.`);' };
  assert.equal(bareSentences([planted]).length, 1);
});

test('an error of the engine speaks German, from another thread and from a database too', () => {
  const german = textFor('de');
  const error = new RunError([say('not-a-size', '"x"'), say('picture-animated')]);
  assert.equal(
    error.message,
    'size must be WIDTHxHEIGHT in pixels, such as 512x768, not "x". The picture is animated. Send a still picture.',
  );
  const there = reviveError(structuredClone(flattenError(error)));
  assert.ok(there instanceof RunError);
  for (const one of [error, there, JSON.parse(JSON.stringify({ ...there, message: '' }))]) {
    assert.match(spoken(one, german), /^size muss BREITExHÖHE .*Das Bild ist animiert/);
  }
  // What another version said is at least understood.
  const newer = { message: '', said: [{ code: 'constructor', values: [], words: 'Sorry.' }] };
  assert.equal(spoken(newer, german), 'Sorry.');
  assert.equal(spoken(new UserError('Schon gesagt.'), german), 'Schon gesagt.');
});
