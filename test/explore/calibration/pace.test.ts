import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pace, steadySeconds } from '../../../src/explore/calibration/pace.ts';

const pace = (steps: number[], rest: number = 1, missing: number = 0): Pace => ({
  steps,
  rest,
  missing,
});
const close = (found: readonly number[], wanted: readonly number[]): void => {
  assert.equal(found.length, wanted.length);
  for (const [at, value] of wanted.entries()) {
    assert.ok(Math.abs(found[at]! - value) < 1e-9, `${found.join()} is not ${wanted.join()}`);
  }
};

test('nothing in between: the clock’s own seconds', () => {
  close(steadySeconds([pace([2, 2.2]), pace([1.8, 2, 2.4])]), [5.2, 7.2]);
});

test('what is no step is the same work for every picture of a line', () => {
  close(steadySeconds([pace([2], 1.4), pace([2, 2], 1), pace([2, 2, 2], 0.9)]), [3, 5, 7]);
});

test('the first picture of a cold engine costs what the others do', () => {
  close(steadySeconds([pace([9], 5), pace([2, 2, 2]), pace([2, 2, 2, 2])]), [3, 7, 9]);
});

test('a step in which the machine did something else counts as a usual one', () => {
  close(steadySeconds([pace([2, 40, 2]), pace([2, 2, 2])]), [7, 7]);
});

test('the last step of a sampler that asks twice in all others stays shorter', () => {
  close(steadySeconds([pace([1]), pace([2, 2, 1]), pace([2, 2, 2, 2, 1])]), [2, 6, 10]);
});

test('a machine that is slow all the time is slow', () => {
  close(steadySeconds([pace([20, 20], 10), pace([20, 20, 20], 10)]), [50, 70]);
});

test('steps that an interrupted run had taken count as usual ones', () => {
  close(steadySeconds([pace([2, 2], 1, 8), pace([2, 2])]), [21, 5]);
  close(steadySeconds([pace([], 1, 3), pace([2, 2])]), [7, 5]);
});

test('nothing measured is nothing', () => {
  assert.deepEqual(steadySeconds([]), []);
  close(steadySeconds([pace([], 0)]), [0]);
});
