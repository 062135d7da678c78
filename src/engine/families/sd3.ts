/**
 * Stable Diffusion 3 and 3.5 (Stability AI 2024): both CLIPs side by side, T5 behind them where there is one.
 * Reference: diffusers, pipelines/stable_diffusion_3.
 */
import type { PartTensors } from '../checkpoint/tensors.ts';
import { sd3Graph } from '../graphs/transformers/sd3.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../graphs/vae.ts';
import { clipStates, languagePart, t5States } from '../text/language/reader.ts';
import { besideEachOther } from '../text/hidden.ts';
import { beside, type States } from '../text/language/runs.ts';
import { FLUX_VAE_NAMES, klLatents } from './flux-latents.ts';
import type { NameRules } from './opening/names.ts';
import { flowEuler, TRANSFORMER, type TransformerFamily } from './transformer-family.ts';

const BLOCK = 'transformer_blocks.$1';

const ORIGINALS: NameRules = {
  mark: /^joint_blocks\.\d+\.x_block\.attn\.qkv\.weight$/,
  rules: [
    [/pos_embed/, 'pos_embed.pos_embed'],
    [/x_embedder\.proj/, 'pos_embed.proj'],
    [/t_embedder\.mlp\.0/, 'time_text_embed.timestep_embedder.linear_1'],
    [/t_embedder\.mlp\.2/, 'time_text_embed.timestep_embedder.linear_2'],
    [/y_embedder\.mlp\.0/, 'time_text_embed.text_embedder.linear_1'],
    [/y_embedder\.mlp\.2/, 'time_text_embed.text_embedder.linear_2'],
    [/joint_blocks\.(\d+)\.x_block\.adaLN_modulation\.1/, `${BLOCK}.norm1.linear`],
    [/joint_blocks\.(\d+)\.context_block\.adaLN_modulation\.1/, `${BLOCK}.norm1_context.linear`],
    [
      /joint_blocks\.(\d+)\.x_block\.(attn2?)\.qkv/,
      { paths: ['to_q', 'to_k', 'to_v'].map((each) => `${BLOCK}.$2.${each}`) },
    ],
    [
      /joint_blocks\.(\d+)\.context_block\.attn\.qkv/,
      { paths: ['add_q_proj', 'add_k_proj', 'add_v_proj'].map((each) => `${BLOCK}.attn.${each}`) },
    ],
    [/joint_blocks\.(\d+)\.x_block\.(attn2?)\.ln_q/, `${BLOCK}.$2.norm_q`],
    [/joint_blocks\.(\d+)\.x_block\.(attn2?)\.ln_k/, `${BLOCK}.$2.norm_k`],
    [/joint_blocks\.(\d+)\.context_block\.attn\.ln_q/, `${BLOCK}.attn.norm_added_q`],
    [/joint_blocks\.(\d+)\.context_block\.attn\.ln_k/, `${BLOCK}.attn.norm_added_k`],
    [/joint_blocks\.(\d+)\.x_block\.(attn2?)\.proj/, `${BLOCK}.$2.to_out.0`],
    [/joint_blocks\.(\d+)\.context_block\.attn\.proj/, `${BLOCK}.attn.to_add_out`],
    [/joint_blocks\.(\d+)\.x_block\.mlp\.fc1/, `${BLOCK}.ff.net.0.proj`],
    [/joint_blocks\.(\d+)\.x_block\.mlp\.fc2/, `${BLOCK}.ff.net.2`],
    [/joint_blocks\.(\d+)\.context_block\.mlp\.fc1/, `${BLOCK}.ff_context.net.0.proj`],
    [/joint_blocks\.(\d+)\.context_block\.mlp\.fc2/, `${BLOCK}.ff_context.net.2`],
    [/final_layer\.adaLN_modulation\.1/, 'norm_out.linear'],
    [/final_layer\.linear/, 'proj_out'],
  ],
};

const T5_LENGTH = 256;

function pooledWidth(tensors: PartTensors): number {
  return tensors.get('time_text_embed.text_embedder.linear_1.weight')?.shape[1] ?? 0;
}

export const SD3: TransformerFamily = {
  name: 'sd3',
  title: 'Stable Diffusion 3',
  ...TRANSFORMER,
  limits: { ...TRANSFORMER.limits, prompts: 3, tokens: T5_LENGTH },
  clip: {
    states: 'inner',
    join: (hidden, width) =>
      besideEachOther(hidden, width, (all) =>
        Float32Array.from(all.flatMap(({ pooled }) => [...(pooled ?? [])])),
      ),
    // exports come without T5: zeros stand in its place, as many tokens as diffusers gives it
    behind: T5_LENGTH,
    zeroesEmptyNegative: false,
  },
  schedule: {
    sdxl: false,
    calls: { correctsConfig: false, handsStrengthToLcm: false, grid: 'own' },
  },
  usual: () => flowEuler(28, 4.5),
  // TAESD3
  tinyVae: { own: /sd_?3/i, others: /f1|flux|qwen|wan/i },
  exportClass: 'SD3Transformer2DModel',
  mark: /^joint_blocks\.0\.x_block\.attn\.qkv\.weight$|^pos_embed\.pos_embed$/,
  originals: ORIGINALS,
  encoders: [
    {
      kind: 'clip_l',
      part: 'text_encoder',
      tokenizer: 'tokenizer',
      usual: 'CLIP-L (clip_l.safetensors, 246 MB)',
      projected: true,
      names: /clip_?l/i,
      width: () => null,
    },
    {
      kind: 'clip_g',
      part: 'text_encoder_2',
      tokenizer: 'tokenizer_2',
      usual: 'CLIP-G (clip_g.safetensors, 1.4 GB)',
      projected: true,
      names: /clip_?g|big/i,
      // both prompts as a whole stand side by side
      width: (tensors, taken) => pooledWidth(tensors) - (taken[0]?.width ?? 0),
    },
    {
      kind: 't5',
      part: 'text_encoder_3',
      tokenizer: 'tokenizer_3',
      optional: true,
      usual: 'T5 XXL (t5xxl_fp16.safetensors, 9.8 GB)',
      names: /t5/i,
      width: (tensors) => tensors.get('context_embedder.weight')?.shape[1] ?? null,
    },
  ],
  vae: {
    usual: 'the SD 3 VAE (sd3_vae.safetensors, 168 MB)',
    names: /sd_?3/i,
    otherNames: FLUX_VAE_NAMES.names,
    decoder: vaeDecoderGraph,
    encoder: vaeEncoderGraph,
  },
  denoiser: sd3Graph,
  contextWidth: (tensors) => tensors.get('context_embedder.weight')?.shape[1] ?? 0,
  channels: (tensors) => tensors.get('pos_embed.proj.weight')?.shape[1] ?? 16,
  mostPatches: (tensors) =>
    Math.round(Math.sqrt(tensors.get('pos_embed.pos_embed')?.shape[1] ?? Infinity)),
  latents: (vae) => ({
    ...klLatents(vae, { scale: 1.5305, shift: 0.0609 }),
    unshiftedByInpainting: true,
  }),
  reader: {
    taps: () => ({ taps: [], normed: true }),
    async read(text, parts, { second = text, third = text, length, contextDim, clipSkip }) {
      const first = await clipStates(parts, 'clip_l', text, clipSkip);
      const big = await clipStates(parts, 'clip_g', second, clipSkip);
      const wide = widened(beside([first.states, big.states]), contextDim);
      const wanted = length ?? T5_LENGTH;
      const t5 = parts.has('t5')
        ? await t5States(languagePart(parts, 't5'), third, wanted)
        : { data: new Float32Array(wanted * contextDim), cut: first.cut };
      const context = new Float32Array(wide.data.length + t5.data.length);
      context.set(wide.data);
      context.set(t5.data, wide.data.length);
      const pooled = Float32Array.from([...first.pooled, ...big.pooled]);
      const { cut } = t5;
      return {
        context,
        tokens: wide.tokens + wanted,
        dim: contextDim,
        pooled,
        ...(cut && { cut }),
      };
    },
  },
  guidance: () => 'plain',
  isGuided: () => false,
  references: () => null,
  scheduler: () => ({
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    num_train_timesteps: 1000,
    shift: 3,
  }),
  defaults: () => flowEuler(28, 4.5),
};

/** Zeros behind the features of each token, up to the transformer's width. */
function widened({ data, tokens, dim }: States, width: number): States {
  const wide = new Float32Array(tokens * width);
  for (let token = 0; token < tokens; token++) {
    wide.set(data.subarray(token * dim, (token + 1) * dim), token * width);
  }
  return { data: wide, tokens, dim: width };
}
