import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GenerateResult } from '../../../src/engine/request.ts';
import { createEstimator, measurementOf, workOf } from '../../../src/queue/fairness/estimate.ts';
import { aMeasurement, aRequest } from '../orders.ts';

const work = workOf(aRequest());

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
    near(estimator.cost({ ...work, evaluations: work.evaluations * 3 }), cost * 3);
    near(estimator.cost({ ...work, pixels: work.pixels * 4, images: 2 }), cost * 8);
    near(estimator.cost({ ...work, guided: false }), cost / 2);
  });

  test('scale with steps, images, pixels and guidance', () => {
    const estimator = createEstimator([aMeasurement({ stepSeconds: 0.1, fixedSeconds: 0.4 })]);
    near(estimator.seconds(work), 1.4);
    near(estimator.seconds(workOf(aRequest({ steps: 20 }))), 2.4);
    near(estimator.seconds(workOf(aRequest({ count: 3 }))), 4.2);
    near(estimator.seconds(workOf(aRequest({ width: 256 }))), 2.8);
    near(estimator.seconds(workOf(aRequest({ guidanceScale: 1 }))), 0.9);
    near(estimator.seconds(workOf(aRequest({ sampler: 'heun' }))), 2.4);
    const init = {
      image: new Uint8Array(1),
      strength: 0.5,
      mask: null,
      maskBlur: 0,
      onlyMasked: false,
    };
    near(estimator.seconds(workOf(aRequest({ init }))), 0.9);
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
    near(estimator.seconds(workOf(aRequest({ width: 256, height: 256 }))), 9);
    near(estimator.seconds(workOf(aRequest({ width: 512, height: 512 }))), 36);
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

  test('a result becomes figures: median step, load left out, evaluations of the sampler', () => {
    const result: GenerateResult = {
      images: [],
      request: aRequest({ sampler: 'heun', count: 2 }),
      model: { name: 'demo', hash: '0123456789' },
      provider: 'cpu',
      timings: {
        load_ms: 4000,
        encode_ms: 100,
        steps_ms: [900, 200, 200, 220, 180],
        decode_ms: 300,
        total_ms: 6200,
        onnx_ms: 5000,
      },
    };
    const figures = measurementOf(result, 0.25);
    near(figures.stepSeconds, 0.1);
    near(figures.fixedSeconds, 0.75);
    assert.deepEqual(
      [figures.steps, figures.images, figures.cold, figures.guided],
      [5, 2, true, true],
    );
  });
});
