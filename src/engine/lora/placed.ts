/** Which of a LoRA's changes have their layer in a model; what has none is told, and the rest is applied. */
import { RunError } from '../errors.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import type { TensorSlice } from '../checkpoint/tensors.ts';
import type { LayerTensors, LowRank } from './file.ts';
import type { LoraPart } from './places.ts';
import type { OpenedLora } from './opened.ts';
import { type LayerShapes, shapeOfLayer } from './packed-layers.ts';

export type PlacedLora = OpenedLora & {
  placed: ReadonlyMap<LoraPart, PlacedLayers>;
  /** what of it is left out in this model; null: nothing */
  note: Said | null;
};

export type PlacedLayers = {
  /** thin pairs that run beside their layer */
  pairs: ReadonlyMap<string, LowRank<TensorSlice>>;
  /** layers whose weights are calculated anew */
  merged: ReadonlySet<string>;
};

/** Below this share of its layers a file was made for another kind of model. */
const LEAST_SHARE = 0.25;

/** @throws RunError for a file that was made for another kind of model */
export function placeLora(
  lora: OpenedLora,
  shapes: ReadonlyMap<LoraPart, LayerShapes>,
  model: string,
  strengthOf: (part: LoraPart) => number,
): PlacedLora {
  const strays: string[] = [];
  const placed = new Map<LoraPart, PlacedLayers>();
  let total = 0;
  const parts = new Set([...lora.layers.pairs.keys(), ...lora.layers.others.keys()]);
  for (const part of parts) {
    if (strengthOf(part) === 0) continue;
    const here = shapes.get(part);
    const pairs = new Map<string, LowRank<TensorSlice>>();
    const merged = new Set<string>();
    for (const [layer, pair] of lora.layers.pairs.get(part) ?? []) {
      total++;
      const shape = here && shapeOfLayer(layer, here);
      if (shape === undefined) strays.push(absent(part, layer, here));
      else if (isPadded(pair, shape)) merged.add(layer);
      else if (fits(pair, shape)) pairs.set(layer, pair);
      else strays.push(misfit(layer, pair, shape));
    }
    for (const [layer, change] of lora.layers.others.get(part) ?? []) {
      total++;
      const shape = here && shapeOfLayer(layer, here);
      if (shape === undefined) strays.push(absent(part, layer, here));
      else if (mayFit(change, shape)) merged.add(layer);
      else strays.push(`its layer ${layer} does not fit [${shape.join(', ')}]`);
    }
    placed.set(part, { pairs, merged });
  }
  const [first] = strays;
  if (first !== undefined && total - strays.length < total * LEAST_SHARE) {
    throw new RunError(say('lora-misfit', lora.name, model, first));
  }
  const { unread } = lora.layers;
  const cause = first ?? unread[0];
  const note =
    cause === undefined
      ? null
      : say('lora-partly', lora.name, strays.length + unread.length, total + unread.length, cause);
  return { ...lora, placed, note };
}

function absent(part: LoraPart, layer: string, here: LayerShapes | undefined): string {
  return here === undefined
    ? `it changes a ${part}`
    : `it changes a layer ${layer}, which is not there (or was fused by an optimizing export)`;
}

function misfit(
  layer: string,
  { up, down }: LowRank<TensorSlice>,
  shape: readonly number[],
): string {
  return `its layer ${layer} is ${up.shape[0]}x${down.shape[1]}, here it is ${shape.slice(0, 2).join('x')}`;
}

const kernelOf = (shape: readonly number[]): string => {
  const kernel = shape.slice(2);
  return kernel.every((side) => side === 1) ? '' : kernel.join();
};

/** A pair for 1x1 kernels is one for linear layers and the other way round. */
function fits({ up, down, mid }: LowRank<TensorSlice>, shape: readonly number[]): boolean {
  const isSize = up.shape[0] === shape[0] && down.shape[1] === shape[1];
  return isSize && kernelOf((mid ?? down).shape) === kernelOf(shape) && kernelOf(up.shape) === '';
}

/** Made for 4 channels, where the first layer of an inpainting model has 9. */
function isPadded({ up, down }: LowRank<TensorSlice>, shape: readonly number[]): boolean {
  const isFirst = shape.length === 4 && shape[1] === 9 && down.shape[1] === 4;
  return isFirst && up.shape[0] === shape[0] && kernelOf(down.shape) === kernelOf(shape);
}

/** As far as sizes tell without any calculation; what still does not fit is told when it is merged. */
function mayFit(change: LayerTensors<TensorSlice>, shape: readonly number[]): boolean {
  const size = (dims: readonly number[]): number => dims.reduce((all, side) => all * side, 1);
  const { diff, w_norm: norms, up, down, hada_w1_a: hada, hada_t1: core } = change;
  const whole = diff ?? norms;
  if (whole) return size(whole.shape) === size(shape) || (shape[1] === 9 && whole.shape[1] === 4);
  if (up && down) return up.shape[0] === shape[0] && (down.shape[1] === shape[1] || shape[1] === 9);
  if (hada && !core) return hada.shape[0] === shape[0];
  return shape.length >= 2 || change.diff_b !== undefined;
}
