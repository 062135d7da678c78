import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fewAtOnce } from '../../../src/bot/pictures/pictures-of.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import { UserError } from '../../../src/engine/errors.ts';

test('one person has three copies in the making at most; others and later ones are not held up', async () => {
  const text = textFor('en');
  const gate = Promise.withResolvers<void>();
  const held = [1, 2, 3].map((n) => fewAtOnce('ada', text, () => gate.promise.then(() => n)));
  await assert.rejects(
    fewAtOnce('ada', text, () => Promise.resolve(4)),
    (error) => error instanceof UserError && /already wait for 3 copies/.test(error.message),
  );
  assert.equal(await fewAtOnce('ben', text, () => Promise.resolve(5)), 5);
  gate.resolve();
  assert.deepEqual(await Promise.all(held), [1, 2, 3]);
  await assert.rejects(
    fewAtOnce('ada', text, () => Promise.reject(new Error('damaged'))),
    /damaged/,
  );
  assert.equal(await fewAtOnce('ada', text, () => Promise.resolve(6)), 6);
});
