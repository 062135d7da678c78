import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLoopDelay, type LoopDelay } from '../../src/metrics/collectors/loop-delay.ts';
import { deadlineAfter } from '../support/machine/patience.ts';

function keepBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('what keeps the thread is measured, in a timer and in answer to the system alike', async (t) => {
  const delay = createLoopDelay();
  t.after(() => delay.close());
  assert.equal(delay.seconds(100), 0);
  delay.note();
  await sleep(50);
  await isMeasured(delay, async () => keepBusy(300));
  delay.restart();
  assert.equal(delay.seconds(100), 0);
  await sleep(50);
  await isMeasured(delay, async () => {
    const answer = await fetch('data:,x');
    await answer.text();
    keepBusy(300);
  });
});

/** Does the work again where the system gave Node's own look at the clock no turn before the test's. */
async function isMeasured(delay: LoopDelay, work: () => Promise<void>): Promise<void> {
  const deadline = deadlineAfter(3000);
  while (delay.seconds(100) <= 0.25) {
    assert.ok(!deadline.hasPassed(), `${delay.seconds(100)} s`);
    await work();
    await sleep(50);
  }
}

test('where there is no work it stops looking, and begins again with the next', async (t) => {
  const delay = createLoopDelay(20);
  t.after(() => delay.close());
  assert.equal(delay.isOn(), false);
  delay.note();
  assert.equal(delay.isOn(), true);
  while (delay.isOn()) await sleep(20);
  delay.note();
  assert.equal(delay.isOn(), true);
});
