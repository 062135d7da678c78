/**
 * Qwen-Image (Qwen team 2025): the text part of Qwen2.5-VL under a fixed instruction, whose own words are left out again.
 * Reference: diffusers, pipelines/qwenimage.
 */
import { qwenVaeDecoderGraph, qwenVaeEncoderGraph } from '../graphs/autoencoders/qwen-vae.ts';
import { qwenImageGraph } from '../graphs/transformers/qwen-image.ts';
import { cutOf, languagePart, withinLength } from '../text/language/reader.ts';
import type { States } from '../text/language/runs.ts';
import { seeAll, statesWith } from '../text/language/vision.ts';
import type { TextEmbedding } from '../text/text-embedding.ts';
import { qwenReferences } from './editing/qwen-edit.ts';
import { EVEN_GRID, flowEuler, TRANSFORMER, type TransformerFamily } from './transformer-family.ts';

/** Tokens of the instruction, by the real tokenizer: the pipeline leaves out as many with any. */
const INSTRUCTION_TOKENS = 34;
/** Of the words themselves. */
const LENGTH = 1024;
const MOST_TOKENS = LENGTH + INSTRUCTION_TOKENS;

function asTask(text: string): string {
  const task =
    'Describe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the objects and background:';
  return `<|im_start|>system\n${task}<|im_end|>\n<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;
}

/** Tokens of the instruction to edit, and about as many as tell of a picture. */
const EDIT_TOKENS = 64;
const EYES_TOKENS = 8;

function asEdit(text: string): string {
  const task =
    "Describe the key features of the input image (color, shape, size, texture, objects, background), then explain how the user's text instruction should alter or modify the image. Generate a new image that meets the user's requirements while maintaining consistency with the original input where appropriate.";
  return `<|im_start|>system\n${task}<|im_end|>\n<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;
}

/** Without the first tokens, which are the instruction's, and no more than `length` of the others. */
function behind(
  { data, tokens, dim }: States,
  instruction: number,
  length: number | null,
): TextEmbedding {
  const left = Math.min(instruction, tokens - 1);
  const own = tokens - left;
  const told = Math.min(own, length ?? own);
  const cut = cutOf('Qwen2.5-VL', told, own);
  const context = data.slice(left * dim, (left + told) * dim);
  return { context, tokens: told, dim, pooled: null, ...(cut && { cut }) };
}

/** Mean and deviation of each latent channel, which a file does not say (diffusers, AutoencoderKLQwenImage). */
const MEANS = [
  -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517,
  -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
];
const DEVIATIONS = [
  2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
  1.6382, 1.1253, 2.8251, 1.916,
];

export const QWEN_IMAGE: TransformerFamily = {
  name: 'qwen-image',
  title: 'Qwen-Image',
  ...TRANSFORMER,
  limits: { ...TRANSFORMER.limits, references: 16, tokens: LENGTH, refusesLonger: true },
  schedule: EVEN_GRID,
  usual: () => flowEuler(30, 4),
  exportClass: null,
  mark: /^transformer_blocks\.0\.img_mod\.1\.weight$/,
  originals: null,
  encoders: [
    {
      kind: 'qwen2.5-vl',
      part: 'text_encoder',
      tokenizer: 'tokenizer',
      usual: 'Qwen2.5-VL 7B (qwen_2.5_vl_7b.safetensors, 16.6 GB)',
      names: /qwen/i,
      width: (tensors) => tensors.get('txt_norm.weight')?.shape[0] ?? null,
    },
  ],
  vae: {
    usual: 'qwen_image_vae.safetensors (254 MB)',
    kind: 'frames',
    names: /qwen/i,
    decoder: qwenVaeDecoderGraph,
    encoder: qwenVaeEncoderGraph,
  },
  denoiser: qwenImageGraph,
  latents({ config }) {
    const list = (value: unknown, usual: readonly number[]): readonly number[] =>
      Array.isArray(value) && value.every(Number.isFinite) ? (value as number[]) : usual;
    const stats = {
      means: list(config['latents_mean'], MEANS),
      deviations: list(config['latents_std'], DEVIATIONS),
    };
    return { channels: stats.means.length, factor: 8, scale: 1, shift: 0, stats };
  },
  contextWidth: (tensors) => tensors.get('txt_norm.weight')?.shape[0] ?? 0,
  channels: (tensors) => (tensors.get('img_in.weight')?.shape[1] ?? 64) / 4,
  reader: {
    taps: () => ({ taps: [], normed: true }),
    pipelineLength: 512,
    async read(text, parts, { model, length, shown }) {
      const part = languagePart(parts, 'qwen2.5-vl');
      if (shown === undefined) {
        const ids = withinLength(part.tokenizer.encode(asTask(text)), MOST_TOKENS, model);
        return behind(await statesWith(part, ids, []), INSTRUCTION_TOKENS, length);
      }
      const seen = await seeAll(part, shown, model);
      const words = asEdit(shown.vision.words(seen.length) + text);
      const most = LENGTH + EDIT_TOKENS + seen.length * EYES_TOKENS;
      const ids = withinLength(part.tokenizer.encode(words), most, model);
      // the pipelines that edit cut nothing
      return behind(await statesWith(part, ids, seen), EDIT_TOKENS, null);
    },
  },
  guidance: () => 'normed',
  isGuided: () => false,
  references: qwenReferences,
  scheduler: () => ({
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    num_train_timesteps: 1000,
    shift: 1,
    use_dynamic_shifting: true,
    time_shift_type: 'exponential',
    base_shift: 0.5,
    max_shift: 0.9,
    base_image_seq_len: 256,
    max_image_seq_len: 8192,
    shift_terminal: 0.02,
  }),
  defaults: () => flowEuler(30, 4),
};
