import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { latentDistance, psnr, type Rgb, rmse, ssim } from '../../../src/explore/curve/measures.ts';

/** A picture by formula, so that the same one can be made elsewhere. */
function picture(width: number, height: number, k: number): Rgb {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      data[at] = (x * 7 + y * 3 + k * 11) % 256;
      data[at + 1] = (x * y + k * (x % 5)) % 256;
      data[at + 2] = (128 + Math.trunc(100 * Math.sin((x + k) / 9) * Math.cos(y / 7))) % 256;
    }
  }
  return { data, width, height };
}

const near = (actual: number, expected: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('distances between pictures', () => {
  const a = picture(64, 48, 0);

  test('SSIM and RMSE as SciPy computes them with the same window', () => {
    near(ssim(a, picture(64, 48, 1)), 0.9251380329148124);
    near(ssim(a, picture(64, 48, 3)), 0.8065664224726659);
    near(rmse(a, picture(64, 48, 1)), 30.64026511559857);
    near(rmse(a, picture(64, 48, 3)), 53.009816922001974);
  });

  test('equal pictures', () => {
    near(ssim(a, a), 1);
    assert.equal(rmse(a, a), 0);
    assert.equal(psnr(a, a), Infinity);
  });

  test('PSNR of a difference of one everywhere', () => {
    const one: Rgb = { ...a, data: a.data.map((value) => (value < 255 ? value + 1 : 254)) };
    near(psnr(a, one), 20 * Math.log10(255));
  });

  test('large pictures are looked at from where they fit the eye: fine noise weighs less', () => {
    const flat = (size: number, noise: number): Rgb => ({
      width: size,
      height: size,
      data: Uint8Array.from({ length: 3 * size * size }, (_, i) => {
        const [x, y] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
        return 128 + ((x + y) % 2 === 0 ? noise : -noise);
      }),
    });
    near(ssim(flat(512, 20), flat(512, 0)), 1);
    assert.ok(ssim(flat(128, 20), flat(128, 0)) < 0.2);
  });

  test('latents', () => {
    near(latentDistance(Float32Array.of(0, 3, 4, 0), Float32Array.of(0, 0, 0, 0)), 2.5);
  });

  test('what cannot be compared', () => {
    assert.throws(() => ssim(a, picture(48, 64, 0)), /64x48 and 48x64 have no distance/);
    assert.throws(() => ssim(picture(10, 64, 0), picture(10, 64, 0)), /needs 11 pixels/);
    assert.throws(() => latentDistance(new Float32Array(2), new Float32Array(3)), /compare 2/);
  });
});
