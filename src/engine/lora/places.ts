/** Where a tensor of a LoRA file belongs, by its name: which part, which layer, which role in the pair. */
import { flatUnetLayer } from '../checkpoint/names/unet-names.ts';

/** The third is Stable Diffusion 3's T5. */
export type LoraPart = 'denoiser' | 'text_encoder' | 'text_encoder_2' | 'text_encoder_3';

/** What a tensor is for its layer; LyCORIS' own names behind the first ones. */
const ROLES = [
  'down',
  'up',
  'mid',
  'alpha',
  'scale',
  'dora',
  'hada_w1_a',
  'hada_w1_b',
  'hada_w2_a',
  'hada_w2_b',
  'hada_t1',
  'hada_t2',
  'lokr_w1',
  'lokr_w1_a',
  'lokr_w1_b',
  'lokr_w2',
  'lokr_w2_a',
  'lokr_w2_b',
  'lokr_t2',
  'oft_blocks',
  'oft_diag',
  'rescale',
  'diff',
  'diff_b',
  'w_norm',
  'b_norm',
  'a1',
  'a2',
  'b1',
  'b2',
  'weight',
  'on_input',
] as const;
export type Role = (typeof ROLES)[number];

/** The first that fits; the name of an adapter may stand before `weight`. */
const ENDS: readonly (readonly [RegExp, Role])[] = [
  [
    /(?:\.lora_down\.weight|\.lora_A(?:\.\w+)?(?:\.weight)?|[._]lora\.down\.weight|\.lora_linear_layer\.down\.weight)$/,
    'down',
  ],
  [
    /(?:\.lora_up\.weight|\.lora_B(?:\.\w+)?(?:\.weight)?|[._]lora\.up\.weight|\.lora_linear_layer\.up\.weight)$/,
    'up',
  ],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.(?:dora_scale|lora_magnitude_vector(?:\.\w+)?(?:\.weight)?)$/, 'dora'],
  [/\.a1\.weight$/, 'a1'],
  [/\.a2\.weight$/, 'a2'],
  [/\.b1\.weight$/, 'b1'],
  [/\.b2\.weight$/, 'b2'],
  ...ROLES.slice(3).map((role) => [new RegExp(`\\.${role}$`), role] as const),
];

/** Where a tensor belongs; null for what is no part of a change. */
export function placeOf(given: string): { part: LoraPart; layer: string; role: Role } | null {
  const name = withoutProcessors(given);
  const found = ENDS.find(([pattern]) => pattern.test(name));
  if (found === undefined) return null;
  const [pattern, role] = found;
  const path = name.replace(pattern, '').replaceAll('.', '_');
  const prefix = PREFIXES.find(([start]) => path.startsWith(start));
  const [start, part] = prefix ?? ['', 'denoiser' as const];
  const layer = path.slice(start.length);
  return { part, layer: part === 'denoiser' ? denoiserLayer(layer) : textLayer(layer), role };
}

/** XLabs' files for Flux name attention processors, by whose turn it is: the picture's, then the text's. */
function withoutProcessors(name: string): string {
  return name.replace(
    /((?:double|single)_blocks\.\d+)\.processor\.(qkv|proj)_lora([12]?)\.(down|up)\.weight$/,
    (_, block: string, layer: string, number: string, role: string) => {
      const stream = number === '2' ? '.txt_attn' : '.img_attn';
      const own = number !== '' ? `${stream}.${layer}` : layer === 'qkv' ? '.qkv' : '.linear2';
      return `${block}${own}.lora_${role}.weight`;
    },
  );
}

/** The longest that fits comes first. */
const PREFIXES: readonly (readonly [string, LoraPart])[] = (
  [
    ['lora_te3_', 'text_encoder_3'],
    ['lora_te2_', 'text_encoder_2'],
    ['lora_te1_', 'text_encoder'],
    ['lora_te_', 'text_encoder'],
    ['lora_unet_', 'denoiser'],
    ['lora_prior_unet_', 'denoiser'],
    ['lora_transformer_', 'denoiser'],
    ['lycoris_', 'denoiser'],
    ['text_encoder_3_', 'text_encoder_3'],
    ['text_encoders_t5xxl_transformer_', 'text_encoder_3'],
    ['text_encoders_qwen3_4b_transformer_', 'text_encoder'],
    ['text_encoders_qwen25_7b_transformer_', 'text_encoder'],
    ['text_encoder_2_', 'text_encoder_2'],
    ['text_encoder_', 'text_encoder'],
    ['text_encoders_clip_g_transformer_', 'text_encoder_2'],
    ['text_encoders_clip_l_transformer_', 'text_encoder'],
    ['text_encoders_clip_h_transformer_', 'text_encoder'],
    ['text_encoders_clip_g_', 'text_encoder_2'],
    ['text_encoders_clip_l_', 'text_encoder'],
    ['clip_g_transformer_', 'text_encoder_2'],
    ['clip_l_transformer_', 'text_encoder'],
    ['unet_base_model_model_', 'denoiser'],
    ['transformer_base_model_model_', 'denoiser'],
    ['text_encoder_base_model_model_', 'text_encoder'],
    ['text_encoder_2_base_model_model_', 'text_encoder_2'],
    ['base_model_model_', 'denoiser'],
    ['model_diffusion_model_', 'denoiser'],
    ['diffusion_model_', 'denoiser'],
    ['unet_', 'denoiser'],
    ['transformer_', 'denoiser'],
  ] as [string, LoraPart][]
).toSorted(([a], [b]) => b.length - a.length);

/** diffusers' first format of text encoders, named after the attention of its own networks. */
const OLD_PROJECTIONS = /_to_(q|k|v|out)$/;

/** Of language models, whose names here begin with their layers. */
const BEFORE_LAYERS = /^(?:model_)?(?:language_model_)?(?:model_)?(?=layers_\d)/;

/** Everything before the layers differs between programs: `text_model_`, `text_model_text_model_`, nothing. */
export function textLayer(path: string): string {
  const layer = path.slice(
    Math.max(0, path.search(/(?:encoder_layers_\d|text_projection|final_layer_norm|embeddings_)/)),
  );
  return layer.replace(OLD_PROJECTIONS, '_$1_proj').replace(BEFORE_LAYERS, '');
}

function denoiserLayer(path: string): string {
  // diffusers' first format: attention processors, whose to_out is a list of one in the network.
  const layer = path.replace('_processor_', '_');
  // Files for SDXL mostly have the original network's names.
  return flatUnetLayer(layer) ?? layer.replace(/_to_out$/, '_to_out_0');
}
