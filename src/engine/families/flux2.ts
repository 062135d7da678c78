/**
 * FLUX.2 klein (Black Forest Labs 2026): three layers of Qwen3 side by side, latents in patches, four steps, and pictures
 * to edit from. Reference: diffusers, pipelines/flux2/pipeline_flux2_klein.py.
 */
import { flux2Graph } from '../graphs/transformers/flux2.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../graphs/vae.ts';
import { languagePart, withinLength } from '../text/language/reader.ts';
import { beside, fitted, statesOf } from '../text/language/runs.ts';
import { KLEIN_REFERENCES } from './editing/klein.ts';
import { FLUX_RULES } from './flux.ts';
import { klLatents } from './flux-latents.ts';
import type { NameRules } from './opening/names.ts';
import {
  flowEuler,
  isCalledBase,
  TRANSFORMER,
  type TransformerFamily,
} from './transformer-family.ts';

const DOUBLE = 'transformer_blocks.$1';
const SINGLE = 'single_transformer_blocks.$1';

const ORIGINALS: NameRules = {
  mark: /^double_blocks\.\d+\.img_attn\.qkv\.weight$/,
  rules: [
    ...FLUX_RULES,
    [/time_in\.in_layer/, 'time_guidance_embed.timestep_embedder.linear_1'],
    [/time_in\.out_layer/, 'time_guidance_embed.timestep_embedder.linear_2'],
    [/guidance_in\.in_layer/, 'time_guidance_embed.guidance_embedder.linear_1'],
    [/guidance_in\.out_layer/, 'time_guidance_embed.guidance_embedder.linear_2'],
    [/((?:double|single)_stream_modulation\w*)\.lin/, '$1.linear'],
    [/double_blocks\.(\d+)\.img_mlp\.0/, `${DOUBLE}.ff.linear_in`],
    [/double_blocks\.(\d+)\.img_mlp\.2/, `${DOUBLE}.ff.linear_out`],
    [/double_blocks\.(\d+)\.txt_mlp\.0/, `${DOUBLE}.ff_context.linear_in`],
    [/double_blocks\.(\d+)\.txt_mlp\.2/, `${DOUBLE}.ff_context.linear_out`],
    [/single_blocks\.(\d+)\.linear1/, `${SINGLE}.attn.to_qkv_mlp_proj`],
    [/single_blocks\.(\d+)\.linear2/, `${SINGLE}.attn.to_out`],
  ],
};

/** Layers of Qwen3 whose states stand side by side; 4B has 36. */
const LAYERS = [9, 18, 27];
const LENGTH = 512;
const GUIDED = 'time_guidance_embed.guidance_embedder.linear_1.weight';

/** Qwen3's chat template for one question, thinking switched off: the answer begins behind an empty thought. */
function asQuestion(text: string): string {
  return `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n`;
}

export const FLUX2: TransformerFamily = {
  name: 'flux2',
  title: 'FLUX.2',
  ...TRANSFORMER,
  limits: { ...TRANSFORMER.limits, references: 16, tokens: LENGTH, refusesLonger: true },
  // its pipeline has a rule of its own for the shift as well
  schedule: {
    sdxl: false,
    calls: { correctsConfig: false, handsStrengthToLcm: true, grid: 'even-shifted' },
  },
  usual: () => flowEuler(4, 1),
  // TAEF2, which no other has the shape of
  tinyVae: { own: /f2|flux.?2/i, others: /(?!)/ },
  exportClass: null,
  mark: /^double_stream_modulation_img\.lin(?:ear)?\.weight$/,
  originals: ORIGINALS,
  encoders: [
    {
      kind: 'qwen3',
      part: 'text_encoder',
      tokenizer: 'tokenizer',
      usual: 'Qwen3 4B (qwen_3_4b.safetensors, 8 GB)',
      names: /qwen/i,
      width: (tensors) => (tensors.get('context_embedder.weight')?.shape[1] ?? 0) / LAYERS.length,
    },
  ],
  vae: {
    usual: 'flux2-vae.safetensors (336 MB)',
    kind: 'patches',
    decoder: vaeDecoderGraph,
    encoder: vaeEncoderGraph,
  },
  denoiser: flux2Graph,
  latents(vae) {
    // The autoencoder's graphs norm latents by its own statistics, and give them in patches.
    const { channels, factor } = klLatents(vae, { scale: 1, shift: 0 });
    return { channels: 4 * channels, factor: 2 * factor, scale: 1, shift: 0, stats: null };
  },
  contextWidth: (tensors) => tensors.get('context_embedder.weight')?.shape[1] ?? 0,
  channels: (tensors) => tensors.get('x_embedder.weight')?.shape[1] ?? 128,
  reader: {
    taps: () => ({ taps: LAYERS, normed: false }),
    // What fills the text up is told to the transformer as well, which sees it.
    async read(text, parts, { length, model }) {
      const { session, tokenizer } = languagePart(parts, 'qwen3');
      const wanted = length ?? LENGTH;
      const own = withinLength(tokenizer.encode(asQuestion(text)), wanted, model);
      const ids = fitted(own, wanted, tokenizer.pad);
      const mask = ids.map((_, i) => (i < own.length ? 1 : 0));
      const names = LAYERS.map((layer) => `hidden_states.${layer}`);
      const { data, tokens, dim } = beside(await statesOf(session, ids, mask, names));
      return { context: data, tokens, dim, pooled: null };
    },
  },
  guidance: (index) => (index['is_distilled'] === true ? 'none' : 'plain'),
  isGuided: (tensors) => tensors.has(GUIDED),
  references: () => KLEIN_REFERENCES,
  scheduler: () => ({
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    num_train_timesteps: 1000,
    shift: 3,
    use_dynamic_shifting: true,
    time_shift_type: 'exponential',
  }),
  defaults: ({ index, names }) =>
    (index['is_distilled'] ?? !isCalledBase(names)) === false ? flowEuler(28, 4) : flowEuler(4, 1),
};
