import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countSteps } from '../../../src/engine/pipeline/steps.ts';

test('of more steps than were planned each is told among as many as there are', () => {
  const steps = countSteps(2, { resuming: () => false });
  const told = Array.from({ length: 4 }, () => steps.finish());
  assert.deepEqual(
    told.map(({ step, steps: all }) => [step, all]),
    [
      [1, 2],
      [2, 2],
      [3, 3],
      [4, 4],
    ],
  );
});
