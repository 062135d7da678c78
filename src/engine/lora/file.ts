/**
 * LoRA files (Hu et al. 2021): for some of a model's layers a pair of thin matrices whose product is added to the
 * layer's weights. Read from the names that kohya's trainer, diffusers and PEFT give them, by the layers of diffusers.
 */
import { readSafetensors, type Tensor } from '../checkpoint/safetensors.ts';
import { flatUnetLayer } from '../checkpoint/names/unet-names.ts';

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

export type LoraPart = 'denoiser' | 'text_encoder' | 'text_encoder_2';

/** By part and by the layer's path in diffusers, underscores for dots: `down_blocks_0_attentions_0_…_attn1_to_q`. */
export type LoraLayers<T = Tensor> = ReadonlyMap<LoraPart, ReadonlyMap<string, LowRank<T>>>;

type Role = 'down' | 'up' | 'mid' | 'alpha';

const ROLES: readonly (readonly [RegExp, Role])[] = [
  [/\.alpha$/, 'alpha'],
  [/(?:\.lora_down|\.lora_A(?:\.\w+)?|[._]lora\.down|\.lora_linear_layer\.down)\.weight$/, 'down'],
  [/(?:\.lora_up|\.lora_B(?:\.\w+)?|[._]lora\.up|\.lora_linear_layer\.up)\.weight$/, 'up'],
  [/\.lora_mid\.weight$/, 'mid'],
];

/** What files hold that are no pairs: they change weights in other ways. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/\.hada_w/, 'LoHa'],
  [/\.lokr_w/, 'LoKr'],
  [/\.(?:dora_scale|lora_magnitude_vector)/, 'DoRA'],
  [/\.(?:diff|diff_b)$/, 'full differences'],
  [/\.on_input$|^a1\./, 'IA3'],
  [/\.oft_/, 'OFT'],
];

/**
 * `file`: its name, for sentences.
 * @throws RunError for a damaged file, Error saying what it holds instead
 */
export function readLora(bytes: Uint8Array, file: string): LoraLayers {
  return pairUp(readSafetensors(bytes, file, isPartOfPair), ({ data }) => data[0] ?? null);
}

function isPartOfPair(name: string): boolean {
  const other = OTHER_KINDS.find(([pattern]) => pattern.test(name));
  if (other) throw new Error(`it holds ${other[1]}; LoRA and LoCon are what can be applied`);
  return placeOf(name) !== null;
}

type Shaped = { shape: readonly number[] };

/** `numberIn`: the only number of a tensor. @throws Error saying what there is instead of pairs */
export function pairUp<T extends Shaped>(
  tensors: Iterable<readonly [name: string, tensor: T]>,
  numberIn: (tensor: T) => number | null,
): LoraLayers<T> {
  const parts = new Map<LoraPart, Map<string, Partial<Record<Role, T>>>>();
  for (const [name, tensor] of tensors) {
    const place = isPartOfPair(name) ? placeOf(name) : null;
    if (place === null) continue;
    const layers = parts.get(place.part) ?? new Map<string, Partial<Record<Role, T>>>();
    parts.set(place.part, layers);
    layers.set(place.layer, { ...layers.get(place.layer), [place.role]: tensor });
  }
  const whole = new Map(
    [...parts].map(([part, layers]) => [
      part,
      new Map([...layers].map(([layer, own]) => [layer, pairOf(layer, own, numberIn)] as const)),
    ]),
  );
  if (whole.size === 0) throw new Error('it holds no LoRA weights');
  return whole;
}

function pairOf<T extends Shaped>(
  layer: string,
  { down, up, mid, alpha }: Partial<Record<Role, T>>,
  numberIn: (tensor: T) => number | null,
): LowRank<T> {
  if (down === undefined || up === undefined) {
    throw new Error(`its layer ${layer} has only one of its two matrices`);
  }
  const rank = down.shape[0];
  const isThin = down.shape.length >= 2 && up.shape.length >= 2 && rank === up.shape[1];
  const fits = !mid || (mid.shape.length === 4 && mid.shape[0] === rank && mid.shape[1] === rank);
  if (!isThin || !fits) {
    const shapes = [down, ...(mid ? [mid] : []), up].map(({ shape }) => `[${shape.join(', ')}]`);
    throw new Error(`the matrices ${shapes.join(' and ')} of its layer ${layer} do not multiply`);
  }
  return { down, up, mid: mid ?? null, alpha: alpha === undefined ? null : numberIn(alpha) };
}

/** Where a tensor belongs; null for what is no part of a pair. */
export function placeOf(name: string): { part: LoraPart; layer: string; role: Role } | null {
  const found = ROLES.find(([pattern]) => pattern.test(name));
  if (found === undefined) return null;
  const [pattern, role] = found;
  const path = name.replace(pattern, '').replaceAll('.', '_');
  const prefix = PREFIXES.find(([start]) => path.startsWith(start));
  const [start, part] = prefix ?? ['', 'denoiser' as const];
  const layer = path.slice(start.length);
  return { part, layer: part === 'denoiser' ? denoiserLayer(layer) : textLayer(layer), role };
}

/** The longest that fits comes first. */
const PREFIXES: readonly (readonly [string, LoraPart])[] = [
  ['lora_te2_', 'text_encoder_2'],
  ['lora_te1_', 'text_encoder'],
  ['lora_te_', 'text_encoder'],
  ['lora_unet_', 'denoiser'],
  ['lora_transformer_', 'denoiser'],
  ['text_encoder_2_', 'text_encoder_2'],
  ['text_encoder_', 'text_encoder'],
  ['unet_', 'denoiser'],
  ['transformer_', 'denoiser'],
];

/** Everything before the layers differs between programs: `text_model_`, `text_model_text_model_`, nothing. */
export function textLayer(path: string): string {
  return path.slice(Math.max(0, path.search(/encoder_layers_\d/)));
}

function denoiserLayer(path: string): string {
  // diffusers' first format: attention processors, whose to_out is a list of one in the network.
  const layer = path.replace('_processor_', '_');
  // Files for SDXL mostly have the original network's names.
  return flatUnetLayer(layer) ?? layer.replace(/_to_out$/, '_to_out_0');
}
