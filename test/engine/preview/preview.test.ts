import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createPreviewClock,
  fitPreviewFactors,
  renderPreview,
} from '../../../src/engine/preview/preview.ts';
import { publishedFactors } from '../../../src/engine/preview/published.ts';

/** Steps at which a preview is due when every step takes `stepMs`. */
function dueSteps(total: number, stepMs: number): number[] {
  const clock = createPreviewClock(0);
  const steps = Array.from({ length: total }, (_, i) => i + 1);
  return steps.filter((step) => clock.due(step, total, step * stepMs));
}

test('a picture that takes less than a second needs no preview', () => {
  assert.deepEqual(dueSteps(20, 45), []);
});

test('the first preview comes by a quarter of the steps, then about one a second', () => {
  assert.deepEqual(dueSteps(20, 100), [5, 15]);
  assert.deepEqual(
    dueSteps(20, 1500),
    Array.from({ length: 19 }, (_, i) => i + 1),
  );
  assert.ok((dueSteps(150, 30)[0] ?? 99) <= 37);
});

test('the last step has none: the picture follows', () => {
  assert.deepEqual(dueSteps(1, 5000), []);
  assert.ok(!dueSteps(8, 3000).includes(8));
});

test('images of a batch stand side by side', () => {
  const latents = Float32Array.from([1, 1, -1, -1]); // two images [1,2,1]
  const picture = renderPreview(latents, [2, 1, 2, 1], { rows: [[1, 0.5, 0]], bias: [0, 0, 0] });
  assert.deepEqual([picture.width, picture.height], [2, 2]);
  assert.deepEqual([...picture.data], [255, 191, 128, 0, 64, 128, 255, 191, 128, 0, 64, 128]);
});

test('the fit finds the map that made the colours', () => {
  const rows = [
    [0.3, -0.2, 0.1],
    [0.05, 0.25, -0.3],
  ];
  const bias = [0.1, -0.05, 0];
  const size = 16;
  const latents = new Float32Array(2 * size * size).map(
    (_, i) => Math.sin(i * 1.3) + Math.cos(i * i),
  );
  const data = new Uint8Array(4 * 3 * size * size);
  for (let y = 0; y < 2 * size; y++) {
    for (let x = 0; x < 2 * size; x++) {
      const at = (y >> 1) * size + (x >> 1);
      for (let j = 0; j < 3; j++) {
        const value =
          bias[j]! + latents[at]! * rows[0]![j]! + latents[size * size + at]! * rows[1]![j]!;
        data[3 * (y * 2 * size + x) + j] = Math.round(127.5 * value + 127.5);
      }
    }
  }
  const pixels = { data, width: 2 * size, height: 2 * size };
  const fit = fitPreviewFactors([{ latents, pixels }], 2);
  for (const [i, row] of rows.entries()) {
    for (const [j, value] of row.entries()) assert.ok(Math.abs(fit.rows[i]![j]! - value) < 0.01);
  }
  for (const [j, value] of bias.entries()) assert.ok(Math.abs(fit.bias[j]! - value) < 0.01);
});

test('every family of latents has published colours, and others have none', () => {
  const of = (latentChannels: number, scale: number, hasStats = false) =>
    publishedFactors({
      latentChannels,
      latentScale: { scale, shift: 0, channels: hasStats ? { means: [], deviations: [] } : null },
    });
  for (const [channels, scale] of [
    [4, 0.18215],
    [4, 0.13025],
    [16, 1.5305],
    [16, 0.3611],
  ] as const) {
    assert.equal(of(channels, scale)?.rows.length, channels);
  }
  assert.equal(of(16, 1, true)?.rows.length, 16);
  assert.notDeepEqual(of(16, 1.5305)?.rows, of(16, 0.3611)?.rows);
  assert.equal(of(128, 1)?.patch, 2);
  assert.equal(of(4, 0.5), null);
  assert.equal(of(16, 0.9), null);
});

test('a latent that is a patch becomes as many pixels', () => {
  // one image, two rows of factors, two latents beside each other
  const shape = [1, 8, 1, 2] as const;
  const latents = Float32Array.from(
    [1, 5, 2, 6, 3, 7, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0],
    (x) => x / 10,
  );
  const factors = {
    rows: [
      [1, 0, 0],
      [0, 1, 0],
    ],
    bias: [0, 0, 0],
    patch: 2,
  } as const;
  const picture = renderPreview(latents, shape, factors);
  assert.deepEqual([picture.width, picture.height], [4, 2]);
  const red = Array.from({ length: 8 }, (_, i) =>
    Math.round((picture.data[3 * i]! - 127.5) / 12.75),
  );
  assert.deepEqual(red, [1, 2, 5, 6, 3, 4, 7, 8]);
});
