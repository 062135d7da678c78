/** The few products that LoRA files are made of; numbers are summed in float64. */
import type { Tensor } from '../../checkpoint/safetensors.ts';

/** A layer's weights, or a norm's: `shape` [out, in, …] or [width]. */
export type Weights = { shape: readonly number[]; data: Float32Array };

/** [a, n] x [n, b]; further axes of either are taken as more columns or rows. @throws Error when they do not go together */
export function multiply(a: Tensor, b: Tensor): Float32Array {
  const rows = a.shape[0] ?? 0;
  const inner = b.shape[0] ?? 0;
  const columns = b.data.length / Math.max(inner, 1);
  if (rows * inner !== a.data.length) {
    throw new Error(`[${a.shape.join(', ')}] and [${b.shape.join(', ')}] do not multiply`);
  }
  const product = new Float32Array(rows * columns);
  const row = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    row.fill(0);
    for (let k = 0; k < inner; k++) {
      const factor = a.data[i * inner + k] ?? 0;
      if (factor === 0) continue;
      for (let j = 0; j < columns; j++) row[j]! += factor * (b.data[k * columns + j] ?? 0);
    }
    product.set(row, i * columns);
  }
  return product;
}

/**
 * A convolution in three steps as one: out x in x kernel from core [n, m, kh, kw], [out, n] and [m, in].
 * @throws Error when they do not go together
 */
export function withCore(core: Tensor, left: Tensor, right: Tensor): Float32Array {
  const [n = 0, m = 0, ...kernel] = core.shape;
  const window = kernel.reduce((all, side) => all * side, 1);
  const rows = left.shape[0] ?? 0;
  const columns = right.shape[1] ?? 0;
  const fits = left.data.length === rows * n && right.data.length === m * columns;
  if (!fits) throw new Error('its core and its factors do not multiply');
  const half = multiply(
    { shape: [rows, n], data: left.data },
    { shape: [n, m * window], data: core.data },
  );
  const product = new Float32Array(rows * columns * window);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < m; k++) {
      for (let j = 0; j < columns; j++) {
        const factor = right.data[k * columns + j] ?? 0;
        for (let w = 0; w < window; w++) {
          product[(i * columns + j) * window + w]! +=
            factor * (half[(i * m + k) * window + w] ?? 0);
        }
      }
    }
  }
  return product;
}

/** The Kronecker product of [a, b] and [c, d, …]: [a c, b d, …]. */
export function kron(small: Tensor, large: Tensor): Float32Array {
  const [a = 0, b = 0] = small.shape;
  const [c = 0, d = 0, ...kernel] = large.shape;
  const window = kernel.reduce((all, side) => all * side, 1);
  const product = new Float32Array(a * b * c * d * window);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      const factor = small.data[i * b + j] ?? 0;
      for (let k = 0; k < c; k++) {
        const from = k * d * window;
        const to = ((i * c + k) * b * d + j * d) * window;
        for (let w = 0; w < d * window; w++) product[to + w] = factor * (large.data[from + w] ?? 0);
      }
    }
  }
  return product;
}

/** Euclidean length. */
export function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** By Gauss and Jordan with pivots. @throws Error for a matrix without an inverse */
export function inverseOf(matrix: Float64Array, side: number): Float64Array {
  const left = Float64Array.from(matrix);
  const right = new Float64Array(side * side);
  for (let i = 0; i < side; i++) right[i * side + i] = 1;
  for (let column = 0; column < side; column++) {
    let pivot = column;
    for (let row = column + 1; row < side; row++) {
      if (Math.abs(left[row * side + column] ?? 0) > Math.abs(left[pivot * side + column] ?? 0))
        pivot = row;
    }
    const size = left[pivot * side + column] ?? 0;
    if (size === 0) throw new Error('its rotation cannot be turned back');
    for (const each of [left, right]) {
      for (let k = 0; k < side; k++) {
        const [upper = 0, lower = 0] = [each[column * side + k], each[pivot * side + k]];
        each[pivot * side + k] = upper;
        each[column * side + k] = lower / size;
      }
    }
    for (let row = 0; row < side; row++) {
      const factor = row === column ? 0 : (left[row * side + column] ?? 0);
      if (factor === 0) continue;
      for (const each of [left, right]) {
        for (let k = 0; k < side; k++)
          each[row * side + k]! -= factor * (each[column * side + k] ?? 0);
      }
    }
  }
  return right;
}
