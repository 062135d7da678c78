/**
 * OFT (Qiu et al. 2023) and BOFT (Liu et al. 2023): a layer's outputs turned by orthogonal matrices, as A1111 calculates
 * it (extensions-builtin/Lora/network_oft.py, v1.10.1).
 */
import type { Tensor } from '../../checkpoint/safetensors.ts';
import type { LayerTensors } from '../file.ts';
import { inverseOf, norm, type Weights } from './matrices.ts';

/**
 * OFT and BOFT: blocks of the outputs are turned by orthogonal matrices (Cayley's transform of skew ones).
 * @throws Error for blocks that do not divide the outputs
 */
export function rotated(change: LayerTensors, { shape, data }: Weights): Float32Array {
  const blocks = (change.oft_blocks ?? change.oft_diag) as Tensor;
  const [out = 0] = shape;
  const columns = data.length / Math.max(out, 1);
  const isDiagonal = change.oft_blocks === undefined;
  const turns = isDiagonal ? blocks : orthogonal(blocks, (change.alpha?.data[0] ?? 0) * out);
  const side = turns.shape.at(-1) ?? 0;
  if (side === 0 || out % side !== 0)
    throw new Error(`its blocks of ${side} do not divide ${out} outputs`);
  let merged = Float32Array.from(data);
  if (turns.shape.length === 4) {
    const [rounds = 0] = turns.shape;
    const one = turns.data.length / Math.max(rounds, 1);
    for (let round = 0; round < rounds; round++) {
      const order = butterfly(out, 2 ** round * Math.floor(side / 2));
      merged = turnBlocks(
        merged,
        columns,
        order,
        turns.data.subarray(round * one, (round + 1) * one),
        side,
        true,
      );
    }
  } else {
    const order = Array.from({ length: out }, (_, row) => row);
    merged = turnBlocks(merged, columns, order, turns.data, side, false);
  }
  const { rescale } = change;
  return merged.map(
    (value, i) => value * (rescale?.data[Math.floor(i / columns)] ?? 1) - (data[i] ?? 0),
  );
}

/** (I + Q)(I - Q)⁻¹ of each block, Q = B - Bᵀ, no longer than `limit` all together where that is not 0. */
function orthogonal({ shape, data }: Tensor, limit: number): Tensor {
  const side = shape.at(-1) ?? 0;
  const area = side * side;
  const skew = new Float64Array(data.length);
  for (let start = 0; start + area <= data.length; start += area) {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        skew[start + row * side + column] =
          (data[start + row * side + column] ?? 0) - (data[start + column * side + row] ?? 0);
      }
    }
  }
  if (limit !== 0) {
    const length = norm(skew);
    const factor = (Math.min(length, limit) + 1e-8) / (length + 1e-8);
    for (let i = 0; i < skew.length; i++) skew[i]! *= factor;
  }
  const turns = new Float32Array(data.length);
  for (let start = 0; start + area <= data.length; start += area) {
    const [plus, minus] = [new Float64Array(area), new Float64Array(area)];
    for (let i = 0; i < area; i++) {
      const one = i % (side + 1) === 0 ? 1 : 0;
      plus[i] = one + (skew[start + i] ?? 0);
      minus[i] = one - (skew[start + i] ?? 0);
    }
    const inverse = inverseOf(minus, side);
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        let sum = 0;
        for (let k = 0; k < side; k++)
          sum += (plus[row * side + k] ?? 0) * (inverse[k * side + column] ?? 0);
        turns[start + row * side + column] = sum;
      }
    }
  }
  return { shape, data: turns };
}

/** Rows `(c g k)` as `(c k g)` with g = 2: where each row of the new order comes from. */
function butterfly(rows: number, k: number): number[] {
  if (k < 1 || rows % (2 * k) !== 0)
    throw new Error(`its butterflies of ${2 * k} do not divide ${rows} outputs`);
  return Array.from({ length: rows }, (_, at) => {
    const c = Math.floor(at / (2 * k));
    const within = at % (2 * k);
    return c * 2 * k + (within % 2) * k + Math.floor(within / 2);
  });
}

/** Blocks of rows, taken in this order, are multiplied; `left`: by R, else by its transposed. */
function turnBlocks(
  rows: Float32Array,
  columns: number,
  order: readonly number[],
  turns: Float32Array,
  side: number,
  left: boolean,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows.length);
  for (const [at, to] of order.entries()) {
    const block = Math.floor(at / side);
    const i = at % side;
    for (let j = 0; j < side; j++) {
      const place = block * side * side + (left ? i * side + j : j * side + i);
      const factor = turns[place] ?? 0;
      if (factor === 0) continue;
      const from = (order[block * side + j] ?? 0) * columns;
      for (let column = 0; column < columns; column++) {
        out[to * columns + column]! += factor * (rows[from + column] ?? 0);
      }
    }
  }
  return out;
}
