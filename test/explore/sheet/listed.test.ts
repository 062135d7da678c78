import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asList, listed } from '../../../src/explore/sheet/listed.ts';

/** As Python's csv.reader(StringIO(text), skipinitialspace=True) and str.strip give them, without empty bare fields. */
const CASES: readonly [string, string[]][] = [
  ['cat,dog', ['cat', 'dog']],
  [' cat , dog ', ['cat', 'dog']],
  ['cat, "fox, asleep", "say ""hi"""', ['cat', 'fox, asleep', 'say "hi"']],
  ['cat,,dog,', ['cat', 'dog']],
  ['"in the snow",""', ['in the snow', '']],
  // a quote inside a field is a letter, and what follows a closed one belongs to the field
  ['5" tall,6" tall', ['5" tall', '6" tall']],
  ['"a"b,c', ['ab', 'c']],
  ['"a" b,c', ['a b', 'c']],
  ['one\ntwo,three\r\nfour', ['one', 'two', 'three', 'four']],
  ['"line\nbreak",x', ['line\nbreak', 'x']],
  ['"never closed, at all', ['never closed, at all']],
  // as a phone writes quotation marks
  ['\u201cred, blue\u201d, \u201egrün, gelb\u201c', ['red, blue', 'grün, gelb']],
  ['(a:1.2),[b|c]', ['(a:1.2)', '[b|c]']],
  ['猫，犬,狐', ['猫，犬', '狐']],
  ['', []],
  [' , ', []],
];

for (const [text, values] of CASES) {
  test(JSON.stringify(text), () => assert.deepEqual(listed(text), values));
}

test('what is written as a list is read back', () => {
  const values = ['plain', '', 'a, b', 'say "hi"', 'two\nlines', '"'];
  assert.deepEqual(listed(asList(values)), values);
});

test('its time grows with its length', () => {
  for (const text of ['"'.repeat(200_000), ',"'.repeat(100_000), '""'.repeat(100_000)])
    listed(text);
});
