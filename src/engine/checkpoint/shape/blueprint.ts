/**
 * Which tensors a network of this shape must have, and how large each is. A file is compared with it before a graph is
 * written: a tensor that is missing or of another size is named then.
 */
import type { PartTensors } from '../tensors.ts';

/** By name; [out, in] also stands for [out, in, 1, 1], a convolution of one pixel. */
export type Blueprint = Map<string, readonly number[]>;

/** null: as the blueprint has it */
export type Misfit =
  | { name: string; found: null; expected: readonly number[] }
  | { name: string; found: readonly number[]; expected: readonly number[] };

/** The first tensor that is missing or of another size, in the network's order. */
export function firstMisfit(tensors: PartTensors, blueprint: Blueprint): Misfit | null {
  for (const [name, expected] of blueprint) {
    const found = tensors.get(name)?.shape ?? null;
    if (found === null || !isShape(found, expected)) return { name, found, expected };
  }
  return null;
}

function isShape(found: readonly number[], expected: readonly number[]): boolean {
  const bare =
    expected.length === 2 && found.length === 4 && found[2] === 1 && found[3] === 1
      ? found.slice(0, 2)
      : found;
  return bare.length === expected.length && bare.every((dim, i) => dim === expected[i]);
}

/** A size that another tensor tells; 0 where it is not there, which the comparison then says of that tensor. */
export function dimOf(tensors: PartTensors, name: string, axis: number): number {
  return tensors.get(name)?.shape[axis] ?? 0;
}

/** One more than the highest number that stands behind `path.` in any name. */
export function countBelow(tensors: PartTensors, path: string): number {
  let counts = COUNTS.get(tensors);
  if (counts === undefined) {
    counts = countsOf(tensors.keys());
    COUNTS.set(tensors, counts);
  }
  return counts.get(path) ?? 0;
}

const COUNTS = new WeakMap<PartTensors, ReadonlyMap<string, number>>();

/** No network has more of anything; a name with a larger number is damage, not a block. */
const MAX_BLOCKS = 1000;

/** Of every path that a number stands behind. */
function countsOf(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) {
    let dot = name.indexOf('.');
    for (let next = name.indexOf('.', dot + 1); dot >= 0 && next >= 0;) {
      const first = name.charCodeAt(dot + 1);
      const isNumber = first >= ZERO && first <= NINE;
      const count = isNumber ? Number(name.slice(dot + 1, next)) + 1 : 0;
      const path = isNumber ? name.slice(0, dot) : '';
      if (count > (counts.get(path) ?? 0) && count <= MAX_BLOCKS) counts.set(path, count);
      [dot, next] = [next, name.indexOf('.', next + 1)];
    }
  }
  return counts;
}

const [ZERO, NINE] = [48, 57];

/** Adds a layer's weight and bias. */
export function layer(
  blueprint: Blueprint,
  path: string,
  shape: readonly number[],
  hasBias = true,
): void {
  blueprint.set(`${path}.weight`, shape);
  if (hasBias) blueprint.set(`${path}.bias`, shape.slice(0, 1));
}

/** `time`: features of the time embedding, null where the network has none (a VAE) */
export function resnet(
  blueprint: Blueprint,
  path: string,
  [inside, out]: readonly [number, number],
  time: number | null,
): void {
  layer(blueprint, `${path}.norm1`, [inside]);
  layer(blueprint, `${path}.conv1`, [out, inside, 3, 3]);
  if (time !== null) layer(blueprint, `${path}.time_emb_proj`, [out, time]);
  layer(blueprint, `${path}.norm2`, [out]);
  layer(blueprint, `${path}.conv2`, [out, out, 3, 3]);
  if (inside !== out) layer(blueprint, `${path}.conv_shortcut`, [out, inside]);
}
