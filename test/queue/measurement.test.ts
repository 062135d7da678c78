import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GenerateResult } from '../../src/engine/result.ts';
import { measurementOf } from '../../src/queue/measurement.ts';
import { aRequest } from './orders.ts';

function near(actual: number | null, expected: number): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) < 1e-9 * expected + 1e-12,
    `${actual} != ${expected}`,
  );
}

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
      asked: { evaluations: 9, rows: 36, rowPixels: 36 * 128 * 128, vaePixels: 2 * 128 * 128 },
    },
  };
  const figures = measurementOf(result, 0.25);
  near(figures.stepSeconds, 1 / 9);
  near(figures.work?.seconds ?? 0, 1);
  near(figures.fixedSeconds, 0.75);
  assert.deepEqual(
    [figures.steps, figures.images, figures.cold, figures.guided],
    [5, 2, true, true],
  );
});
