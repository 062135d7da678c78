/**
 * Flux.1 schnell, dev, Fill and Kontext (Black Forest Labs 2024, 2025): T5 reads the prompt word by word, CLIP as a
 * whole; dev is told how strongly to guide. Reference: diffusers, pipelines/flux.
 */
import type { PartTensors } from '../checkpoint/tensors.ts';
import { fluxGraph } from '../graphs/transformers/flux.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../graphs/vae.ts';
import { clipStates, languagePart, t5States } from '../text/language/reader.ts';
import { KONTEXT_REFERENCES } from './editing/kontext.ts';
import { FLUX_VAE, FLUX_VAE_NAMES, fluxLatents, TAEF1 } from './flux-latents.ts';
import type { NameRules } from './opening/names.ts';
import { EVEN_GRID, flowEuler, TRANSFORMER, type TransformerFamily } from './transformer-family.ts';

const DOUBLE = 'transformer_blocks.$1';
const SINGLE = 'single_transformer_blocks.$1';

/** Black Forest Labs' own names; FLUX.2 shares most of them. */
export const FLUX_RULES: NameRules['rules'] = [
  [/img_in/, 'x_embedder'],
  [/txt_in/, 'context_embedder'],
  [
    /double_blocks\.(\d+)\.img_attn\.qkv/,
    { paths: ['to_q', 'to_k', 'to_v'].map((each) => `${DOUBLE}.attn.${each}`) },
  ],
  [
    /double_blocks\.(\d+)\.txt_attn\.qkv/,
    { paths: ['add_q_proj', 'add_k_proj', 'add_v_proj'].map((each) => `${DOUBLE}.attn.${each}`) },
  ],
  [/double_blocks\.(\d+)\.img_attn\.norm\.query_norm/, `${DOUBLE}.attn.norm_q`],
  [/double_blocks\.(\d+)\.img_attn\.norm\.key_norm/, `${DOUBLE}.attn.norm_k`],
  [/double_blocks\.(\d+)\.txt_attn\.norm\.query_norm/, `${DOUBLE}.attn.norm_added_q`],
  [/double_blocks\.(\d+)\.txt_attn\.norm\.key_norm/, `${DOUBLE}.attn.norm_added_k`],
  [/double_blocks\.(\d+)\.img_attn\.proj/, `${DOUBLE}.attn.to_out.0`],
  [/double_blocks\.(\d+)\.txt_attn\.proj/, `${DOUBLE}.attn.to_add_out`],
  [/single_blocks\.(\d+)\.norm\.query_norm/, `${SINGLE}.attn.norm_q`],
  [/single_blocks\.(\d+)\.norm\.key_norm/, `${SINGLE}.attn.norm_k`],
  [/final_layer\.adaLN_modulation\.1/, 'norm_out.linear'],
  [/final_layer\.linear/, 'proj_out'],
];

/** The blocks of Flux.1 and Chroma. */
export const FLUX_BLOCK_RULES: NameRules['rules'] = [
  ...FLUX_RULES,
  [/double_blocks\.(\d+)\.img_mlp\.0/, `${DOUBLE}.ff.net.0.proj`],
  [/double_blocks\.(\d+)\.img_mlp\.2/, `${DOUBLE}.ff.net.2`],
  [/double_blocks\.(\d+)\.txt_mlp\.0/, `${DOUBLE}.ff_context.net.0.proj`],
  [/double_blocks\.(\d+)\.txt_mlp\.2/, `${DOUBLE}.ff_context.net.2`],
  [
    /single_blocks\.(\d+)\.linear1/,
    {
      paths: ['to_q', 'to_k', 'to_v'].map((each) => `${SINGLE}.attn.${each}`),
      rest: `${SINGLE}.proj_mlp`,
    },
  ],
  [/single_blocks\.(\d+)\.linear2/, `${SINGLE}.proj_out`],
  // XLabs' LoRAs change this part of linear1 alone
  [
    /single_blocks\.(\d+)\.qkv/,
    { paths: ['to_q', 'to_k', 'to_v'].map((each) => `${SINGLE}.attn.${each}`) },
  ],
];

const ORIGINALS: NameRules = {
  mark: /^double_blocks\.\d+\.img_attn\.qkv\.weight$/,
  rules: [
    ...FLUX_BLOCK_RULES,
    [/time_in\.in_layer/, 'time_text_embed.timestep_embedder.linear_1'],
    [/time_in\.out_layer/, 'time_text_embed.timestep_embedder.linear_2'],
    [/guidance_in\.in_layer/, 'time_text_embed.guidance_embedder.linear_1'],
    [/guidance_in\.out_layer/, 'time_text_embed.guidance_embedder.linear_2'],
    [/vector_in\.in_layer/, 'time_text_embed.text_embedder.linear_1'],
    [/vector_in\.out_layer/, 'time_text_embed.text_embedder.linear_2'],
    [/double_blocks\.(\d+)\.img_mod\.lin/, `${DOUBLE}.norm1.linear`],
    [/double_blocks\.(\d+)\.txt_mod\.lin/, `${DOUBLE}.norm1_context.linear`],
    [/single_blocks\.(\d+)\.modulation\.lin/, `${SINGLE}.norm.linear`],
  ],
};

/** T5 reads a text of so many tokens, filled up. */
const LENGTH = { dev: 512, schnell: 256 };

const GUIDED = 'time_text_embed.guidance_embedder.linear_1.weight';

/** Fill reads the masked picture's latents and a mask of 64 pixels a latent behind the noise. */
function fills(tensors: PartTensors): boolean {
  const [, inside = 0] = tensors.get('x_embedder.weight')?.shape ?? [];
  const [own = 0] = tensors.get('proj_out.weight')?.shape ?? [];
  return inside === 2 * own + 4 * 64;
}

export const FLUX: TransformerFamily = {
  name: 'flux',
  title: 'Flux.1',
  ...TRANSFORMER,
  // exports differ too much from each other: its weights themselves are read
  limits: {
    ...TRANSFORMER.limits,
    prompts: 2,
    opensExports: false,
    // Kontext
    references: 16,
    tokens: LENGTH.dev,
  },
  schedule: EVEN_GRID,
  usual: () => flowEuler(28, 1),
  tinyVae: TAEF1,
  exportClass: 'FluxTransformer2DModel',
  mark: /^double_blocks\.0\.img_mod\.lin\.weight$|^single_transformer_blocks\.0\.proj_mlp\.weight$/,
  originals: ORIGINALS,
  encoders: [
    {
      kind: 'clip_l',
      part: 'text_encoder',
      tokenizer: 'tokenizer',
      usual: 'CLIP-L (clip_l.safetensors, 246 MB)',
      names: /clip_?l/i,
      width: (tensors) =>
        tensors.get('time_text_embed.text_embedder.linear_1.weight')?.shape[1] ?? null,
    },
    {
      kind: 't5',
      part: 'text_encoder_2',
      tokenizer: 'tokenizer_2',
      usual: 'T5 XXL (t5xxl_fp16.safetensors, 9.8 GB, or t5xxl_fp8_e4m3fn.safetensors, 4.9 GB)',
      names: /t5/i,
      width: (tensors) => tensors.get('context_embedder.weight')?.shape[1] ?? null,
    },
  ],
  vae: {
    usual: FLUX_VAE,
    ...FLUX_VAE_NAMES,
    decoder: vaeDecoderGraph,
    encoder: vaeEncoderGraph,
  },
  denoiser: fluxGraph,
  latents: fluxLatents,
  contextWidth: (tensors) => tensors.get('context_embedder.weight')?.shape[1] ?? 0,
  channels: (tensors) => (tensors.get('proj_out.weight')?.shape[0] ?? 64) / 4,
  reader: {
    taps: () => ({ taps: [], normed: true }),
    pipelineLength: LENGTH.dev,
    async read(text, parts, { second = text, length, isGuided }) {
      const { pooled } = await clipStates(parts, 'clip_l', text);
      const wanted = length ?? (isGuided ? LENGTH.dev : LENGTH.schnell);
      // CLIP reads for the picture as a whole: T5 is the one that must not miss words
      const read = await t5States(languagePart(parts, 't5'), second, wanted);
      const { data, tokens, dim, cut } = read;
      return { context: data, tokens, dim, pooled, ...(cut && { cut }) };
    },
  },
  guidance: () => 'by-negative',
  isGuided: (tensors) => tensors.has(GUIDED),
  references: ({ index, names }) =>
    /kontext/i.test([index['_class_name'], ...names].join('\n')) ? KONTEXT_REFERENCES : null,
  distilledGuidance: (tensors) => (fills(tensors) ? 30 : 3.5),
  distilledOverPictures: 7,
  inpaints: fills,
  scheduler: (tensors) => ({
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    num_train_timesteps: 1000,
    shift: tensors.has(GUIDED) ? 3 : 1,
    use_dynamic_shifting: tensors.has(GUIDED),
    base_shift: 0.5,
    max_shift: 1.15,
    base_image_seq_len: 256,
    max_image_seq_len: 4096,
  }),
  defaults: ({ tensors }) => flowEuler(tensors.has(GUIDED) ? 20 : 4, 1),
};
