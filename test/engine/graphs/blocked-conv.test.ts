/** Convolutions in the runtime's own layout beside those that ONNX has, on processors that it is used for. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LowRankBranch } from '../../../src/engine/graphs/low-rank/branches.ts';
import { GraphBuilder, type GraphStyle } from '../../../src/engine/graphs/builder.ts';
import { conv, type Convolution } from '../../../src/engine/graphs/layers.ts';
import { channelBlock } from '../../../src/engine/network/channel-block.ts';
import { nodes, readOnnx } from '../../../src/engine/onnx/graph.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { type Bits, f16, f32, folderFor, open, store, wave } from './stored.ts';

const PLAIN: GraphStyle = { compute: 'float32', attention: 'fused' };
const block = await channelBlock();
const skip = block === null ? 'convolutions are left as they are on this processor' : false;
const BLOCKED: GraphStyle = { ...PLAIN, ...(block !== null && { block }) };

/** Upper halves of float32. */
function bf16(shape: readonly number[], numbers: readonly number[]): Bits {
  const words = new Uint32Array(Float32Array.from(numbers).buffer);
  const bytes = new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
  return { type: 'BF16', shape: [...shape], bytes };
}

type Case = {
  what: string;
  shape: readonly [out: number, inside: number, high: number, wide: number];
  store?: (shape: number[], numbers: number[]) => Bits;
  size?: readonly [high: number, wide: number];
  options?: Convolution;
  isLeft?: true;
};

const CASES: readonly Case[] = [
  { what: 'three by three', shape: [32, 48, 3, 3] },
  { what: 'one by one', shape: [16, 32, 1, 1] },
  { what: 'a stride of two', shape: [32, 32, 3, 3], options: { stride: 2 } },
  {
    what: 'pads at the far ends',
    shape: [16, 16, 3, 3],
    options: { stride: 2, pads: [0, 0, 1, 1] },
  },
  { what: 'float32', shape: [48, 16, 3, 3], store: f32 },
  { what: 'bfloat16', shape: [16, 48, 3, 3], store: bf16 },
  { what: 'odd sides', shape: [32, 16, 3, 3], size: [7, 9] },
  { what: 'blocks that are not full', shape: [32, 40, 3, 3], isLeft: true },
  { what: 'pictures of three channels', shape: [3, 32, 3, 3], isLeft: true },
  { what: 'few places', shape: [32, 32, 3, 3], options: { fewPlaces: true }, isLeft: true },
];

for (const { what, shape, store: as = f16, size = [8, 8], options, isLeft } of CASES) {
  test(`a convolution in blocks: ${what}`, { skip }, async (t) => {
    const [out, inside] = shape;
    const count = shape.reduce((product, side) => product * side, 1);
    const numbers = wave(count).map((value) => 0.1 * value);
    const tensors = await store(
      join(await folderFor(t), 'weights.safetensors'),
      new Map<string, Bits>([
        ['c.weight', as([...shape], numbers)],
        ['c.bias', f32([out], wave(out, 2))],
        ['down', f16([4, inside, ...shape.slice(2)], wave((4 * count) / out, 3))],
        ['up', f16([out, 4, 1, 1], wave(4 * out, 4))],
      ]),
    );
    const pair = (name: string) => tensors.get(name)!;
    const lora: LowRankBranch = {
      down: pair('down'),
      up: pair('up'),
      mid: null,
      scale: 0.3,
      label: 'lora',
    };
    const x = { data: wave(2 * inside * size[0] * size[1], 1), shape: [2, inside, ...size] };
    const answers: Float32Array[] = [];
    for (const style of [PLAIN, BLOCKED]) {
      const g = new GraphBuilder(tensors, style, new Map([['c', [lora]]]));
      const input = g.input('x', ['b', inside, 'h', 'w']);
      g.output(conv(g, input, 'c', options), 'y', ['b', out, 'y_h', 'y_w']);
      const graph = g.finish('conv');
      const own = nodes(readOnnx(graph.bytes)).filter(({ opType }) => opType === 'ReorderInput');
      assert.equal(own.length, style === BLOCKED && !isLeft ? 1 : 0);
      const { y } = await (await open(t, graph)).run({ x }, ['y']);
      answers.push(y!.data);
    }
    const [wanted, got] = answers as [Float32Array, Float32Array];
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // sums of some hundred products in another order
    assert.ok(maxDifference(got, wanted) <= 2e-6 * Math.max(1, largest));
  });
}
