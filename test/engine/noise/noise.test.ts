import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brownianNoise } from '../../../src/engine/noise/brownian.ts';
import { boxMullerBlocks, chooseBlocks } from '../../../src/engine/noise/box-muller.ts';
import { TorchGenerator } from '../../../src/engine/noise/mt19937.ts';
import { PhiloxGenerator } from '../../../src/engine/noise/philox.ts';
import { seedSequence } from '../../../src/engine/noise/seed-sequence.ts';
import { createNoiseSource, slerp } from '../../../src/engine/noise/noise.ts';
import { fixture, fullGolden, unequal, type Golden } from '../../support/golden/golden.ts';
import { measurer } from '../../support/golden/measure.ts';

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

function scaledDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    if (!(d <= worst)) worst = d;
  }
  return worst;
}

test('the vectorised normals are the plain ones to the last bit', () => {
  const generator = new TorchGenerator(99n);
  const uniforms = Float32Array.from(
    { length: 1 << 17 },
    () => (generator.uint32() & 0xffffff) * 2 ** -24,
  );
  const plain = uniforms.slice();
  boxMullerBlocks(plain, 0, plain.length / 16);
  chooseBlocks()(uniforms, 0, uniforms.length / 16);
  assert.equal(unequal(uniforms, plain), 0);
});

test('profile diffusers and comfy draw a batch as one stream, a1111 a stream a picture', () => {
  const request = {
    seed: 7n,
    count: 2,
    rng: 'cpu',
    variation: null,
    seedResize: null,
    etaNoiseSeedDelta: 0,
  } as const;
  const shape = [2, 4, 8, 8] as const;
  const one = (seed: bigint): Float32Array =>
    createNoiseSource({ ...request, seed, count: 1, profile: 'a1111' }, [1, 4, 8, 8]).initial();
  const perImage = createNoiseSource({ ...request, profile: 'a1111' }, shape).initial();
  assert.equal(unequal(perImage, [...one(7n), ...one(8n)]), 0);
  const whole = new TorchGenerator(7n).randn(512);
  for (const profile of ['diffusers', 'comfy'] as const) {
    assert.equal(unequal(createNoiseSource({ ...request, profile }, shape).initial(), whole), 0);
  }
});

function suite(label: string, { manifest: m, array }: Golden): void {
  const check = measurer(label);
  /** bit for bit */
  const same = (what: string, got: ArrayLike<number>, want: ArrayLike<number>, detail: string) =>
    check(
      { what, unit: 'unequal', error: unequal(got, want), tolerance: 0, values: want.length },
      detail,
    );
  const near = (what: string, got: ArrayLike<number>, want: ArrayLike<number>, detail: string) =>
    check(
      {
        what,
        unit: 'absolute',
        error: scaledDifference(got, want),
        tolerance: 2e-6,
        values: want.length,
      },
      detail,
    );
  test(`torch.randn, bit for bit (${label})`, () => {
    for (const c of m.torch_randn) {
      const actual = new TorchGenerator(BigInt(c.seed)).randn(size(c.shape));
      same('torch.randn, float32', actual, array(c.out), `seed ${c.seed} shape ${c.shape}`);
    }
    for (const c of m.torch_randn_sequence) {
      const generator = new TorchGenerator(BigInt(c.seed));
      for (const [i, shape] of c.shapes.entries()) {
        const actual = generator.randn(size(shape));
        same('torch.randn, several draws', actual, array(c.outs[i]), `seed ${c.seed} draw ${i}`);
      }
    }
  });

  test(`torch.randn in half types (${label})`, () => {
    for (const c of m.torch_randn_dtype) {
      if (c.dtype === 'float64') continue;
      const actual = new TorchGenerator(BigInt(c.seed)).randnHalf(size(c.shape), c.dtype);
      same(`torch.randn, ${c.dtype}`, actual, array(c.out), `seed ${c.seed} ${c.shape}`);
    }
  });

  test(`Philox normals (${label})`, () => {
    for (const c of m.a1111_philox) {
      const generator = new PhiloxGenerator(BigInt(c.seed));
      for (const [i, shape] of c.shapes.entries()) {
        const actual = generator.randn(size(shape));
        same('Philox normals (A1111)', actual, array(c.outs[i]), `seed ${c.seed}`);
      }
    }
  });

  test(`numpy SeedSequence (${label})`, () => {
    for (const c of m.numpy_seed_sequence) {
      const state = seedSequence(BigInt(c.entropy), c.spawn_key, c.pool_size, c.n);
      same('numpy SeedSequence', state, c.generate_state, `entropy ${c.entropy}`);
    }
  });

  test(`Brownian trees (${label})`, () => {
    for (const c of m.brownian_tree) {
      const nv = c.normals_from.includes('NV');
      const normals = (seed: bigint, n: number): Float32Array =>
        nv ? new PhiloxGenerator(seed).randn(n) : new TorchGenerator(seed).randn(n);
      const each = size(c.x_shape) / c.seeds.length;
      const make = () =>
        brownianNoise(c.sigma_min, c.sigma_max, c.seeds.map(BigInt), each, normals);
      const queries = array(c.queries);
      const expected = array(c.out);
      const count = queries.length / 2;
      const total = expected.length / count;
      const backwards = make();
      const forwards = make();
      for (let q = 0; q < count; q++) {
        const want = expected.subarray(q * total, (q + 1) * total);
        const got = forwards(queries[2 * q]!, queries[2 * q + 1]!);
        near('Brownian tree (torchsde)', got, want, `${c.kind} query ${q}`);
        const r = count - 1 - q;
        const gotBack = backwards(queries[2 * r]!, queries[2 * r + 1]!);
        const wantBack = expected.subarray(r * total, (r + 1) * total);
        near('Brownian tree, asked backwards', gotBack, wantBack, `${c.kind} reversed ${r}`);
      }
    }
  });

  test(`A1111 ImageRNG: batches, variations, seed resize, seed delta (${label})`, () => {
    for (const c of m.a1111_image_rng) {
      const [channels, h, w] = c.shape;
      const source = createNoiseSource(
        {
          profile: 'a1111',
          rng: c.randn_source === 'NV' ? 'nv' : 'cpu',
          seed: BigInt(c.seeds[0]),
          count: c.seeds.length,
          variation: null,
          seedResize:
            c.seed_resize_from_h > 0
              ? { height: c.seed_resize_from_h, width: c.seed_resize_from_w }
              : null,
          etaNoiseSeedDelta: c.ensd ?? 0,
        },
        [c.seeds.length, channels, h, w],
      );
      // The reference object takes any list of seeds; ours derives it as A1111's processing does.
      if (c.subseeds !== undefined) continue;
      const first = source.initial();
      near('ImageRNG, first draw (A1111)', first, array(c.outs[0]), JSON.stringify(c.seeds));
      for (let i = 1; i < c.n; i++) {
        same('ImageRNG, later draws', source.next(), array(c.outs[i]), `${i} of ${c.seeds}`);
      }
    }
  });

  test(`A1111 variation seeds (${label})`, () => {
    for (const c of m.a1111_image_rng) {
      if (c.subseeds === undefined) continue;
      const [channels, h, w] = c.shape;
      const each = channels * h * w;
      for (const [image, seed] of c.seeds.entries()) {
        const source = createNoiseSource(
          {
            profile: 'a1111',
            rng: c.randn_source === 'NV' ? 'nv' : 'cpu',
            seed: BigInt(seed),
            count: 1,
            variation: { seed: BigInt(c.subseeds[image]), strength: c.subseed_strength },
            seedResize:
              c.seed_resize_from_h > 0
                ? { height: c.seed_resize_from_h, width: c.seed_resize_from_w }
                : null,
            etaNoiseSeedDelta: c.ensd ?? 0,
          },
          [1, channels, h, w],
        );
        for (let i = 0; i < c.n; i++) {
          const want = array(c.outs[i]).subarray(image * each, (image + 1) * each);
          const got = i === 0 ? source.initial() : source.next();
          near('ImageRNG, variation seeds', got, want, `${JSON.stringify(c.seeds)} draw ${i}`);
        }
      }
    }
  });

  test(`A1111 slerp (${label})`, () => {
    for (const c of m.a1111_slerp) {
      const [channels, h, w] = c.low.$[1];
      const low = array(c.low);
      const shape = [channels, h, w] as const;
      near('slerp', slerp(c.val, low, array(c.high), shape), array(c.out), `${c.val}`);
      const alike = slerp(c.val, low, array(c.near_identical_high), shape);
      near('slerp', alike, array(c.near_identical_out), `${c.val} of near-identical noise`);
    }
  });
}

suite('fixtures', fixture('rng'));
const full = fullGolden('rng');
if (full !== null) suite('full', full);
