/** Each layer beside the sum it stands for, written out in plain numbers. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { attend } from '../../../src/engine/graphs/attention.ts';
import type { LowRankBranch } from '../../../src/engine/graphs/low-rank/branches.ts';
import { GraphBuilder, type GraphStyle, type Value } from '../../../src/engine/graphs/builder.ts';
import {
  conv,
  embedding,
  gelu,
  groupNorm,
  layerNorm,
  linear,
  quickGelu,
  silu,
  upsample,
} from '../../../src/engine/graphs/layers.ts';
import { ELEMENT } from '../../../src/engine/graphs/proto.ts';
import { nodes, readOnnx } from '../../../src/engine/onnx/graph.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { type Bits, f16, f32, folderFor, open, store, wave } from './stored.ts';

const STYLE: GraphStyle = { compute: 'float32', attention: 'fused' };

/** Runs one layer over `x` and answers its numbers. */
async function run(
  t: TestContext,
  tensors: ReadonlyMap<string, Bits>,
  layer: (g: GraphBuilder, x: Value) => Value,
  x: { data: readonly number[]; shape: readonly number[] },
  style = STYLE,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): Promise<Float32Array> {
  const file = join(await folderFor(t), 'weights.safetensors');
  const g = new GraphBuilder(await store(file, tensors), style, branches);
  const dims = x.shape.map((_, axis) => `axis_${axis}`);
  g.output(layer(g, g.input('x', dims)), 'y', dims);
  const session = await open(t, g.finish('layer'));
  const { y } = await session.run({ x }, ['y']);
  assert.ok(y);
  return y.data;
}

function close(got: ArrayLike<number>, wanted: readonly number[], tolerance = 2e-6): void {
  const error = maxDifference(got, wanted);
  assert.ok(error <= tolerance, `off by ${error}, allowed ${tolerance}`);
}

/** x [rows, inside] · wᵀ [inside, out] */
function product(x: readonly number[], w: readonly number[], inside: number): number[] {
  const [rows, out] = [x.length / inside, w.length / inside];
  return Array.from({ length: rows * out }, (_, at) => {
    const [row, column] = [Math.floor(at / out), at % out];
    let sum = 0;
    for (let i = 0; i < inside; i++) sum += x[row * inside + i]! * w[column * inside + i]!;
    return sum;
  });
}

const x = wave(6, 3);
const matrix = wave(12);
const bias = wave(4, 1);
const plain = product(x, matrix, 3).map((value, at) => value + bias[at % 4]!);

test('a linear layer, and a convolution of one pixel as one', async (t) => {
  for (const shape of [
    [4, 3],
    [4, 3, 1, 1],
  ]) {
    const tensors = new Map([
      ['fc.weight', f32(shape, matrix)],
      ['fc.bias', f32([4], bias)],
    ]);
    const layer = (g: GraphBuilder, value: Value) => linear(g, value, 'fc');
    close(await run(t, tensors, layer, { data: x, shape: [2, 3] }), plain);
  }
});

test('weights of every floating type are cast', async (t) => {
  const exact = [-2, -1.5, -1, -0.5, 0, 0.25, 0.5, 1, 1.5, 1.75, 2, 3];
  // e4m3 and e5m2 of the same numbers: sign, exponent with bias 7 or 15, mantissa
  const e4m3 = [0xc0, 0xbc, 0xb8, 0xb0, 0, 0x28, 0x30, 0x38, 0x3c, 0x3e, 0x40, 0x44];
  const e5m2 = [0xc0, 0xbe, 0xbc, 0xb8, 0, 0x34, 0x38, 0x3c, 0x3e, 0x3f, 0x40, 0x42];
  const bits: Record<string, Uint8Array> = {
    F64: new Uint8Array(Float64Array.from(exact).buffer),
    F32: f32([], exact).bytes,
    F16: f16([], exact).bytes,
    BF16: new Uint8Array(
      Uint16Array.from(new Uint32Array(Float32Array.from(exact).buffer), (word) => word >>> 16)
        .buffer,
    ),
    F8_E4M3: Uint8Array.from(e4m3),
    F8_E5M2: Uint8Array.from(e5m2),
  };
  for (const [type, bytes] of Object.entries(bits)) {
    const weight = { type, shape: [4, 3], bytes } as Bits;
    const layer = (g: GraphBuilder, value: Value) => linear(g, value, 'fc');
    const got = await run(t, new Map([['fc.weight', weight]]), layer, { data: x, shape: [2, 3] });
    close(got, product(x, exact, 3));
  }
});

test('rows of a table of any type', async (t) => {
  const numbers = [0, 0.25, -1.5, 3, 0.5, 1.75];
  const bits: Record<string, Uint8Array> = {
    F32: f32([], numbers).bytes,
    F16: f16([], numbers).bytes,
    F8_E4M3: Uint8Array.of(0, 0x28, 0xbc, 0x44, 0x30, 0x3e),
    F8_E5M2: Uint8Array.of(0, 0x34, 0xbe, 0x42, 0x38, 0x3f),
  };
  for (const [type, bytes] of Object.entries(bits)) {
    const table = { type, shape: [3, 2], bytes } as Bits;
    const layer = (g: GraphBuilder, value: Value) =>
      embedding(g, 'words.weight', g.op('Cast', [value], { to: ELEMENT.int64 }));
    const got = await run(t, new Map([['words.weight', table]]), layer, {
      data: [2, 0],
      shape: [1, 2],
    });
    close(got, [0.5, 1.75, 0, 0.25]);
  }
});

test('fp8 weights with a factor of their own', async (t) => {
  const tensors = new Map<string, Bits>([
    ['fc.weight', { type: 'F8_E4M3', shape: [1, 3], bytes: Uint8Array.of(0x38, 0x40, 0xb8) }],
    ['fc.scale_weight', f32([], [0.5])],
  ]);
  const layer = (g: GraphBuilder, value: Value) => linear(g, value, 'fc');
  const got = await run(t, tensors, layer, { data: x, shape: [2, 3] });
  close(got, product(x, [0.5, 1, -0.5], 3));
});

test('fp8 weights with a factor for each row, and tables', async (t) => {
  const bits = Uint8Array.of(0x38, 0x40, 0xb8, 0x40, 0x38, 0x38);
  for (const shape of [[2], [2, 1]]) {
    const tensors = new Map<string, Bits>([
      ['fc.weight', { type: 'F8_E4M3', shape: [2, 3], bytes: bits }],
      ['fc.scale_weight', f32(shape, [0.5, 4])],
    ]);
    const layer = (g: GraphBuilder, value: Value) => linear(g, value, 'fc');
    const got = await run(t, tensors, layer, { data: x, shape: [2, 3] });
    close(got, product(x, [0.5, 1, -0.5, 8, 4, 4], 3));
    const words = (g: GraphBuilder, value: Value) =>
      embedding(g, 'fc.weight', g.op('Cast', [value], { to: ELEMENT.int64 }));
    close(await run(t, tensors, words, { data: [1, 0], shape: [1, 2] }), [8, 4, 4, 0.5, 1, -0.5]);
  }
});

test('a LoRA beside a linear layer, its pair in a file of another folder', async (t) => {
  const folder = await folderFor(t);
  await mkdir(join(folder, 'löras'));
  const pair = await store(
    join(folder, 'löras', 'a b.safetensors'),
    new Map([
      ['down', f16([2, 3], wave(6, 5))],
      ['up', f16([4, 2], wave(8, 6))],
    ]),
    53,
  );
  const branch: LowRankBranch = {
    down: pair.get('down')!,
    up: pair.get('up')!,
    mid: null,
    scale: 0.75,
    label: 'lora_0',
  };
  const tensors = new Map([
    ['mid.fc.weight', f32([4, 3], matrix)],
    ['mid.fc.bias', f32([4], bias)],
  ]);
  const layer = (g: GraphBuilder, value: Value) => linear(g, value, 'mid.fc');
  const branches = new Map([['mid_fc', [branch]]]);
  const got = await run(t, tensors, layer, { data: x, shape: [2, 3] }, STYLE, branches);
  const half = (values: readonly number[]) => [...Float16Array.from(values)];
  const added = product(product(x, half(wave(6, 5)), 3), half(wave(8, 6)), 2);
  close(
    got,
    plain.map((value, at) => value + 0.75 * added[at]!),
  );
});

test('a LoRA for a layer that is not there, or of another size, is refused', async (t) => {
  const file = join(await folderFor(t), 'weights');
  const stored = await store(file, new Map([['fc.weight', f32([4, 3], matrix)]]));
  const pair = (inside: number): LowRankBranch => ({
    down: { ...stored.get('fc.weight')!, shape: [2, inside] },
    up: { ...stored.get('fc.weight')!, shape: [4, 2] },
    mid: null,
    scale: 1,
    label: 'lora_0',
  });
  const absent = new GraphBuilder(stored, STYLE, new Map([['gone', [pair(3)]]]));
  linear(absent, absent.input('x', [1, 3]), 'fc');
  assert.throws(() => absent.finish('g'), /a layer gone, which is not there/);
  const misfit = new GraphBuilder(stored, STYLE, new Map([['fc', [pair(5)]]]));
  assert.throws(() => linear(misfit, misfit.input('x', [1, 3]), 'fc'), /is 4x5, here it is 4x3/);
});

/** One picture, [inputs, side, side] with [outputs, inputs, kernel, kernel]. */
function convolved(
  picture: readonly number[],
  weight: readonly number[],
  { side, inputs, outputs, kernel, stride, before, after }: Record<string, number>,
): number[] {
  const size = Math.floor((side! + before! + after! - kernel!) / stride!) + 1;
  const result: number[] = [];
  for (let o = 0; o < outputs!; o++) {
    for (let y = 0; y < size; y++) {
      for (let column = 0; column < size; column++) {
        let sum = 0;
        for (let c = 0; c < inputs!; c++) {
          for (let ky = 0; ky < kernel!; ky++) {
            for (let kx = 0; kx < kernel!; kx++) {
              const [sy, sx] = [y * stride! + ky - before!, column * stride! + kx - before!];
              if (sy < 0 || sx < 0 || sy >= side! || sx >= side!) continue;
              const at = ((o * inputs! + c) * kernel! + ky) * kernel! + kx;
              sum += picture[(c * side! + sy) * side! + sx]! * weight[at]!;
            }
          }
        }
        result.push(sum);
      }
    }
  }
  return result;
}

const picture = { data: wave(2 * 16), shape: [1, 2, 4, 4] };
const kernels = wave(3 * 2 * 9, 2);

test('convolutions keep the size, or halve it with the padding they are told', async (t) => {
  const sizes = { side: 4, inputs: 2, outputs: 3, kernel: 3 };
  const tensors = new Map([['c.weight', f32([3, 2, 3, 3], kernels)]]);
  close(
    await run(t, tensors, (g, value) => conv(g, value, 'c'), picture),
    convolved(picture.data, kernels, { ...sizes, stride: 1, before: 1, after: 1 }),
  );
  const far = { stride: 2, pads: [0, 0, 1, 1] };
  close(
    await run(t, tensors, (g, value) => conv(g, value, 'c', far), picture),
    convolved(picture.data, kernels, { ...sizes, stride: 2, before: 0, after: 1 }),
  );
});

test('a LoRA beside a convolution, in two parts and in three', async (t) => {
  const folder = await folderFor(t);
  const sizes = { side: 4, stride: 2, before: 1, after: 1 };
  const pair = await store(
    join(folder, 'lora'),
    new Map([
      ['down', f32([2, 2, 3, 3], wave(36, 7))],
      ['up', f32([3, 2, 1, 1], wave(6, 8))],
      ['thin', f32([2, 2, 1, 1], wave(4, 9))],
    ]),
  );
  const pixel = { stride: 1, before: 0, after: 0, inputs: 2, kernel: 1 };
  const pick = (name: string) => pair.get(name)!;
  const tensors = new Map([['c.weight', f32([3, 2, 3, 3], kernels)]]);
  const layer = (g: GraphBuilder, value: Value) => conv(g, value, 'c', { stride: 2 });
  const bare = convolved(picture.data, kernels, { ...sizes, inputs: 2, outputs: 3, kernel: 3 });
  const thin = (data: readonly number[]) =>
    convolved(data, wave(4, 9), { ...pixel, side: 4, outputs: 2 });
  const spatial = (data: readonly number[]) =>
    convolved(data, wave(36, 7), { ...sizes, inputs: 2, outputs: 2, kernel: 3 });
  const up = (data: readonly number[]) =>
    convolved(data, wave(6, 8), { ...pixel, side: 2, outputs: 3 });
  const named = { up: pick('up'), scale: -0.5, label: 'lora_0' };
  const two = { ...named, down: pick('down'), mid: null };
  const three = { ...named, down: pick('thin'), mid: pick('down') };
  for (const [branch, added] of [
    [two, up(spatial(picture.data))],
    [three, up(spatial(thin(picture.data)))],
  ] as const) {
    const got = await run(t, tensors, layer, picture, STYLE, new Map([['c', [branch]]]));
    close(
      got,
      bare.map((value, at) => value - 0.5 * added[at]!),
      1e-5,
    );
  }
});

function normed(values: readonly number[], epsilon: number): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
}

test('norms over groups of channels and over tokens', async (t) => {
  const [scale, shift] = [wave(4, 1), wave(4, 2)];
  const tensors = new Map([
    ['n.weight', f32([4], scale)],
    ['n.bias', f32([4], shift)],
  ]);
  const data = wave(2 * 4 * 4);
  const groups = Array.from({ length: 4 }, (_, i) => normed(data.slice(8 * i, 8 * i + 8), 0.01));
  const perChannel = groups
    .flat()
    .map((value, at) => value * scale[(at >> 2) % 4]! + shift[(at >> 2) % 4]!);
  const group = (g: GraphBuilder, value: Value) =>
    groupNorm(g, value, 'n', { groups: 2, epsilon: 0.01 });
  close(await run(t, tensors, group, { data, shape: [2, 4, 2, 2] }), perChannel);
  const tokens = Array.from({ length: 8 }, (_, i) => normed(data.slice(4 * i, 4 * i + 4), 0.01));
  const perToken = tokens.flat().map((value, at) => value * scale[at % 4]! + shift[at % 4]!);
  const layer = (g: GraphBuilder, value: Value) => layerNorm(g, value, 'n', 0.01);
  close(await run(t, tensors, layer, { data, shape: [8, 4] }), perToken);
});

test('what bends: SiLU, and both of the GELUs', async (t) => {
  const data = [-3, -1, -0.1, 0, 0.2, 1, 4];
  const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
  const shape = [7];
  const none = new Map<string, Bits>();
  close(
    await run(t, none, silu, { data, shape }),
    data.map((v) => v * sigmoid(v)),
  );
  close(
    await run(t, none, quickGelu, { data, shape }),
    data.map((v) => v * sigmoid(1.702 * v)),
  );
  // Φ at those places, from a table
  const phi = [0.0013499, 0.15865525, 0.46017216, 0.5, 0.57925971, 0.84134475, 0.99996833];
  close(
    await run(t, none, gelu, { data, shape }),
    data.map((v, i) => v * phi[i]!),
    1e-6,
  );
});

test('a table is read in its own type, and pictures are doubled', async (t) => {
  const tensors = new Map([['t', f16([3, 2], [1, 2, 3, 4, 5, 6])]]);
  const file = join(await folderFor(t), 'table');
  const g = new GraphBuilder(await store(file, tensors), STYLE);
  g.output(embedding(g, 't', g.input('ids', ['n'], ELEMENT.int64)), 'y', ['n', 2]);
  const session = await open(t, g.finish('table'));
  const { y } = await session.run({ ids: { data: [2, 0, 2], shape: [3] } }, ['y']);
  assert.deepEqual([...(y?.data ?? [])], [5, 6, 1, 2, 5, 6]);
  const twice = await run(t, new Map(), upsample, { data: [1, 2, 3, 4], shape: [1, 1, 2, 2] });
  assert.deepEqual([...twice], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
});

/** q, k, v of one sequence [S, heads·size] */
function attended(q: number[], k: number[], v: number[], size: number, causal: boolean): number[] {
  const [width, heads] = [4, 4 / size];
  const length = q.length / width;
  const result = Array<number>(q.length).fill(0);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < length; row++) {
      const seen = causal ? row + 1 : length;
      const weights = Array.from({ length: seen }, (_, other) => {
        let score = 0;
        for (let i = 0; i < size; i++) {
          score += q[row * width + head * size + i]! * k[other * width + head * size + i]!;
        }
        return Math.exp(score / Math.sqrt(size));
      });
      const sum = weights.reduce((all, weight) => all + weight, 0);
      for (const [other, weight] of weights.entries()) {
        for (let i = 0; i < size; i++) {
          const at = head * size + i;
          result[row * width + at]! += (weight / sum) * v[other * width + at]!;
        }
      }
    }
  }
  return result;
}

test('attention in one node and written out, causal and not', async (t) => {
  const data = wave(2 * 3 * 4);
  for (const attention of ['fused', 'plain'] as const) {
    for (const causal of [false, true]) {
      const heads = { heads: 2, headSize: 2, causal };
      const layer = (g: GraphBuilder, q: Value) => {
        const k = g.op('Mul', [q, g.floats('three', [3])]);
        const v = g.op('Neg', [q]);
        return attend(g, { q, k, v }, heads);
      };
      const got = await run(
        t,
        new Map(),
        layer,
        { data, shape: [2, 3, 4] },
        {
          compute: 'float32',
          attention,
        },
      );
      const rows = [data.slice(0, 12), data.slice(12)].flatMap((q) =>
        attended(
          q,
          q.map((value) => 3 * value),
          q.map((value) => -value),
          2,
          causal,
        ),
      );
      close(got, rows);
    }
  }
});

test('a graph in float16 answers within its rounding', async (t) => {
  const tensors = new Map([
    ['fc.weight', f32([4, 3], matrix)],
    ['fc.bias', f32([4], bias)],
  ]);
  const layer = (g: GraphBuilder, value: Value) => linear(g, value, 'fc');
  const style: GraphStyle = { compute: 'float16', attention: 'fused' };
  close(await run(t, tensors, layer, { data: x, shape: [2, 3] }, style), plain, 4e-3);
});

test('a tensor that is missing, or cannot be viewed so, is named', async (t) => {
  const file = join(await folderFor(t), 'weights');
  const stored = await store(file, new Map([['fc.weight', f32([4, 3], matrix)]]));
  const g = new GraphBuilder(stored, STYLE);
  assert.throws(() => g.weight('fc.bias'), /the tensor fc\.bias is missing/);
  assert.throws(() => g.weight('fc.weight', [5, 3]), /fc\.weight is \[4, 3\], wanted as \[5, 3\]/);
});

test('casts of weights stand in front, whatever layer asked for them', async (t) => {
  const tensors = new Map([
    ['a.weight', f16([4, 3], matrix)],
    ['b.weight', f16([3, 4], matrix)],
  ]);
  const file = join(await folderFor(t), 'weights');
  const g = new GraphBuilder(await store(file, tensors), STYLE);
  g.output(linear(g, linear(g, g.input('x', ['n', 3]), 'a'), 'b'), 'y', ['n', 3]);
  const types = nodes(readOnnx(g.finish('order').bytes)).map(({ opType }) => opType);
  assert.deepEqual(types, ['Cast', 'Cast', 'Gemm', 'Gemm', 'Identity']);
});
