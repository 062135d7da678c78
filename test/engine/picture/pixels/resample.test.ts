import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type LatentMode,
  resizeBytes,
  resizeLatents,
} from '../../../../src/engine/picture/pixels/resample.ts';

type Side = [height: number, width: number];
type Latents = { mode: LatentMode; from: Side; to: Side; x: number[]; y: number[] };
type Pixels = { from: Side; to: Side; x: number[]; y: number[] };

const { latents, pixels } = JSON.parse(
  readFileSync(new URL('../../../fixtures/resample/resize.json', import.meta.url), 'utf8'),
) as { latents: Latents[]; pixels: Pixels[] };

const size = ([height, width]: Side): { height: number; width: number } => ({ height, width });

for (const { mode, from, to, x, y } of latents) {
  test(`${mode} from ${from.join('x')} to ${to.join('x')} equals torch's interpolate`, () => {
    const made = resizeLatents(Float32Array.from(x), size(from), size(to), mode);
    assert.equal(made.length, y.length);
    const worst = Math.max(...y.map((value, i) => Math.abs(value - (made[i] ?? Infinity))));
    assert.ok(worst < 2e-6, `off by ${worst}`);
  });
}

for (const { from, to, x, y } of pixels) {
  test(`pixels from ${from.join('x')} to ${to.join('x')} equal Pillow's Lanczos`, () => {
    const made = resizeBytes(Uint8Array.from(x), size(from), size(to), 3);
    assert.deepEqual([...made], y);
  });
}
