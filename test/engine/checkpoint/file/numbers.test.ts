/** What the bits of each floating type mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toFloat32 } from '../../../../src/engine/checkpoint/file/numbers.ts';

test('sixteen bits are the upper half of a float32', () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  const numbers = toFloat32(all.buffer, 'BF16');
  const view = new DataView(new ArrayBuffer(4));
  const wanted = Array.from(all, (bits) => {
    view.setUint32(0, bits * 65_536);
    return view.getFloat32(0);
  });
  assert.deepEqual(Array.from(numbers), wanted);
  assert.deepEqual(wanted.slice(0x3f80, 0x3f82), [1, 1.0078125]);
});

test('eight bits are the upper half of a float16, or have three of mantissa', () => {
  const all = Uint8Array.from({ length: 256 }, (_, bits) => bits);
  const halves = toFloat32(all.buffer, 'F8_E5M2');
  const view = new DataView(new ArrayBuffer(2));
  const wanted = Array.from(all, (bits) => {
    view.setUint16(0, bits * 256);
    return view.getFloat16(0);
  });
  assert.deepEqual(Array.from(halves), wanted);
  const short = toFloat32(all.buffer, 'F8_E4M3');
  // the smallest, the last below the normal ones, the first of those, one and the largest
  const shown = [0x01, 0x07, 0x08, 0x38, 0x7e];
  const told = [2 ** -9, 7 * 2 ** -9, 2 ** -6, 1, 448];
  assert.deepEqual(
    shown.map((bits) => short[bits]),
    told,
  );
  assert.deepEqual(
    shown.map((bits) => short[bits | 0x80]),
    told.map((value) => -value),
  );
  assert.deepEqual(
    [...short.keys()].filter((bits) => Number.isNaN(short[bits])),
    [0x7f, 0xff],
  );
});
