import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Workers } from '../../src/queue/contracts.ts';
import { withWorkers } from '../../src/runner/workers.ts';

test('a bot without an engine lives as long as its queue can be asked, whoever paints', async (t) => {
  let isAway = false;
  const workers: Workers = {
    report: async () => {},
    leave: async () => {},
    async list() {
      if (isAway) throw new Error('away');
      return [];
    },
  };
  const engine = withWorkers(null, { workers, name: 'bot' });
  t.after(() => engine.close());
  assert.equal(await engine.answers(1000), true);
  isAway = true;
  assert.equal(await engine.answers(1000), false);
  isAway = false;
  assert.equal(await engine.answers(1000), true);
});
