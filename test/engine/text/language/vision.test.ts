import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  visionLimits,
  visionSize,
  windowsOf,
} from '../../../../src/engine/text/language/vision.ts';

test('a picture has whole tokens within the limits, by transformers smart_resize', () => {
  const usual = visionLimits({});
  assert.deepEqual(visionSize({ width: 1024, height: 1024 }, usual), {
    width: 1036,
    height: 1036,
  });
  // 42 is half-way between one token and two: to the even one
  assert.deepEqual(visionSize({ width: 70, height: 98 }, usual), { width: 56, height: 112 });
  assert.deepEqual(visionSize({ width: 10, height: 20 }, usual), { width: 56, height: 84 });
  const small = visionLimits({ size: { shortest_edge: 3136, longest_edge: 50_176 } });
  assert.deepEqual(visionSize({ width: 1000, height: 500 }, small), { width: 308, height: 140 });
  assert.equal(visionLimits({ image_processor: { max_pixels: 7 } }).most, 7);
});

test('every patch is in one window, and stands where it is fetched back from', () => {
  const grid = { width: 6, height: 5 };
  const { windows, inside, places } = windowsOf(grid);
  assert.equal(inside, 64);
  assert.equal(windows.length, 4 * inside);
  assert.equal(places.length, 4 * 30);
  for (const [patch, place] of places.entries()) assert.equal(windows[place], patch);
  assert.equal(windows.filter((patch) => patch < 0).length, 4 * 64 - 4 * 30);
});
