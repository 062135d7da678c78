import assert from 'node:assert/strict';
import { test } from 'node:test';
import { varied } from '../../../commands/picture/vary.ts';
import { rerolled } from '../../../commands/picture/reroll.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { ModelInfo } from '../../../src/engine/request.ts';

const MODEL: ModelInfo = {
  name: 'm',
  folder: '/m',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 8,
  nativeSize: { width: 512, height: 512 },
  defaults: { sampler: 'euler', schedule: 'automatic', steps: 20, guidanceScale: 7 },
};
const request = parseRequest({ prompt: 'x', seed: 2n ** 64n - 1n, count: 3, eta: 0.5 }, MODEL);

test('a neighbour of one picture of a batch keeps everything but count, seed and variation', () => {
  const one = varied(request, { index: 1, strength: 'subtle' }, null);
  assert.equal(one.seed, 0n, 'seeds wrap at 2^64');
  assert.equal(one.count, 1);
  assert.deepEqual({ ...one, seed: request.seed, count: 3, variation: null }, request);
});

test('a neighbour of a variation stays on its arc, near it, inside it', () => {
  for (const strength of [0.01, 0.15, 0.5, 0.98]) {
    for (const how of ['subtle', 'strong'] as const) {
      for (const dice of [0, 0.49, 0.51, 0.999]) {
        const from = { ...request, count: 1, variation: { seed: 9n, strength } };
        const next = varied(from, { index: 0, strength: how }, from.seed, () => dice);
        assert.equal(next.variation?.seed, 9n);
        assert.equal(next.seed, from.seed);
        const now = next.variation?.strength ?? 0;
        assert.ok(now > 0 && now < 1 && now !== strength, `${strength} -> ${now}`);
        assert.ok(Math.abs(now - strength) <= 0.41, `${strength} -> ${now}`);
      }
    }
  }
});

test('a reroll keeps everything but the seed and the variation', () => {
  const again = rerolled({ ...request, variation: { seed: 1n, strength: 0.5 } });
  assert.notEqual(again.seed, request.seed);
  assert.deepEqual({ ...again, seed: request.seed }, request);
});
