/**
 * Chroma (lodestones 2025): Flux.1 schnell without CLIP and without a distilled guidance, so that it is guided as the
 * first models were, and T5 alone reads the prompt. Reference: diffusers, pipelines/chroma.
 */
import { chromaGraph } from '../graphs/transformers/chroma.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../graphs/vae.ts';
import { textFeeds } from '../network/feeds.ts';
import { languagePart, t5States } from '../text/language/reader.ts';
import { FLUX, FLUX_BLOCK_RULES } from './flux.ts';
import { FLUX_VAE, FLUX_VAE_NAMES, fluxLatents, TAEF1 } from './flux-latents.ts';
import type { NameRules } from './opening/names.ts';
import { EVEN_GRID, flowEuler, TRANSFORMER, type TransformerFamily } from './transformer-family.ts';

const APPROXIMATOR = 'distilled_guidance_layer';

const ORIGINALS: NameRules = {
  mark: /^double_blocks\.\d+\.img_attn\.qkv\.weight$/,
  rules: [
    ...FLUX_BLOCK_RULES,
    [/distilled_guidance_layer\.layers\.(\d+)\.in_layer/, `${APPROXIMATOR}.layers.$1.linear_1`],
    [/distilled_guidance_layer\.layers\.(\d+)\.out_layer/, `${APPROXIMATOR}.layers.$1.linear_2`],
    [/distilled_guidance_layer\.norms\.(\d+)/, `${APPROXIMATOR}.norms.$1`],
  ],
};

const LENGTH = 512;

export const CHROMA: TransformerFamily = {
  name: 'chroma',
  title: 'Chroma',
  ...TRANSFORMER,
  inputs: ['text_bias'],
  *feeds({ count, text }) {
    yield* textFeeds(count, text, 'text_bias');
  },
  limits: { ...TRANSFORMER.limits, opensExports: false, tokens: LENGTH },
  schedule: EVEN_GRID,
  usual: () => flowEuler(30, 5),
  tinyVae: TAEF1,
  exportClass: 'ChromaTransformer2DModel',
  mark: /^distilled_guidance_layer\.in_proj\.weight$/,
  originals: ORIGINALS,
  encoders: [
    {
      kind: 't5',
      part: 'text_encoder',
      tokenizer: 'tokenizer',
      usual: 'T5 XXL (t5xxl_fp16.safetensors, 9.8 GB, or t5xxl_fp8_e4m3fn.safetensors, 4.9 GB)',
      names: /t5/i,
      width: (tensors) => tensors.get('context_embedder.weight')?.shape[1] ?? null,
    },
  ],
  vae: { usual: FLUX_VAE, ...FLUX_VAE_NAMES, decoder: vaeDecoderGraph, encoder: vaeEncoderGraph },
  denoiser: chromaGraph,
  latents: fluxLatents,
  contextWidth: FLUX.contextWidth,
  channels: FLUX.channels,
  reader: {
    taps: () => ({ taps: [], normed: true }),
    masksText: true,
    /**
     * Behind the words one token that fills the text up is meant, too. The others are left out, which is what a mask
     * over them comes to; in profile diffusers they stay, since its mask takes the words' scores up by one and hides
     * nothing.
     */
    async read(text, parts, { length, filled = false }) {
      const wanted = length ?? LENGTH;
      const states = await t5States(languagePart(parts, 't5'), text, wanted);
      const meant = Math.min(wanted, states.words + 1);
      const tokens = filled ? wanted : meant;
      const bias = Float32Array.from({ length: tokens }, (_, i) => (i < meant ? 1 : 0));
      const context = states.data.slice(0, tokens * states.dim);
      const { cut } = states;
      return { context, tokens, dim: states.dim, pooled: bias, ...(cut && { cut }) };
    },
  },
  guidance: () => 'plain',
  isGuided: () => false,
  references: () => null,
  scheduler: () => ({
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    num_train_timesteps: 1000,
    shift: 3,
    use_dynamic_shifting: true,
    base_shift: 0.5,
    max_shift: 1.15,
    base_image_seq_len: 256,
    max_image_seq_len: 4096,
  }),
  defaults: () => flowEuler(30, 5),
};
