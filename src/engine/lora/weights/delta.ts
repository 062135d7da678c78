/**
 * What the kinds of LoRA files make of a layer's weights, as A1111 calculates it (extensions-builtin/Lora/network_*.py,
 * v1.10.1), which follows LyCORIS (Yeh et al. 2023). Weights are [out, in] or [out, in, kh, kw], row by row.
 */
import type { Tensor } from '../../checkpoint/safetensors.ts';
import type { LayerTensors } from '../file.ts';
import { kron, multiply, type Weights, withCore } from './matrices.ts';
import { rotated } from './rotations.ts';

/** @throws Error naming what does not fit the layer */
export function changedWeights(
  change: LayerTensors,
  weights: Weights,
  strength: number,
): Float32Array {
  const plain = delta(change, weights);
  if (plain === null) return weights.data;
  const added = padded(plain, weights);
  if (added.length !== weights.data.length) {
    throw new Error(`it changes ${added.length} numbers where there are ${weights.data.length}`);
  }
  const scale = scaleOf(change);
  let scaled: Float32Array = scale === 1 ? added : added.map((value) => value * scale);
  if (change.dora !== undefined) scaled = decomposed(scaled, weights, change.dora);
  return weights.data.map((value, i) => value + strength * (scaled[i] ?? 0));
}

/** What is added to a layer's bias at strength 1; null for nothing. */
export function biasDelta({ diff_b: diff, b_norm: norms }: LayerTensors): Float32Array | null {
  return (diff ?? norms)?.data ?? null;
}

/** Before alpha; null where only the bias changes. */
function delta(change: LayerTensors, weights: Weights): Float32Array | null {
  const { up, down, mid, diff, w_norm: norms } = change;
  if (change.oft_blocks ?? change.oft_diag) return rotated(change, weights);
  if (change.hada_w1_a) return hadamard(change);
  if (change.lokr_w1 ?? change.lokr_w1_a) return kronecker(change, weights.shape);
  if (change.a1) return generalized(change, weights);
  if (change.on_input) return scaledActivations(change, weights);
  if (up && down) return mid ? withCore(mid, up, down) : multiply(up, down);
  if (up ?? down) throw new Error('it has only one of its two matrices');
  return (diff ?? norms)?.data ?? null;
}

/** alpha / rank where the kind has a rank, else 1. */
function scaleOf(change: LayerTensors): number {
  const { alpha, scale, down, hada_w1_b: hada, lokr_w1_b: first, lokr_w2_b: second } = change;
  const given = scale?.data[0];
  if (given !== undefined) return given;
  const isRotation = change.oft_blocks !== undefined || change.oft_diag !== undefined;
  const rank = (second ?? first ?? hada ?? down)?.shape[0];
  const own = alpha?.data[0];
  return isRotation || rank === undefined || own === undefined ? 1 : own / rank;
}

function needed(change: LayerTensors, role: keyof LayerTensors): Tensor {
  const tensor = change[role];
  if (tensor === undefined) throw new Error(`it lacks ${role}`);
  return tensor;
}

/** LoHa: two low-rank matrices, number by number. */
function hadamard(change: LayerTensors): Float32Array {
  const of = (n: 1 | 2): Float32Array => {
    const [a, b] = [needed(change, `hada_w${n}_a`), needed(change, `hada_w${n}_b`)];
    const core = change[`hada_t${n}`];
    // With a core both factors are turned round: [rank, out] and [rank, in].
    return core ? withCore(core, turned(a), b) : multiply(a, b);
  };
  const [first, second] = [of(1), of(2)];
  return first.map((value, i) => value * (second[i] ?? 0));
}

function turned({ shape, data }: Tensor): Tensor {
  const [rows = 0, columns = 0] = shape;
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = data[row * columns + column] ?? 0;
  }
  return { shape: [columns, rows], data: out };
}

/** LoKr: the Kronecker product of a small and a large matrix, each whole or low-rank. */
function kronecker(change: LayerTensors, shape: readonly number[]): Float32Array {
  const matrix = (n: 1 | 2): Tensor => {
    const whole = change[`lokr_w${n}`];
    if (whole) return whole;
    const [a, b] = [needed(change, `lokr_w${n}_a`), needed(change, `lokr_w${n}_b`)];
    const core = n === 2 ? change.lokr_t2 : undefined;
    const [rows, columns] = [core ? (a.shape[1] ?? 0) : (a.shape[0] ?? 0), b.shape[1] ?? 0];
    const kernel = core ? core.shape.slice(2) : b.shape.slice(2);
    const data = core ? withCore(core, turned(a), b) : multiply(a, b);
    return { shape: [rows, columns, ...kernel], data };
  };
  const [small, large] = [matrix(1), matrix(2)];
  const product = kron(small, large);
  const wanted = shape.reduce((all, side) => all * side, 1);
  if (product.length !== wanted) throw new Error('its Kronecker product has another size');
  return product;
}

/** GLoRA: b2 b1 + W a2 a1. */
function generalized(change: LayerTensors, { shape, data }: Weights): Float32Array {
  const [a1, a2, b1, b2] = (['a1', 'a2', 'b1', 'b2'] as const).map((role) =>
    needed(change, role),
  ) as [Tensor, Tensor, Tensor, Tensor];
  const [out = 0] = shape;
  const wide: Tensor = { shape: [out, data.length / Math.max(out, 1)], data };
  const own = multiply({ shape: [out, a2.shape[1] ?? 0], data: multiply(wide, a2) }, a1);
  return multiply(b2, b1).map((value, i) => value + (own[i] ?? 0));
}

/** IA3: inputs or outputs of the layer counted more or less. */
function scaledActivations(change: LayerTensors, { shape, data }: Weights): Float32Array {
  const { data: factors } = needed(change, 'weight');
  const onInput = (needed(change, 'on_input').data[0] ?? 0) !== 0;
  const [out = 1, inner = 1, ...kernel] = shape;
  const window = kernel.reduce((all, side) => all * side, 1);
  if (factors.length !== (onInput ? inner : out))
    throw new Error('its factors are not as many as the layer has');
  return data.map((value, i) => {
    const row = Math.floor(i / (inner * window));
    const column = Math.floor(i / window) % inner;
    return value * (factors[onInput ? column : row] ?? 0);
  });
}

/**
 * DoRA (Liu et al. 2024): the changed weights take these lengths, counted along the inputs or, as PEFT does, along the
 * outputs. The change that leads there.
 */
function decomposed(
  added: Float32Array,
  { shape, data }: Weights,
  { shape: given, data: lengths }: Tensor,
): Float32Array {
  const [out = 1, inner = 1, ...kernel] = shape;
  const window = kernel.reduce((all, side) => all * side, 1);
  const byOutput =
    given[0] === out && lengths.length === out && (given.length === 1 || given[1] === 1);
  const count = byOutput ? out : inner;
  if (lengths.length !== count)
    throw new Error(`it has ${lengths.length} lengths for ${count} columns`);
  const place = (i: number): number =>
    byOutput ? Math.floor(i / (inner * window)) : Math.floor(i / window) % inner;
  const squares = new Float64Array(count);
  for (let i = 0; i < data.length; i++) {
    const value = (data[i] ?? 0) + (added[i] ?? 0);
    squares[place(i)]! += value * value;
  }
  return added.map((value, i) => {
    const at = place(i);
    const merged = (data[i] ?? 0) + value;
    return merged * ((lengths[at] ?? 0) / Math.sqrt(squares[at] ?? 1)) - (data[i] ?? 0);
  });
}

/** A1111 fills up changes for 4 channels with zeros where an inpainting model's first layer has 9. */
function padded(added: Float32Array, { shape, data }: Weights): Float32Array {
  const [out = 0, inner = 0, ...kernel] = shape;
  const window = kernel.reduce((all, side) => all * side, 1);
  const own = added.length / Math.max(out * window, 1);
  if (shape.length !== 4 || inner !== 9 || own !== 4 || added.length === data.length) return added;
  const wide = new Float32Array(data.length);
  for (let row = 0; row < out; row++) {
    wide.set(added.subarray(row * own * window, (row + 1) * own * window), row * inner * window);
  }
  return wide;
}
