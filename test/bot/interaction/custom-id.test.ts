import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customId, parseCustomId } from '../../../src/bot/interaction/custom-id.ts';

const JOB = 'abc123def456';

test('a custom id comes back as it was written', () => {
  assert.deepEqual(parseCustomId(customId('vary', JOB, '3-strong')), {
    kind: 'valid',
    id: { action: 'vary', jobId: JOB, detail: '3-strong' },
  });
  assert.deepEqual(parseCustomId(customId('stop', JOB)), {
    kind: 'valid',
    id: { action: 'stop', jobId: JOB, detail: null },
  });
});

test('the longest custom id stays below the limit of 100 characters', () => {
  assert.ok(customId('a'.repeat(31), JOB, 'd'.repeat(40)).length <= 100);
});

test('another version is told apart from a forgery', () => {
  assert.deepEqual(parseCustomId(`0:stop:${JOB}`), { kind: 'older' });
  assert.deepEqual(parseCustomId(`7:quite:different/shape`), { kind: 'older' });
  for (const forged of [
    '',
    'stop',
    '1:stop',
    `1:stop:${JOB}:`,
    `1:stop:${JOB.toUpperCase()}`,
    `1:stop:${JOB}0`,
    `1:stop:${JOB}\n`,
    `1:__proto__:${JOB}`,
    `1:stop:${JOB}:../../etc`,
    `1:stop:${JOB}:${'x'.repeat(41)}`,
    ` 1:stop:${JOB}`,
  ]) {
    assert.deepEqual(parseCustomId(forged), { kind: 'forged' }, JSON.stringify(forged));
  }
});

test('an id that could not be read back is never written', () => {
  assert.throws(() => customId('Stop', JOB));
  assert.throws(() => customId('stop', 'short'));
});
