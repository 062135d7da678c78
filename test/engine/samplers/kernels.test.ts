import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  adamsBashforth,
  alongSlope,
  ddimDeviation,
  ddimStep,
  eulerStep,
  heunCorrected,
  secondOrder,
  thirdOrder,
  unipcUpdate,
} from '../../../src/engine/samplers/kernels.ts';
import { slope } from '../../../src/engine/samplers/linear.ts';

const engine = path.join(import.meta.dirname, '../../../src/engine');
const one = (value: number): Float32Array => Float32Array.of(value);
const near = (found: number | undefined, wanted: number): void =>
  assert.ok(Math.abs((found ?? Number.NaN) - wanted) < 1e-6, `${found}, expected ${wanted}`);

test('Euler in x̂0 is Euler along the slope, and ends at x̂0', () => {
  const [x, x0] = [one(3), one(0.5)];
  near(eulerStep(x, x0, 2, 1.5)[0], alongSlope(x, -0.5, slope(x, x0, 2))[0]!);
  near(eulerStep(x, x0, 2, 0)[0], 0.5);
  near(heunCorrected(x, -0.5, one(1), one(3))[0], 2);
});

test('weights of every order sum to what a constant answer is worth, and follow a line and a parabola', () => {
  const [flat, linear, curved] = [0.7, 0.2, 0.05];
  const sum = (weights: readonly number[]): number => weights.reduce((a, b) => a + b, 0);
  near(sum(secondOrder(flat, 0.3)), flat);
  for (const r of [
    [1, 1],
    [0.5, 2],
    [1.7, 0.3],
  ] as const) {
    const weights = thirdOrder(flat, linear, curved, r);
    near(sum(weights), flat);
    // answers at λ, λ - r0 h and λ - (r0 + r1) h, for D(λ) = λ and D(λ) = λ²
    const places = [0, -r[0], -r[0] - r[1]];
    near(sum(weights.map((w, k) => w * places[k]!)), linear);
    near(sum(weights.map((w, k) => w * places[k]! ** 2)), -curved);
  }
});

test('Adams-Bashforth is exact for answers that change as a polynomial of its order', () => {
  for (const order of [1, 2, 3, 4]) {
    for (let power = 0; power < order; power++) {
      const past = Array.from({ length: order }, (_, k) => one((-k) ** power));
      near(adamsBashforth(past)[0], 1 / (power + 1));
    }
  }
});

test('DDIM keeps the variance: what is put back has the deviation of the level', () => {
  for (const η of [0, 0.5, 1]) {
    const deviation = ddimDeviation(η, 0.3, 0.6);
    const kept = ddimStep(one(0), one(1), 0.6, deviation, null)[0]!;
    near(kept ** 2 + deviation ** 2, 1 - 0.6);
  }
});

test('UniPC’s corrector takes the newest answer, its predictor none', () => {
  const history = [one(1), one(2)];
  near(unipcUpdate(one(0), { keep: 1, gain: 0.5 }, [0.1], history, null)[0], 0.1 * 2 + 0.4 * 1);
  near(
    unipcUpdate(one(0), { keep: 1, gain: 0.5 }, [0.1, 0.2], history, one(5))[0],
    0.1 * 2 + 0.2 * 5 + 0.2 * 1,
  );
});

/** What tells the arithmetic of a step from the laying out of its levels. */
const ARITHMETIC: readonly (readonly [name: string, sign: RegExp])[] = [
  ['Adams-Bashforth', /\b(?:23 \/ 12|55 \/ 24)\b/],
  ['Heun', /\bdt \/ 2, d\b/],
  ['Euler in x̂0', /sum[23]\(ratio, \w+, 1 - ratio, denoised/],
  ['third order', /r0 \/ \(r0 \+ r1\)/],
  ['DDIM', /1 - below - deviation/],
  ['UniPC', /base -= /],
  ['noise of stochastic steps', /expm1\(-2 \*/],
];

function doubles(files: readonly { file: string; text: string }[]): string[] {
  return files.flatMap(({ file, text }) =>
    ARITHMETIC.filter(([, sign]) => sign.test(text)).map(([name]) => `${file}: ${name}`),
  );
}

test('the arithmetic of a step stands in the kernels alone', () => {
  const files = globSync(['samplers/*.ts', 'diffusers/*.ts'], { cwd: engine })
    .filter((file) => path.basename(file) !== 'kernels.ts')
    .map((file) => ({ file, text: readFileSync(path.join(engine, file), 'utf8') }));
  assert.ok(files.length > 35);
  assert.deepEqual(doubles(files), []);
  const planted = { file: 'a.ts', text: 'x = sum2(ratio, x, 1 - ratio, denoised); base -= w;' };
  assert.equal(doubles([planted]).length, 2);
});
