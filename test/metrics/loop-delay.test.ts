import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLoopDelay } from '../../src/metrics/collectors/loop-delay.ts';

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
  keepBusy(300);
  await sleep(50);
  assert.ok(delay.seconds(100) > 0.25, `${delay.seconds(100)} s`);
  delay.restart();
  assert.equal(delay.seconds(100), 0);
  await sleep(50);
  await fetch('data:,x').then(async (answer) => {
    await answer.text();
    keepBusy(300);
  });
  await sleep(50);
  assert.ok(delay.seconds(100) > 0.25, `${delay.seconds(100)} s`);
});

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
