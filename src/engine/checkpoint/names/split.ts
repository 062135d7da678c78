/** The networks inside one file: which tensors belong to which, under the names of diffusers and transformers. */
import type { PartTensors, TensorSlice } from '../tensors.ts';
import { clipName, openClipTensors } from './text-names.ts';
import { placesIn, unetLayer } from './unet-names.ts';
import { vaeLevels, vaeName } from './vae-names.ts';

type Named = ReadonlyMap<string, TensorSlice>;

export type TextPart = {
  /** what its place in the file says: CLIP-L or OpenCLIP-G of SDXL; null: nothing */
  role: 'clip_l' | 'clip_g' | null;
  /** whose names the file has: OpenAI's model in transformers, or OpenCLIP's */
  style: 'clip' | 'openclip';
  tensors: PartTensors;
};

export type SplitFile = {
  unet: { tensors: PartTensors; layout: 'ldm' | 'diffusers' } | null;
  vae: PartTensors | null;
  texts: readonly TextPart[];
};

const UNET_ROOTS = ['model.diffusion_model.', 'diffusion_model.', 'unet.', ''] as const;
const VAE_ROOTS = ['first_stage_model.', 'vae.', ''] as const;

/** Where text encoders lie in checkpoints, SDXL's first one first. */
const TEXT_ROOTS: readonly (readonly [root: string, TextPart['role'], TextPart['style']])[] = [
  ['cond_stage_model.transformer.', null, 'clip'],
  ['cond_stage_model.model.', null, 'openclip'],
  ['cond_stage_model.clip_h.transformer.', null, 'clip'],
  ['conditioner.embedders.0.transformer.', 'clip_l', 'clip'],
  ['cond_stage_model.clip_l.transformer.', 'clip_l', 'clip'],
  ['text_encoders.clip_l.transformer.', 'clip_l', 'clip'],
  ['text_encoder.', 'clip_l', 'clip'],
  ['conditioner.embedders.0.model.', 'clip_g', 'openclip'],
  ['conditioner.embedders.1.model.', 'clip_g', 'openclip'],
  ['conditioner.embedders.1.transformer.', 'clip_g', 'clip'],
  ['cond_stage_model.clip_g.transformer.', 'clip_g', 'clip'],
  ['text_encoders.clip_g.transformer.', 'clip_g', 'clip'],
  ['text_encoder_2.', 'clip_g', 'clip'],
  ['', null, 'clip'],
  ['', null, 'openclip'],
];

/** What is none of these (training leftovers, averages of `model_ema.`, markers) is left aside. */
export function splitFile(tensors: Named): SplitFile {
  const unet = unetOf(tensors);
  return { unet, vae: vaeOf(tensors), texts: textsOf(tensors, unet === null) };
}

const SCALE = /\.weight_scale$/;

function below(tensors: Named, root: string): Map<string, TensorSlice> {
  const own = new Map<string, TensorSlice>();
  for (const [name, tensor] of tensors) {
    if (!name.startsWith(root)) continue;
    // the factor of fp8 weights has an older name, which the graphs read
    const known = name.endsWith('.weight_scale') ? name.replace(SCALE, '.scale_weight') : name;
    own.set(known.slice(root.length), tensor);
  }
  return own;
}

/** A look at a few names: is there a UNet to paint with? */
export function hasUnet(tensors: Named): boolean {
  return UNET_ROOTS.some(
    (root) =>
      tensors.has(`${root}input_blocks.0.0.weight`) ||
      (tensors.has(`${root}conv_in.weight`) && tensors.has(`${root}conv_out.weight`)),
  );
}

function unetOf(tensors: Named): SplitFile['unet'] {
  const starts = ['input_blocks.0.0.weight', 'conv_in.weight'] as const;
  for (const root of UNET_ROOTS) {
    const start = starts.find((each) => tensors.has(root + each));
    if (start === undefined) continue;
    const own = below(tensors, root);
    if (start === 'input_blocks.0.0.weight') return { tensors: fromOriginal(own), layout: 'ldm' };
    if (
      own.has('conv_out.weight') &&
      [...own.keys()].some((name) => name.startsWith('up_blocks.'))
    ) {
      return { tensors: unetTensors(own), layout: 'diffusers' };
    }
  }
  return null;
}

function fromOriginal(own: Named): PartTensors {
  const places = placesIn(own.keys());
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of own) {
    const end = name.lastIndexOf('.');
    const layer = unetLayer(name.slice(0, end), places);
    if (layer !== null) renamed.set(layer + name.slice(end), tensor);
  }
  return renamed;
}

const UNET_BLOCKS =
  /^(?:down_blocks|mid_block|up_blocks|conv_in|conv_out|conv_norm_out|time_embedding|add_embedding)\./;

/** A network that has diffusers' names already, and whatever else lies beside it. */
export function unetTensors(own: Named): PartTensors {
  return new Map([...own].filter(([name]) => UNET_BLOCKS.test(name)));
}

const VAE_BLOCKS = /^(?:encoder|decoder|quant_conv|post_quant_conv)\./;

function vaeOf(tensors: Named): PartTensors | null {
  for (const root of VAE_ROOTS) {
    if (!tensors.has(`${root}decoder.conv_in.weight`)) continue;
    return vaeTensors(below(tensors, root));
  }
  return null;
}

/** The autoencoder under any names it is known by. */
export function vaeTensors(own: Named): PartTensors {
  const levels = vaeLevels(own.keys());
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of own) {
    if (VAE_BLOCKS.test(name)) renamed.set(vaeName(name, levels), tensor);
  }
  return renamed;
}

/** `bare`: the file is no checkpoint, so that names without a root in front may be a text encoder's. */
function textsOf(tensors: Named, bare: boolean): TextPart[] {
  const texts: TextPart[] = [];
  for (const [root, role, style] of TEXT_ROOTS) {
    if (root === '' && (!bare || texts.length > 0)) continue;
    if (!isText(tensors, root, style)) continue;
    texts.push({ role, style, tensors: textTensors(below(tensors, root), style) });
  }
  return texts;
}

function isText(tensors: Named, root: string, style: TextPart['style']): boolean {
  if (style === 'openclip') return tensors.has(`${root}positional_embedding`);
  const name = 'embeddings.token_embedding.weight';
  return tensors.has(`${root}text_model.${name}`) || tensors.has(root + name);
}

/** A text encoder under the names of either program. */
export function textTensors(own: Named, style: TextPart['style']): PartTensors {
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of own) {
    if (style === 'clip') {
      const known = clipName(name);
      if (known !== null) renamed.set(known, tensor);
    } else {
      for (const [known, slice] of openClipTensors(name, tensor)) renamed.set(known, slice);
    }
  }
  return renamed;
}
