import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY, limitsFor, readPolicy } from '../../../src/bot/policy/policy.ts';
import type { ServerPolicy } from '../../../src/bot/policy/policy.ts';

const policyWith = (change: Partial<ServerPolicy>): ServerPolicy => ({
  ...DEFAULT_POLICY,
  ...change,
});

test('of each limit the most generous of the roles, else everybody’s', () => {
  const policy = policyWith({
    everybody: { waiting: 2, seconds: 60 },
    roles: {
      '1': { seconds: 600 },
      '2': { seconds: 300, waiting: 4, weight: 3 },
      '3': { seconds: 0 },
    },
  });
  assert.deepEqual(limitsFor(policy, []), { waiting: 2, work: Infinity, seconds: 60, weight: 1 });
  const both = { waiting: 4, work: Infinity, seconds: 600, weight: 3 };
  assert.deepEqual(limitsFor(policy, ['1', '2', '9']), both);
  assert.equal(limitsFor(policy, ['2', '3']).seconds, Infinity, '0 takes a limit away');
});

test('a policy of any age or origin: what is good is kept, the rest is the default', () => {
  const problems: string[] = [];
  const read = (stored: unknown) => readPolicy(stored, (problem) => problems.push(problem));
  for (const nothing of [null, 7, 'x', [], {}]) assert.deepEqual(read(nothing), DEFAULT_POLICY);
  assert.deepEqual(problems, []);
  const policy = read({
    nsfw: 'sometimes',
    spoiler: 'always',
    words: ['a', 5, '', 'x'.repeat(81), 'b'],
    channels: ['123', 'not an id', { id: 1 }],
    roles: { '42': { waiting: 3, seconds: -1, weight: 99, mood: 1 }, x: { waiting: 1 } },
    everybody: { waiting: 'many', work: 50 },
    auditChannel: 9,
    fromTheFuture: true,
    __proto__: { polluted: true },
  });
  assert.deepEqual(policy, {
    ...DEFAULT_POLICY,
    spoiler: 'always',
    words: ['a', 'b'],
    channels: ['123'],
    roles: { '42': { waiting: 3 } },
    everybody: { work: 50 },
  });
  assert.equal(problems.length, 3);
});
