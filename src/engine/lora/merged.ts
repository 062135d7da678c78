/** Weights that a LoRA calculates anew, in an exported graph or among a checkpoint's tensors. */
import { weightNumbers } from '../checkpoint/file/factors.ts';
import type { PartTensors, TensorSlice } from '../checkpoint/tensors.ts';
import type { OpenedWeights } from '../onnx/stored-weights.ts';
import { biasDelta, changedWeights } from './weights/delta.ts';
import type { LayerTensors } from './file.ts';
import type { LoraPart } from './places.ts';
import { inNumbers, strengthFor, unreadable } from './opened.ts';
import { namesByLayer, sliceOf } from './weights/own-weights.ts';
import type { PlacedLora } from './placed.ts';
import { partsOfLayer } from './packed-layers.ts';

/** Whether any weights of this part are calculated anew. */
export function mergesInto({ placed }: PlacedLora, part: LoraPart): boolean {
  return (placed.get(part)?.merged.size ?? 0) > 0;
}

/** The layers whose weights are calculated anew, with what is said of them as numbers. */
function* mergedChanges(lora: PlacedLora, part: LoraPart): Generator<[string, LayerTensors]> {
  for (const layer of lora.placed.get(part)?.merged ?? []) {
    const pair = lora.layers.pairs.get(part)?.get(layer);
    const other = lora.layers.others.get(part)?.get(layer) ?? {};
    const entries = Object.entries(other).map(([role, tensor]) => [role, lora.numbers(tensor)]);
    const own = Object.fromEntries(entries) as LayerTensors;
    if (pair === undefined) yield [layer, own];
    else {
      const { down, up, mid, alpha } = inNumbers(lora, pair);
      const rank = alpha === null ? {} : { alpha: { shape: [], data: Float32Array.of(alpha) } };
      yield [layer, { ...own, down, up, ...(mid && { mid }), ...rank }];
    }
  }
}

/** Of an exported graph. @throws RunError where the LoRA does not fit */
export function mergeIntoGraph(lora: PlacedLora, part: LoraPart, weights: OpenedWeights): void {
  const strength = strengthFor(lora, part);
  for (const [layer, change] of mergedChanges(lora, part)) {
    const bias = biasDelta(change)?.map((value) => value * strength) ?? null;
    inWords(lora, () =>
      weights.change(
        layer,
        (data, shape) => changedWeights(change, { shape, data }, strength),
        bias,
      ),
    );
  }
}

/**
 * A network's tensors, with those that are calculated anew as bytes in place of what lies in the file; the others stay
 * where they are.
 * @throws RunError where the LoRA does not fit
 */
export async function mergeIntoTensors(
  lora: PlacedLora,
  part: LoraPart,
  tensors: PartTensors,
): Promise<PartTensors> {
  const named = namesByLayer(tensors);
  const merged = new Map(tensors);
  const strength = strengthFor(lora, part);
  for (const [layer, change] of mergedChanges(lora, part)) {
    const parts = partsOfLayer(layer).flatMap((part) => named.get(part) ?? []);
    await changeWeights(lora, merged, parts, (data, shape) =>
      changedWeights(change, { shape, data }, strength),
    );
    const bias = biasDelta(change);
    if (bias === null) continue;
    const biases = parts.map((name) => name.replace(/weight$/, 'bias'));
    await changeWeights(lora, merged, biases, (data) =>
      data.map((value, i) => value + strength * (bias[i] ?? 0)),
    );
  }
  return merged;
}

/** Of several tensors as one, whose rows lie one behind the other; where one is absent, of none. */
async function changeWeights(
  lora: PlacedLora,
  tensors: Map<string, TensorSlice>,
  names: readonly string[],
  change: (data: Float32Array, shape: readonly number[]) => Float32Array,
): Promise<void> {
  const slices = names.map((name) => tensors.get(name));
  const [first] = slices;
  if (first === undefined || slices.includes(undefined)) return;
  if (slices.some((slice) => slice?.packed !== undefined)) {
    const cause = 'it changes whole weights, and those of this model are packed in few bits';
    throw unreadable(lora, cause);
  }
  const numbers: Float32Array[] = [];
  for (const name of names) numbers.push(await weightNumbers(tensors, name));
  const rows = slices.reduce((sum, slice) => sum + (slice?.shape[0] ?? 0), 0);
  inWords(lora, () => {
    const all = numbers.length === 1 ? numbers[0]! : joined(numbers);
    const changed = change(all, [rows, ...first.shape.slice(1)]);
    let from = 0;
    for (const [i, name] of names.entries()) {
      const to = from + numbers[i]!.length;
      tensors.set(name, sliceOf(slices[i]!, changed.subarray(from, to)));
      from = to;
    }
  });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let from = 0;
  for (const part of parts) {
    all.set(part, from);
    from += part.length;
  }
  return all;
}

/** What goes wrong inside is said of the LoRA. @throws RunError */
export function inWords(lora: PlacedLora, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw unreadable(lora, error instanceof Error ? error.message : String(error));
  }
}
