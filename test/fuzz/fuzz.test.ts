import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/engine/errors.ts';
import { rounds } from '../support/machine/rounds.ts';
import { probe, readOnce } from './fuzz.ts';
import { forbidden, type Target, TARGETS } from './targets.ts';

/** `npm run fuzz` goes on from others. */
const FIRST = 20_261;
/** inputs of 100 kB a target */
const LONG = rounds(3, 6);
const SHORT = rounds(25, 40);

for (const target of TARGETS) {
  test(`${target.name}: in words or not at all, in time that grows with the length`, async () => {
    for (let seed = FIRST; seed < FIRST + SHORT; seed++) {
      const { error } = await readOnce(target, seed, 20 + (seed % 7) * 100);
      assert.equal(error, null, `--seed ${seed} --target "${target.name}": ${String(error)}`);
    }
    for (let seed = FIRST; seed < FIRST + LONG; seed++) {
      const finding = await probe(target, seed);
      assert.equal(
        finding,
        null,
        `--seed ${seed} --target "${target.name}", ${finding?.size} bytes: ${finding?.what}`,
      );
    }
  });
}

test('a reader that throws, or takes the square of its input, is found', async () => {
  const plant = (read: (text: string) => unknown): Target => ({
    name: 'planted',
    make: (_random, size) => 'a'.repeat(size),
    read: (input) => read(String(input)),
  });
  const thrown = await probe(
    plant((text) => (text.length > 1000 ? Object(null).gone.at : text)),
    1,
  );
  assert.match(thrown?.what ?? '', /TypeError/);
  const slow = await probe(
    plant((text) => {
      let found = 0;
      for (let i = 0; i < text.length; i++) {
        for (let j = i; j < text.length; j += 32) found += text.charCodeAt(j) & 1;
      }
      return found;
    }),
    1,
  );
  assert.match(slow?.what ?? '', /took/);
  const told = plant(() => {
    throw new UserError('too long');
  });
  assert.equal(await probe(told, 1), null);
  assert.notEqual(forbidden(told, new RangeError('deep')), null);
});
