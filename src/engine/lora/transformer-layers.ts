/**
 * The layers of diffusion transformers by the names that LoRA files give them: diffusers', or those of the networks'
 * makers, which trainers like kohya's and ComfyUI keep. Makers pack several layers into one; its rows belong to them one
 * after the other.
 */
import { rowsOf, type TensorSlice } from '../checkpoint/tensors.ts';
import type { LayerTensors, LowRank } from './file.ts';
import type { OpenedLora } from './opened.ts';
import { BESIDE, type LayerShapes } from './packed-layers.ts';

export type LayerNames = {
  /** a maker's path, flat, to the flat paths of the layers that it stands for; null: it is none */
  originals(layer: string): readonly string[] | null;
  /** layers whose halves, scale and shift, stand in another order in the makers' files */
  turned(layer: string, shape: readonly number[]): boolean;
  /** the model's own file is a maker's */
  shiftFirst: boolean;
};

type Found = { targets: readonly string[]; original: boolean };

/** The LoRA with its denoiser's layers called as the model calls them; what has no layer keeps its name. */
export function renamedFor(lora: OpenedLora, names: LayerNames, shapes: LayerShapes): OpenedLora {
  const { pairs, others, unread } = lora.layers;
  const given = [...(pairs.get('denoiser') ?? []), ...(others.get('denoiser') ?? [])];
  // Some trainers write a packed layer and its parts, too: the parts count.
  const direct = new Set(given.flatMap(([layer]) => directly(layer, shapes) ?? []));
  const twice: string[] = [];
  const find = (layer: string): Found => {
    const own = directly(layer, shapes);
    if (own !== null) return { targets: [own], original: false };
    const targets =
      names.originals(layer) ?? names.originals(layer.replace(/_to_out_0$/, '_to_out'));
    if (targets === null || !targets.every((each) => shapes.has(each))) {
      return { targets: [layer], original: false };
    }
    if (targets.some((each) => direct.has(each))) {
      twice.push(`its layer ${layer} is also there in parts, which count`);
      return { targets: [], original: true };
    }
    return { targets, original: true };
  };
  const isTurned = ({ original }: Found, target: string): boolean =>
    original !== names.shiftFirst && names.turned(target, shapes.get(target) ?? []);
  const ownPairs = new Map<string, LowRank<TensorSlice>>();
  for (const [layer, pair] of pairs.get('denoiser') ?? []) {
    const found = find(layer);
    for (const [target, own] of splitPair(pair, found.targets, shapes)) {
      const up = isTurned(found, target) ? halvesTurned(own.up, lora) : own.up;
      ownPairs.set(target, { ...own, up });
    }
  }
  const ownOthers = new Map<string, LayerTensors<TensorSlice>>();
  for (const [layer, change] of others.get('denoiser') ?? []) {
    const found = find(layer);
    const [target] = found.targets;
    if (target === undefined) continue;
    if (isTurned(found, target)) twice.push(`its layer ${layer} has its halves in another order`);
    else ownOthers.set(found.targets.join(BESIDE), change);
  }
  return {
    ...lora,
    layers: {
      ...lora.layers,
      pairs: new Map([...pairs, ['denoiser', ownPairs]]),
      others: new Map([...others, ['denoiser', ownOthers]]),
      unread: [...unread, ...twice],
    },
  };
}

/** By diffusers' name, with or without the root that looks like one of the prefixes. */
function directly(layer: string, shapes: LayerShapes): string | null {
  const candidates = [layer, layer.replace(/_to_out_0$/, '_to_out')];
  candidates.push(...candidates.map((each) => `transformer_${each}`));
  return candidates.find((each) => shapes.has(each)) ?? null;
}

/** The down matrix is everybody's, of the up matrix each has its own rows. */
function splitPair(
  pair: LowRank<TensorSlice>,
  targets: readonly string[],
  shapes: LayerShapes,
): [string, LowRank<TensorSlice>][] {
  const [first, ...more] = targets;
  if (first === undefined) return [];
  if (more.length === 0) return [[first, pair]];
  const rows = targets.map((target) => shapes.get(target)?.[0] ?? 0);
  const total = rows.reduce((sum, each) => sum + each, 0);
  // the layer's size is told as of any that does not fit
  if (pair.up.shape[0] !== total) return [[targets.join(BESIDE), pair]];
  let from = 0;
  return targets.map((target, i) => {
    const to = from + rows[i]!;
    const up = rowsOf(pair.up, from, to);
    from = to;
    return [target, { ...pair, up }];
  });
}

/** The second half of the rows before the first. */
function halvesTurned(tensor: TensorSlice, lora: OpenedLora): TensorSlice {
  const bytes = lora.bytesOf(tensor);
  const half = bytes.length / 2;
  const turned = new Uint8Array(bytes.length);
  turned.set(bytes.subarray(half));
  turned.set(bytes.subarray(0, half), half);
  return { ...tensor, bytes: turned, offset: 0 };
}
