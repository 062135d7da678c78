import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type PartTensors,
  rowsOf,
  type TensorSlice,
  TYPE_BYTES,
} from '../../../src/engine/checkpoint/tensors.ts';

const packed: TensorSlice = { file: '/m', offset: 100, length: 96, type: 'F16', shape: [12, 4] };

test('rows of a packed projection are slices that lie one after the other', () => {
  const parts: PartTensors = new Map(
    ['q', 'k', 'v'].map((name, i) => [name, rowsOf(packed, 4 * i, 4 * i + 4)]),
  );
  assert.deepEqual(
    [...parts.values()].map(({ offset, length, shape }) => [offset, length, shape]),
    [
      [100, 32, [4, 4]],
      [132, 32, [4, 4]],
      [164, 32, [4, 4]],
    ],
  );
  assert.equal(TYPE_BYTES[packed.type] * 16, 32);
});

test('rows outside the tensor are refused', () => {
  for (const [from, to] of [
    [-1, 2],
    [3, 3],
    [11, 13],
  ] as const) {
    assert.throws(() => rowsOf(packed, from, to), RangeError);
  }
});
