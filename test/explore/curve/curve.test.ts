import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SamplerName } from '../../../src/engine/names.ts';
import type { GenerateRequest } from '../../../src/engine/request.ts';
import {
  convergenceOf,
  type CurvePoint,
  findKnee,
  kneeWords,
  measureLine,
  type Shot,
} from '../../../src/explore/curve/curve.ts';

const point = (steps: number, ssim: number): CurvePoint => ({
  steps,
  seconds: steps / 10,
  latentDistance: 1 - ssim,
  rmse: 100 * (1 - ssim),
  psnr: 30,
  ssim,
});

describe('the knee', () => {
  test('the fewest steps from which on all look alike', () => {
    const points = [point(1, 0.2), point(5, 0.8), point(10, 0.985), point(20, 0.99), point(50, 1)];
    assert.equal(findKnee('ode', points)?.steps, 10);
  });
  test('a picture that changes again moves it behind the change', () => {
    const points = [point(5, 0.99), point(10, 0.9), point(20, 0.99), point(50, 1)];
    assert.equal(findKnee('ode', points)?.steps, 20);
  });
  test('none while only the reference looks like the reference', () => {
    assert.equal(findKnee('ode', [point(5, 0.5), point(20, 0.979), point(50, 1)]), null);
    assert.equal(findKnee('ode', [point(50, 1)]), null);
  });
  test('none for what never arrives, whatever the numbers say', () => {
    assert.equal(findKnee('ancestral', [point(5, 0.99), point(20, 0.99), point(50, 1)]), null);
  });
});

test('the words name the steps and what they cost here', () => {
  const points = [point(5, 0.5), point(18, 0.99), point(50, 1)];
  const line = { label: 'dpmpp_2m', convergence: 'ode' as const, points };
  assert.equal(
    kneeWords({ ...line, knee: findKnee('ode', points) }),
    'dpmpp_2m: after 18 steps nothing you would see changes; 18 steps cost 1.8 s here, 50 cost 5.0 s. It settles somewhere between 5 and 18, where nothing was painted; that only 18 and 50 look alike is little to go by.',
  );
  assert.match(
    kneeWords({ ...line, knee: null }),
    /still changes visibly up to 50 steps: those with 18 and 50 differ, and more were not painted\./,
  );
  const even = [point(10, 0.99), point(20, 0.99), point(50, 1)];
  assert.match(
    kneeWords({ ...line, points: even, knee: findKnee('ode', even) }),
    /It settles at 10 or before: fewer were not painted\.$/,
  );
  assert.match(
    kneeWords({ ...line, convergence: 'ancestral', knee: null }),
    /no picture to arrive at/,
  );
});

test('which samplers arrive somewhere', () => {
  const of = (sampler: SamplerName | null, eta: number | null = null) =>
    convergenceOf({ sampler, eta } as GenerateRequest);
  assert.deepEqual(
    [of('euler'), of('dpmpp_2m'), of('ddim'), of('unipc'), of(null)],
    ['ode', 'ode', 'ode', 'ode', 'ode'],
  );
  assert.deepEqual([of('dpmpp_2m_sde'), of('dpmpp_2m_sde', 0)], ['sde', 'ode']);
  assert.deepEqual(
    [of('euler_a'), of('euler_a', 0), of('ddim', 1), of('ddpm', 0), of('restart')],
    ['ancestral', 'ode', 'ancestral', 'ancestral', 'ancestral'],
  );
});

test('a line is measured against its longest run, in whatever order it was painted', async () => {
  const shot = (steps: number, level: number): Shot => ({
    steps,
    seconds: steps,
    pixels: { width: 16, height: 16, data: new Uint8Array(768).fill(level) },
    latents: new Float32Array(4).fill(level / 100),
  });
  const line = await measureLine('euler', 'ode', [shot(50, 100), shot(5, 160), shot(20, 101)]);
  assert.deepEqual(
    line.points.map(({ steps, rmse }) => [steps, rmse]),
    [
      [5, 60],
      [20, 1],
      [50, 0],
    ],
  );
  assert.ok(Math.abs(line.points[0]!.latentDistance! - 0.6) < 1e-6);
  assert.equal(line.points[2]?.ssim, 1);
  assert.equal(line.knee?.steps, 20);
});
