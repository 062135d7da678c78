import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeResult, encodeResult } from '../../../src/queue/stored/stored-result.ts';
import type { StoredResult } from '../../../src/queue/job.ts';

const RESULT: StoredResult = {
  images: [{ key: 'a-1.png', seed: '7' }] as never,
  infotext: 'x\nSteps: 2',
  provider: 'cpu',
  modelHash: '0123456789',
  seconds: 1.5,
};

test('rows spell snapshots as the first ones did, and rows of any version are read', () => {
  const snapshots = [{ key: 'a-step-1.png', step: 1, sigma: 14.6 }];
  const row = encodeResult({ ...RESULT, snapshots });
  assert.deepEqual(JSON.parse(row), { ...RESULT, looks: snapshots });
  assert.deepEqual(decodeResult(row), { ...RESULT, snapshots });
  assert.equal(encodeResult(RESULT), JSON.stringify(RESULT));
  assert.deepEqual(decodeResult(JSON.stringify(RESULT)), RESULT);
  assert.equal('snapshots' in decodeResult(JSON.stringify(RESULT)), false);
});
