import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { biasDelta, changedWeights } from '../../../../src/engine/lora/weights/delta.ts';
import type { LayerTensors } from '../../../../src/engine/lora/file.ts';

type Numbers = { shape: number[]; data: number[] };
type Kind = {
  shape: number[];
  weights: number[];
  strength: number;
  tensors: Record<string, Numbers>;
  expected: number[];
};

/** Calculated with torch after extensions-builtin/Lora/network_*.py of A1111 v1.10.1. */
const kinds = JSON.parse(
  readFileSync(new URL('../../../fixtures/golden/lora/kinds.json', import.meta.url), 'utf8'),
) as Record<string, Kind>;

const tensorsOf = (given: Record<string, Numbers>): LayerTensors =>
  Object.fromEntries(
    Object.entries(given).map(([role, { shape, data }]) => [
      role,
      { shape, data: Float32Array.from(data) },
    ]),
  );

for (const [name, { shape, weights, strength, tensors, expected }] of Object.entries(kinds)) {
  test(`${name}: the weights that A1111 makes of it`, () => {
    const data = Float32Array.from(weights);
    const changed = changedWeights(tensorsOf(tensors), { shape, data }, strength);
    assert.equal(changed.length, expected.length);
    // The fixture has eight digits, and torch's inverse is single precision.
    for (const [i, value] of changed.entries()) {
      assert.ok(
        Math.abs(value - (expected[i] ?? Number.NaN)) < 2e-6,
        `${i}: ${value} ${expected[i]}`,
      );
    }
    assert.ok(changed.some((value, i) => Math.abs(value - (data[i] ?? 0)) > 1e-3));
  });
}

test('norms and whole differences change the bias as well', () => {
  const bias = { shape: [2], data: Float32Array.of(1, 2) };
  assert.deepEqual(biasDelta({ b_norm: bias }), bias.data);
  assert.deepEqual(biasDelta({ diff_b: bias }), bias.data);
  assert.equal(biasDelta({ diff: bias }), null);
});

test('what does not fit the layer is told', () => {
  const weights = { shape: [6, 4], data: new Float32Array(24) };
  const odd = (given: Record<string, number[]>): LayerTensors =>
    tensorsOf(
      Object.fromEntries(
        Object.entries(given).map(([role, shape]) => [
          role,
          { shape, data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 1) },
        ]),
      ),
    );
  for (const [change, words] of [
    [odd({ diff: [6, 5] }), /changes 30 numbers where there are 24/],
    [odd({ up: [6, 2] }), /only one of its two matrices/],
    [odd({ hada_w1_a: [6, 2], hada_w1_b: [2, 4] }), /lacks hada_w2_a/],
    [odd({ lokr_w1: [2, 2], lokr_w2: [5, 2] }), /another size/],
    [odd({ oft_blocks: [2, 4, 4] }), /blocks of 4 do not divide 6/],
    [odd({ weight: [5], on_input: [] }), /not as many/],
    [odd({ diff: [6, 4], dora: [1, 3] }), /3 lengths for 4/],
  ] as const) {
    assert.throws(() => changedWeights(change, weights, 1), words);
  }
});
