/**
 * LoRA files (Hu et al. 2021): for some of a model's layers a pair of thin matrices whose product is added to the
 * layer's weights. Read from the names that kohya's trainer, diffusers and PEFT give them, by the layers of diffusers.
 */
import { readSafetensors, type Tensor } from '../checkpoint/safetensors.ts';

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

/** @throws Error saying what the file holds instead */
export function readLora(bytes: Uint8Array): LoraLayers {
  return pairUp(readSafetensors(bytes, isPartOfPair), ({ data }) => data[0] ?? null);
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
  return /^(?:input_blocks|middle_block|output_blocks|time_embed|label_emb)_|^out_\d/.test(layer)
    ? fromOriginal(layer)
    : layer.replace(/_to_out$/, '_to_out_0');
}

/** Of the original networks, whose blocks are numbered through: two resnets and a sampler a level (SD 1, 2 and XL). */
const PER_LEVEL = 3;

const RESNET: Readonly<Record<string, string>> = {
  in_layers_2: 'conv1',
  out_layers_3: 'conv2',
  emb_layers_1: 'time_emb_proj',
  skip_connection: 'conv_shortcut',
};

/**
 * The original Stable Diffusion's layer names, which files for SDXL mostly have, as those of diffusers (behaviour of
 * diffusers' convert_unet_state_dict and _maybe_map_sgm_blocks_to_diffusers).
 */
function fromOriginal(layer: string): string {
  const block = /^(input_blocks|output_blocks)_(\d+)_(\d)_(.+)$/.exec(layer);
  if (block) {
    const [, side = '', number, inner, rest = ''] = block;
    return blockLayer(side === 'input_blocks', Number(number), Number(inner), rest);
  }
  const middle = /^middle_block_(\d)_(.+)$/.exec(layer);
  if (middle) {
    const [, inner, rest = ''] = middle;
    if (inner === '1') return `mid_block_attentions_0_${rest}`;
    return `mid_block_resnets_${inner === '0' ? 0 : 1}_${RESNET[rest] ?? rest}`;
  }
  return layer
    .replace(/^input_blocks_0_0$/, 'conv_in')
    .replace(/^time_embed_0$/, 'time_embedding_linear_1')
    .replace(/^time_embed_2$/, 'time_embedding_linear_2')
    .replace(/^label_emb_0_0$/, 'add_embedding_linear_1')
    .replace(/^label_emb_0_2$/, 'add_embedding_linear_2')
    .replace(/^out_2$/, 'conv_out');
}

function blockLayer(isDown: boolean, number: number, inner: number, rest: string): string {
  const counted = isDown ? number - 1 : number;
  const [level, place] = [Math.floor(counted / PER_LEVEL), counted % PER_LEVEL];
  const side = isDown ? `down_blocks_${level}` : `up_blocks_${level}`;
  if (rest === 'op' || (isDown && place === PER_LEVEL - 1)) return `${side}_downsamplers_0_conv`;
  if (rest === 'conv') return `${side}_upsamplers_0_conv`;
  if (inner === 0) return `${side}_resnets_${place}_${RESNET[rest] ?? rest}`;
  return `${side}_attentions_${place}_${rest}`;
}
