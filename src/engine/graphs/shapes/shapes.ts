/**
 * What is known of the values of a graph while it is written, operator by operator (onnx.ai/onnx/operators). ONNX
 * Runtime loses the sizes of what is fed at the first convolution and plans then as if no two values could ever share
 * their memory: it looks at all of them for each, which was two thirds of the time that a session took to open. A shape
 * is told where all its sizes have names; what is not known is left for ONNX Runtime to find out.
 */
import { type Attributes, ELEMENT, type ElementType } from '../proto.ts';
import {
  axisIn,
  broadcast,
  type Input,
  type Known,
  listIn,
  numberIn,
  numbersOf,
  type Rule,
} from './known.ts';
import {
  concat,
  argMax,
  expand,
  gather,
  range,
  reshape,
  shapeOf,
  slice,
  split,
  squeeze,
  transpose,
  unsqueeze,
} from './rearranging.ts';
import {
  convolved,
  difference,
  divided,
  numberOf,
  product,
  quotient,
  type Size,
  size,
  sum,
} from './sizes.ts';

/** What is known of a node's outputs; undefined: nothing. */
export function knownAfter(
  operator: string,
  inputs: readonly Input[],
  attributes: Attributes,
  outputs: number,
): readonly Input[] {
  return RULES.get(operator)?.(inputs, attributes, outputs) ?? [];
}

const alike: Rule = ([x]) => [x && { type: x.type, shape: x.shape }];

/** By numbers of one shape, or of shapes that broadcast; `type` null: that of the input at `typeAt`. */
const elementwise =
  (type: ElementType | null = null, typeAt = 0): Rule =>
  (inputs) => {
    if (inputs.some((each) => each === undefined)) return [];
    const shape = broadcast((inputs as Known[]).map((each) => each.shape));
    return shape === null ? [] : [{ type: type ?? (inputs as Known[])[typeAt]!.type, shape }];
  };

/** As `elementwise`, of sizes too: one for all, or each with its own. */
const arithmetic =
  (of: (one: Size, other: Size) => Size): Rule =>
  (inputs, attributes, outputs) => {
    const [known] = elementwise()(inputs, attributes, outputs);
    const [ones = [], others = []] = inputs.map((each) => each?.values);
    const count = Math.max(ones.length, others.length);
    const isOfSizes =
      count > 0 && [ones, others].every(({ length }) => length === 1 || length === count);
    if (known?.type !== ELEMENT.int64 || !isOfSizes) return [known];
    const at = (sizes: readonly Size[], i: number): Size => sizes[sizes.length === 1 ? 0 : i]!;
    const values = Array.from({ length: count }, (_, i) => of(at(ones, i), at(others, i)));
    return [{ ...known, values }];
  };

/** Over some axes, which are left as one place each or fall away. */
const reduce: Rule = ([x, axes], { keepdims }) => {
  const places = x && numbersOf(axes)?.map((axis) => axisIn(axis, x.shape));
  if (!x || !places) return [];
  const kept = x.shape.map((each, i) => (places.includes(i) ? size(1) : each));
  const shape = keepdims === 0 ? kept.filter((_, i) => !places.includes(i)) : kept;
  return [{ type: x.type, shape }];
};

const gemm: Rule = ([a, b], { transA, transB }) => {
  if (a?.shape.length !== 2 || b?.shape.length !== 2) return [];
  const shape = [a.shape[transA === 1 ? 1 : 0]!, b.shape[transB === 1 ? 0 : 1]!];
  return [{ type: a.type, shape }];
};

const matMul: Rule = ([a, b]) => {
  if (a === undefined || b === undefined || a.shape.length < 2 || b.shape.length < 2) return [];
  const batch = broadcast([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  if (batch === null) return [];
  return [{ type: a.type, shape: [...batch, a.shape.at(-2)!, b.shape.at(-1)!] }];
};

/** Of [B,C,H,W]; weights [out,in,h,w]. */
const conv: Rule = ([x, weight], attributes) => {
  const strides = listIn(attributes['strides']) ?? [1, 1];
  const pads = listIn(attributes['pads']) ?? [0, 0, 0, 0];
  const isKnown = x?.shape.length === 4 && weight?.shape.length === 4;
  if (!isKnown || 'dilations' in attributes || 'auto_pad' in attributes) return [];
  const sides = [0, 1].map((i) => {
    const reach = numberOf(weight.shape[i + 2]!) ?? 0;
    return convolved(x.shape[i + 2]!, reach, pads[i]! + pads[i + 2]!, strides[i]!);
  });
  return [{ type: x.type, shape: [x.shape[0]!, weight.shape[0]!, ...sides] }];
};

const resize: Rule = ([x, , scales]) => {
  const factors = numbersOf(scales);
  if (x === undefined || factors === null || !factors.every(Number.isInteger)) return [];
  return [{ type: x.type, shape: x.shape.map((each, i) => product([each, size(factors[i]!)])) }];
};

const depthToSpace: Rule = ([x], { blocksize }) => {
  const block = numberIn(blocksize, 1);
  const channels = x && quotient(x.shape[1]!, size(block * block));
  if (!x || !channels) return [];
  const sides = x.shape.slice(2).map((side) => product([side, size(block)]));
  return [{ type: x.type, shape: [x.shape[0]!, channels, ...sides] }];
};

const ALIKE: readonly string[] =
  'Cos Gelu Identity InstanceNormalization LayerNormalization LeakyRelu Log Neg PRelu QuickGelu Relu ReorderInput RotaryEmbedding SimplifiedLayerNormalization Sin Softmax Sqrt Tanh Trilu'.split(
    ' ',
  );

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...ALIKE.map((name) => [name, alike] as const),
  ['Add', arithmetic((one, other) => sum([one, other]))],
  ['Mul', arithmetic((one, other) => product([one, other]))],
  ['Div', arithmetic(divided)],
  ['Sub', arithmetic(difference)],
  ...['Max', 'Mod'].map((name) => [name, elementwise()] as const),
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'Or'].map(
    (name) => [name, elementwise(ELEMENT.bool)] as const,
  ),
  ...['ReduceL2', 'ReduceMax', 'ReduceSum'].map((name) => [name, reduce] as const),
  ['Where', elementwise(null, 1)],
  ['Cast', ([x], { to }) => [x && { type: to as ElementType, shape: x.shape }]],
  ['Gemm', gemm],
  ['MatMul', matMul],
  ['MatMulNBits', ([x], { N }) => [x && { ...x, shape: x.shape.with(-1, size(N as number)) }]],
  [
    'MultiHeadAttention',
    ([q, , v]) => [q && v && { ...q, shape: q.shape.with(-1, v.shape.at(-1)!) }],
  ],
  ['Conv', conv],
  [
    'ReorderOutput',
    ([x], { channels }) => [x && { ...x, shape: x.shape.with(1, size(channels as number)) }],
  ],
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Shape', shapeOf],
  ['Unsqueeze', unsqueeze],
  ['Squeeze', squeeze],
  ['Slice', slice],
  ['Range', range],
  ['ArgMax', argMax],
  ['Gather', gather],
  ['Split', split],
  ['Expand', expand],
  ['Resize', resize],
  ['DepthToSpace', depthToSpace],
]);
