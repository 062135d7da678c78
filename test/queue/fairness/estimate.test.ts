import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GenerateRequest } from '../../../src/engine/request.ts';
import { costOf } from '../../../src/engine/request/cost.ts';
import { createEstimator, workOf } from '../../../src/queue/fairness/estimate.ts';
import { aMeasurement, aRequest } from '../orders.ts';

const workFor = (over: Partial<GenerateRequest> = {}) => {
  const request = aRequest(over);
  return workOf(request.model, costOf(request, null));
};
const work = workFor();

function near(actual: number | null, expected: number): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) < 1e-9 * expected + 1e-12,
    `${actual} != ${expected}`,
  );
}

describe('estimates', () => {
  test('know nothing before the first measurement, but a cost that grows with the work', () => {
    const estimator = createEstimator();
    assert.equal(estimator.seconds(work), null);
    assert.equal(estimator.measured(), false);
    const cost = estimator.cost(work);
    assert.ok(cost > 0);
    near(estimator.cost(workFor({ steps: 30 })), cost * 3);
    near(estimator.cost(workFor({ width: 256, height: 256, count: 2 })), cost * 8);
    near(estimator.cost(workFor({ guidanceScale: 1 })), cost / 2);
    near(estimator.cost(workFor({ prompt: 'a AND b AND c' })), cost * 2);
  });

  test('scale with steps, images, pixels and guidance', () => {
    const estimator = createEstimator([aMeasurement({ stepSeconds: 0.1, fixedSeconds: 0.4 })]);
    near(estimator.seconds(work), 1.4);
    near(estimator.seconds(workFor({ steps: 20 })), 2.4);
    near(estimator.seconds(workFor({ count: 3 })), 4.2);
    near(estimator.seconds(workFor({ width: 256 })), 2.8);
    near(estimator.seconds(workFor({ guidanceScale: 1 })), 0.9);
    // Its last step takes one evaluation.
    near(estimator.seconds(workFor({ sampler: 'heun' })), 2.3);
    const init = {
      image: new Uint8Array(1),
      strength: 0.5,
      mask: null,
      maskBlur: 0,
      onlyMasked: false,
    };
    // A1111 runs six of ten steps, and the picture goes through the VAE twice.
    near(estimator.seconds(workFor({ init })), 0.6 + 0.8);
  });

  test('one slow run changes nothing, a machine that became slower does', () => {
    const estimator = createEstimator();
    for (let i = 0; i < 6; i++) estimator.add(aMeasurement({ stepSeconds: 0.1 }));
    estimator.add(aMeasurement({ stepSeconds: 60 }));
    near(estimator.seconds(work), 1);
    for (let i = 0; i < 9; i++) estimator.add(aMeasurement({ stepSeconds: 0.3 }));
    near(estimator.seconds(work), 3);
  });

  test('a size seen before is not scaled from another', () => {
    const estimator = createEstimator([
      aMeasurement({ stepSeconds: 0.1 }),
      aMeasurement({ stepSeconds: 0.9, pixels: 256 * 256 }),
    ]);
    near(estimator.seconds(work), 1);
    near(estimator.seconds(workFor({ width: 256, height: 256 })), 9);
    near(estimator.seconds(workFor({ width: 512, height: 512 })), 36);
  });

  test('the run that loaded the model counts only until a warm one came', () => {
    const estimator = createEstimator([aMeasurement({ stepSeconds: 5, cold: true })]);
    near(estimator.seconds(work), 50);
    estimator.add(aMeasurement({ stepSeconds: 0.1 }));
    near(estimator.seconds(work), 1);
  });

  test('another model says nothing to the person, and something to fairness', () => {
    const estimator = createEstimator([aMeasurement({ model: 'other', stepSeconds: 0.7 })]);
    assert.equal(estimator.seconds(work), null);
    near(estimator.cost(work), 7);
  });

  test('a run feeds the price of its own kind', () => {
    const hires = { scale: 2, steps: 10, strength: 0.5, upscaler: 'latent' } as const;
    const { kind, ...large } = workFor({ hires });
    const estimator = createEstimator([aMeasurement({ stepSeconds: 0.1, fixedSeconds: 0.4 })]);
    // Until one was measured, its rows cost as much as those of a plain picture.
    near(estimator.seconds({ kind, ...large }), 1 + 4 + 1.6);
    for (let i = 0; i < 9; i++) {
      const work = { ...large, seconds: 80 };
      estimator.add(aMeasurement({ kind, work, stepSeconds: 4, fixedSeconds: 10 }));
    }
    near(estimator.seconds({ kind, ...large }), 90);
    near(estimator.seconds(work), 1.4);
    near(estimator.cost(workFor({ pagScale: 3 })), 1.5 + 0.4);
    near(estimator.cost(workFor({ hires, model: 'other' })), 90);
  });

  test('measurements of older versions are understood', () => {
    const { kind: _, work: __, ...old } = aMeasurement({ images: 2, guided: false });
    const estimator = createEstimator([old]);
    near(
      estimator.seconds(workFor({ count: 2, guidanceScale: 1 })),
      10 * old.stepSeconds + old.fixedSeconds,
    );
  });

  test('nonsense is not learnt', () => {
    const estimator = createEstimator();
    for (const bad of [
      { stepSeconds: Number.NaN },
      { stepSeconds: 0 },
      { pixels: 0 },
      { fixedSeconds: -1 },
    ]) {
      estimator.add(aMeasurement(bad));
    }
    assert.equal(estimator.measured(), false);
  });
});
