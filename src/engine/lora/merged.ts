/** Weights that a LoRA calculates anew, in an exported graph or among a checkpoint's tensors. */
import type { PartTensors } from '../checkpoint/tensors.ts';
import type { OpenedWeights } from '../onnx/stored-weights.ts';
import { biasDelta, changedWeights } from './delta.ts';
import type { LayerTensors, LoraPart } from './file.ts';
import { inNumbers, strengthFor, unreadable } from './opened.ts';
import { namesByLayer, sliceOf, weightNumbers } from './own-weights.ts';
import type { PlacedLora } from './placed.ts';

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
    const name = named.get(layer);
    const weight = name === undefined ? undefined : merged.get(name);
    if (name === undefined || weight === undefined) continue;
    if (weight.packed !== undefined) {
      const cause = 'it changes whole weights, and those of this model are packed in few bits';
      throw unreadable(lora, cause);
    }
    const data = await weightNumbers(merged, name);
    inWords(lora, () => {
      const changed = changedWeights(change, { shape: weight.shape, data }, strength);
      merged.set(name, sliceOf(weight, changed));
    });
    const bias = biasDelta(change);
    const biasName = name.replace(/weight$/, 'bias');
    const before = merged.get(biasName);
    if (bias === null || before === undefined) continue;
    const own = await weightNumbers(merged, biasName);
    const sum = own.map((value, i) => value + strength * (bias[i] ?? 0));
    merged.set(biasName, sliceOf(before, sum));
  }
  return merged;
}

/** What goes wrong inside is said of the LoRA. @throws RunError */
export function inWords(lora: PlacedLora, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw unreadable(lora, error instanceof Error ? error.message : String(error));
  }
}
