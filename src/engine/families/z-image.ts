/**
 * Z-Image (Tongyi-MAI 2025): Qwen3 reads the prompt, only the words' own states are told, four to nine steps without
 * guidance in its Turbo form. Reference: diffusers, pipelines/z_image.
 */
import { zImageGraph } from '../graphs/transformers/z-image.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../graphs/vae.ts';
import type { LanguagePart } from '../text/language/reader.ts';
import { languagePart, withinLength } from '../text/language/reader.ts';
import { statesOf } from '../text/language/runs.ts';
import type { NameRules } from './opening/names.ts';
import { FLUX_VAE, FLUX_VAE_NAMES, fluxLatents, TAEF1 } from './flux-latents.ts';
import {
  EVEN_GRID,
  flowEuler,
  isCalledBase,
  TRANSFORMER,
  type TransformerFamily,
} from './transformer-family.ts';

const ORIGINALS: NameRules = {
  mark: /(?:^|\.)attention\.qkv\.weight$|^x_embedder\./,
  rules: [
    [/x_embedder/, 'all_x_embedder.2-1'],
    [/final_layer\.(.+)/, 'all_final_layer.2-1.$1'],
    [/(.+\.attention)\.q_norm/, '$1.norm_q'],
    [/(.+\.attention)\.k_norm/, '$1.norm_k'],
    [/(.+\.attention)\.qkv/, { paths: ['$1.to_q', '$1.to_k', '$1.to_v'] }],
    [/(.+\.attention)\.out/, '$1.to_out.0'],
  ],
};

/** Words that a prompt may have, with those of the template. */
const MOST_TOKENS = 512;

/** Qwen3's chat template for one question, with its thinking switched on, which leaves the answer open. */
function asQuestion(text: string): string {
  return `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;
}

export const Z_IMAGE: TransformerFamily = {
  name: 'z-image',
  title: 'Z-Image',
  ...TRANSFORMER,
  limits: { ...TRANSFORMER.limits, tokens: MOST_TOKENS, refusesLonger: true },
  schedule: EVEN_GRID,
  usual: () => flowEuler(9, 1),
  tinyVae: TAEF1,
  exportClass: null,
  mark: /(?:^|\.)cap_pad_token$/,
  originals: ORIGINALS,
  encoders: [
    {
      kind: 'qwen3',
      part: 'text_encoder',
      tokenizer: 'tokenizer',
      usual: 'Qwen3 4B (qwen_3_4b.safetensors, 8 GB)',
      names: /qwen/i,
      width: (tensors) => tensors.get('cap_embedder.0.weight')?.shape[0] ?? null,
    },
  ],
  vae: {
    usual: FLUX_VAE,
    ...FLUX_VAE_NAMES,
    decoder: vaeDecoderGraph,
    encoder: vaeEncoderGraph,
  },
  denoiser: zImageGraph,
  latents: fluxLatents,
  contextWidth: (tensors) => tensors.get('cap_embedder.0.weight')?.shape[0] ?? 0,
  channels: (tensors) => (tensors.get('all_x_embedder.2-1.weight')?.shape[1] ?? 64) / 4,
  reader: {
    // the layer before the last, without the final norm
    taps: (layers) => ({ taps: [layers - 1], normed: false }),
    async read(text, parts, { model }) {
      const { session, tokenizer }: LanguagePart = languagePart(parts, 'qwen3');
      const ids = withinLength(tokenizer.encode(asQuestion(text)), MOST_TOKENS, model);
      const [output = ''] = session.outputs.keys();
      const [states] = await statesOf(
        session,
        ids,
        ids.map(() => 1),
        [output],
      );
      const { data, tokens, dim } = states!;
      return { context: data, tokens, dim, pooled: null };
    },
  },
  guidance: () => 'from-positive',
  isGuided: () => false,
  references: () => null,
  scheduler: (_tensors, names) => ({
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    num_train_timesteps: 1000,
    shift: isCalledBase(names) ? 6 : 3,
    use_dynamic_shifting: false,
  }),
  // the base model's levels are shifted further than Turbo's
  defaults: ({ scheduler }) =>
    Number(scheduler['shift']) > 4 ? flowEuler(28, 4) : flowEuler(9, 1),
};
