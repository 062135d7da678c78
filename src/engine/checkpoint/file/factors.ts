/** Factors of fp8 weights, one for a whole layer or one for each of its rows, as quantisers leave them beside the weights. */
import type { PartTensors, TensorSlice } from '../tensors.ts';
import { readNumbers } from './numbers.ts';

/** Where graphs read a layer's factors, whatever the file calls them; `name`: of the weight. */
export function factorName(name: string): string {
  return `${name.replace(/weight$/, '')}scale_weight`;
}

/** What files call it: `X.scale_weight`, and `X.weight_scale` in newer ones. */
export const FACTOR = /\.(?:scale_weight|weight_scale)$/;

/**
 * Of a factor tensor how it counts: one for the layer, one for each row of the weight ([rows] or [rows, 1, …]), or in a
 * way that is not read here (a block, a column).
 */
export function factorKind(
  { shape: factor }: Pick<TensorSlice, 'shape'>,
  weight: Pick<TensorSlice, 'shape'> | undefined,
): 'layer' | 'row' | null {
  const count = factor.reduce((product, side) => product * side, 1);
  if (count === 1) return 'layer';
  const [rows] = weight?.shape ?? [];
  return factor[0] === rows && count === rows ? 'row' : null;
}

/** A weight as the network calculates with it. @throws Error when it is missing */
export async function weightNumbers(tensors: PartTensors, name: string): Promise<Float32Array> {
  const slice = tensors.get(name);
  if (slice === undefined) throw new Error(`the tensor ${name} is missing`);
  const numbers = await readNumbers(slice);
  const factor = tensors.get(factorName(name));
  if (factor === undefined || !slice.type.startsWith('F8')) return numbers;
  const scales = await readNumbers(factor);
  const each = numbers.length / scales.length;
  return numbers.map((value, at) => value * (scales[Math.floor(at / each)] as number));
}
