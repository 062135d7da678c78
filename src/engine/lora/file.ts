/**
 * LoRA files and their kin: what they change of which layer. A LoRA (Hu et al. 2021) holds for some of a model's layers a
 * pair of thin matrices whose product is added to the layer's weights; LyCORIS' kinds, whole differences and norms change
 * them in other ways (see delta.ts). Read from the names that kohya's trainer, LyCORIS, diffusers, PEFT and ComfyUI give
 * them, by the layers of diffusers.
 */
import type { Tensor } from '../checkpoint/safetensors.ts';
import { type LoraPart, type Role, placeOf } from './places.ts';

/** One layer's pair: W + strength · alpha / rank · up · down. Its matrices are numbers, or where they lie in a file. */
export type LowRank<T = Tensor> = {
  /** [rank, in], or [rank, in, kh, kw] of a convolution */
  down: T;
  /** [out, rank] or [out, rank, 1, 1] */
  up: T;
  /** a convolution [rank, rank, kh, kw] between them (LoCon's CP decomposition), null otherwise */
  mid: T | null;
  /** absent: the rank, so that nothing is scaled */
  alpha: number | null;
};

/** By part and by the layer's path in diffusers, underscores for dots: `down_blocks_0_attentions_0_…_attn1_to_q`. */
type ByLayer<V> = ReadonlyMap<LoraPart, ReadonlyMap<string, V>>;
export type LoraLayers<T = Tensor> = ByLayer<LowRank<T>>;

/** Everything a file says of one layer, by what it is there. */
export type LayerTensors<T = Tensor> = Readonly<Partial<Record<Role, T>>>;

export type LoraFile<T = Tensor> = {
  pairs: LoraLayers<T>;
  /** layers whose weights are calculated anew: all kinds but plain pairs */
  others: ByLayer<LayerTensors<T>>;
  /** textual inversions that it brings along, by their name and by the names of their tensors */
  embeddings: ReadonlyMap<string, ReadonlyMap<string, T>>;
  /** why, of each tensor or layer that says nothing to anybody here */
  unread: readonly string[];
};

const PLAIN: ReadonlySet<Role> = new Set(['down', 'up', 'mid', 'alpha', 'scale']);
const BUNDLED = 'bundle_emb.';

type Shaped = { shape: readonly number[] };

/**
 * `numberIn`: the only number of a tensor; `metadata`: the file's own words, where PEFT writes alphas.
 * @throws Error saying what there is instead of changes
 */
export function readLayers<T extends Shaped>(
  tensors: Iterable<readonly [name: string, tensor: T]>,
  numberIn: (tensor: T) => number | null,
  metadata: ReadonlyMap<string, string> = new Map(),
): LoraFile<T> {
  const parts = new Map<LoraPart, Map<string, Partial<Record<Role, T>>>>();
  const embeddings = new Map<string, Map<string, T>>();
  const unread: string[] = [];
  for (const [name, tensor] of tensors) {
    if (name.startsWith(BUNDLED)) {
      takeBundled(embeddings, name, tensor);
      continue;
    }
    const place = placeOf(name);
    if (place === null) {
      unread.push(`its tensor ${name.slice(0, 120)} is of no known kind`);
      continue;
    }
    const layers = parts.get(place.part) ?? new Map<string, Partial<Record<Role, T>>>();
    parts.set(place.part, layers);
    const layer = layers.get(place.layer) ?? {};
    layer[place.role] ??= tensor;
    layers.set(place.layer, layer);
  }
  const pairs = new Map<LoraPart, Map<string, LowRank<T>>>();
  const others = new Map<LoraPart, Map<string, LayerTensors<T>>>();
  for (const [part, layers] of parts) {
    const alphaOf = alphasIn(metadata, part);
    for (const [layer, own] of layers) {
      // A file of whole weights has `.weight` everywhere; only beside `.on_input` it is a scale of IA3.
      if (own.weight !== undefined && own.on_input === undefined) {
        unread.push(`its layer ${layer} has whole weights`);
        continue;
      }
      const pair = isPlain(own) ? pairOf(layer, own, numberIn, alphaOf) : null;
      if (typeof pair === 'string') unread.push(pair);
      else if (pair === null) put(others, part, layer, own);
      else put(pairs, part, layer, pair);
    }
  }
  if (pairs.size === 0 && others.size === 0) {
    const known = unread.find(
      (cause) => cause.startsWith('its layer') || cause.startsWith('the matrices'),
    );
    throw new Error(known ?? 'it holds no LoRA weights');
  }
  return { pairs, others, embeddings, unread };
}

function put<V>(
  parts: Map<LoraPart, Map<string, V>>,
  part: LoraPart,
  layer: string,
  value: V,
): void {
  const layers = parts.get(part) ?? new Map<string, V>();
  parts.set(part, layers.set(layer, value));
}

function isPlain(own: LayerTensors<unknown>): boolean {
  return Object.keys(own).every((role) => PLAIN.has(role as Role));
}

/** `bundle_emb.NAME.string_to_param.*`, or `bundle_emb.NAME.clip_l` and `.clip_g` (A1111's networks.py). */
function takeBundled<T>(embeddings: Map<string, Map<string, T>>, name: string, tensor: T): void {
  const [embedding = '', ...rest] = name.slice(BUNDLED.length).split('.');
  const own = embeddings.get(embedding) ?? new Map<string, T>();
  embeddings.set(embedding, own.set(rest.join('.'), tensor));
}

/**
 * PEFT keeps alpha in the words beside the weights, for a whole part or for layers that a pattern names
 * (`lora_adapter_metadata`, as diffusers writes it). Rank stabilized LoRA divides by the root of the rank.
 */
function alphasIn(
  metadata: ReadonlyMap<string, string>,
  part: LoraPart,
): (layer: string, rank: number) => number | null {
  const said = jsonOf(metadata.get('lora_adapter_metadata'));
  const prefix = part === 'denoiser' ? ['unet', 'transformer'] : [part];
  const of = (key: string): unknown =>
    [...prefix.map((each) => said[`${each}.${key}`]), said[key]].find(
      (value) => value !== undefined,
    );
  const alpha = Number(of('lora_alpha'));
  if (!(alpha > 0)) return () => null;
  const patterns = Object.entries(Object(of('alpha_pattern')) as Record<string, unknown>);
  const stabilized = of('use_rslora') === true;
  return (layer, rank) => {
    const own = patterns.find(([name]) => layer.endsWith(name.replaceAll('.', '_')))?.[1];
    const taken = Number(own) > 0 ? Number(own) : alpha;
    return stabilized ? taken * Math.sqrt(rank) : taken;
  };
}

function jsonOf(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text ?? '{}')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Or why it is none. */
function pairOf<T extends Shaped>(
  layer: string,
  { down, up, mid, alpha, scale }: LayerTensors<T>,
  numberIn: (tensor: T) => number | null,
  alphaOf: (layer: string, rank: number) => number | null,
): LowRank<T> | string {
  if (down === undefined || up === undefined) {
    return `its layer ${layer} has only one of its two matrices`;
  }
  const rank = down.shape[0] ?? 0;
  const isThin = down.shape.length >= 2 && up.shape.length >= 2 && rank === up.shape[1];
  const fits = !mid || (mid.shape.length === 4 && mid.shape[0] === rank && mid.shape[1] === rank);
  if (!isThin || !fits) {
    const shapes = [down, ...(mid ? [mid] : []), up].map(({ shape }) => `[${shape.join(', ')}]`);
    return `the matrices ${shapes.join(' and ')} of its layer ${layer} do not multiply`;
  }
  // A1111's `scale` stands for alpha / rank.
  const factor = scale === undefined ? null : numberIn(scale);
  const own = alpha === undefined ? alphaOf(layer, rank) : numberIn(alpha);
  return { down, up, mid: mid ?? null, alpha: factor === null ? own : factor * rank };
}
