import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KONTEXT_REFERENCES } from '../../../../src/engine/families/editing/kontext.ts';

test('a picture is brought to the size of training whose shape is nearest', () => {
  const sizeOf = (width: number, height: number) =>
    KONTEXT_REFERENCES.fit({ width, height }, 16).kept;
  assert.deepEqual(sizeOf(512, 512), { width: 1024, height: 1024 });
  assert.deepEqual(sizeOf(60, 40), { width: 1248, height: 832 });
  assert.deepEqual(sizeOf(10, 4000), { width: 672, height: 1568 });
});

test('several pictures stand beside or below each other, none on another', () => {
  const grids = [
    { width: 64, height: 64 },
    { width: 78, height: 52 },
    { width: 42, height: 98 },
  ];
  const corners = grids.map((_, index) => KONTEXT_REFERENCES.placesOf(index, grids)(0, 0));
  assert.deepEqual(corners, [
    [1, 0, 0],
    // 52 + 64 is no more than 78 + 64: below
    [1, 64, 0],
    // 98 + 116 is more than 42 + 78: beside
    [1, 0, 78],
  ]);
});
