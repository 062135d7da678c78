/**
 * Checkpoints of a few kilobytes in the original repositories' names, written by going through the networks as
 * CompVis' and Stability's own code builds them: an independent word for what the reader has to find.
 */
import type { Made } from './file/make-safetensors.ts';

export type MiniUnet = {
  channels: readonly number[];
  /** transformer blocks of each level */
  depths: readonly number[];
  context: number;
  inChannels?: number;
  linear?: boolean;
  /** width of pooled prompt and sizes */
  adm?: number;
  /** numbers in the embedding of the guidance scale */
  guidance?: number;
  /** resnets of a level on the way down */
  resnets?: number;
  /** what the middle block has: attention between two resnets, or one resnet alone */
  middle?: 'attention' | 'one resnet';
};

export type Tensors = Record<string, Made>;

/** SD 1 and 2 as small as they can be: 32 groups want widths of 32. */
export const MINI_SD1: MiniUnet = { channels: [32, 32], depths: [1, 0], context: 64 };
export const MINI_SD2: MiniUnet = { ...MINI_SD1, linear: true };
/** 320 = 128 of CLIP-L and 192 of OpenCLIP-G, which is pooled and told six sizes of 256 */
export const MINI_SDXL: MiniUnet = {
  channels: [32, 32, 64],
  depths: [0, 1, 2],
  context: 320,
  linear: true,
  adm: 192 + 6 * 256,
};
export const MINI_REFINER: MiniUnet = {
  channels: [32, 32, 32, 32],
  depths: [0, 1, 1, 0],
  context: 192,
  linear: true,
  adm: 192 + 5 * 256,
};

const F16 = 'F16';

function add(tensors: Tensors, path: string, shape: readonly number[], bias = true): void {
  tensors[`${path}.weight`] = { type: F16, shape };
  if (bias) tensors[`${path}.bias`] = { type: F16, shape: shape.slice(0, 1) };
}

/** openaimodel.py, UNetModel */
export function originalUnet(mini: MiniUnet, root = 'model.diffusion_model.'): Tensors {
  const tensors: Tensors = {};
  const { channels, depths, context, inChannels = 4, resnets = 2 } = mini;
  const [first = 32] = channels;
  const time = 4 * first;
  const put = (path: string, shape: readonly number[], bias = true): void =>
    add(tensors, root + path, shape, bias);
  const block = (path: string, inside: number, out: number): void => {
    put(`${path}.in_layers.0`, [inside]);
    put(`${path}.in_layers.2`, [out, inside, 3, 3]);
    put(`${path}.emb_layers.1`, [out, time]);
    put(`${path}.out_layers.0`, [out]);
    put(`${path}.out_layers.3`, [out, out, 3, 3]);
    if (inside !== out) put(`${path}.skip_connection`, [out, inside, 1, 1]);
  };
  const attention = (path: string, width: number, depth: number): void => {
    const point = mini.linear ? [width, width] : [width, width, 1, 1];
    put(`${path}.norm`, [width]);
    put(`${path}.proj_in`, point);
    for (let i = 0; i < depth; i++) {
      const at = `${path}.transformer_blocks.${i}`;
      for (const [name, side] of [
        ['attn1', width],
        ['attn2', context],
      ] as const) {
        put(`${at}.${name}.to_q`, [width, width], false);
        put(`${at}.${name}.to_k`, [width, side], false);
        put(`${at}.${name}.to_v`, [width, side], false);
        put(`${at}.${name}.to_out.0`, [width, width]);
      }
      put(`${at}.ff.net.0.proj`, [8 * width, width]);
      put(`${at}.ff.net.2`, [width, 4 * width]);
      for (const norm of ['norm1', 'norm2', 'norm3']) put(`${at}.${norm}`, [width]);
    }
    put(`${path}.proj_out`, point);
  };
  put('time_embed.0', [time, first]);
  put('time_embed.2', [time, time]);
  if (mini.guidance !== undefined) put('time_embed.cond_proj', [first, mini.guidance], false);
  if (mini.adm !== undefined) {
    put('label_emb.0.0', [time, mini.adm]);
    put('label_emb.0.2', [time, time]);
  }
  put('input_blocks.0.0', [first, inChannels, 3, 3]);
  const skips = [first];
  let [inside, number] = [first, 1];
  for (const [level, out] of channels.entries()) {
    for (let i = 0; i < resnets; i++, number++) {
      block(`input_blocks.${number}.0`, inside, out);
      if (depths[level]) attention(`input_blocks.${number}.1`, out, depths[level]);
      inside = out;
      skips.push(out);
    }
    if (level === channels.length - 1) continue;
    put(`input_blocks.${number}.0.op`, [out, out, 3, 3]);
    number += 1;
    skips.push(out);
  }
  block('middle_block.0', inside, inside);
  if (mini.middle !== 'one resnet') {
    attention('middle_block.1', inside, depths.at(-1) || depths.findLast(Boolean) || 1);
    block('middle_block.2', inside, inside);
  }
  number = 0;
  for (const [i, out] of channels.toReversed().entries()) {
    const depth = depths[channels.length - 1 - i] ?? 0;
    for (let j = 0; j <= resnets; j++, number++) {
      block(`output_blocks.${number}.0`, inside + (skips.pop() ?? 0), out);
      inside = out;
      if (depth) attention(`output_blocks.${number}.1`, out, depth);
      const isLast = j === resnets && i < channels.length - 1;
      if (isLast) put(`output_blocks.${number}.${depth ? 2 : 1}.conv`, [out, out, 3, 3]);
    }
  }
  put('out.0', [first]);
  put('out.2', [4, first, 3, 3]);
  return tensors;
}

/** model.py, Encoder and Decoder of AutoencoderKL; `channels` from the finest level on */
export function originalVae(channels = [32, 32, 64, 64], root = 'first_stage_model.'): Tensors {
  const tensors: Tensors = {};
  const put = (path: string, shape: readonly number[]): void => add(tensors, root + path, shape);
  const block = (path: string, inside: number, out: number): void => {
    put(`${path}.norm1`, [inside]);
    put(`${path}.conv1`, [out, inside, 3, 3]);
    put(`${path}.norm2`, [out]);
    put(`${path}.conv2`, [out, out, 3, 3]);
    if (inside !== out) put(`${path}.nin_shortcut`, [out, inside, 1, 1]);
  };
  const middle = (path: string, width: number): void => {
    block(`${path}.block_1`, width, width);
    put(`${path}.attn_1.norm`, [width]);
    for (const name of ['q', 'k', 'v', 'proj_out']) {
      put(`${path}.attn_1.${name}`, [width, width, 1, 1]);
    }
    block(`${path}.block_2`, width, width);
  };
  const last = channels.length - 1;
  let inside = channels[0] ?? 32;
  put('encoder.conv_in', [inside, 3, 3, 3]);
  for (const [level, out] of channels.entries()) {
    for (let i = 0; i < 2; i++) {
      block(`encoder.down.${level}.block.${i}`, inside, out);
      inside = out;
    }
    if (level < last) put(`encoder.down.${level}.downsample.conv`, [out, out, 3, 3]);
  }
  middle('encoder.mid', inside);
  put('encoder.norm_out', [inside]);
  put('encoder.conv_out', [8, inside, 3, 3]);
  put('quant_conv', [8, 8, 1, 1]);
  put('post_quant_conv', [4, 4, 1, 1]);
  put('decoder.conv_in', [inside, 4, 3, 3]);
  middle('decoder.mid', inside);
  for (let level = last; level >= 0; level--) {
    const out = channels[level] ?? 32;
    for (let i = 0; i < 3; i++) {
      block(`decoder.up.${level}.block.${i}`, inside, out);
      inside = out;
    }
    if (level > 0) put(`decoder.up.${level}.upsample.conv`, [out, out, 3, 3]);
  }
  put('decoder.norm_out', [inside]);
  put('decoder.conv_out', [3, inside, 3, 3]);
  return tensors;
}

const WORDS = 49408;

/** transformers' CLIPTextModel */
export function clipText(
  width = 64,
  root = 'cond_stage_model.transformer.text_model.',
  layers = 2,
): Tensors {
  const tensors: Tensors = {};
  tensors[`${root}embeddings.token_embedding.weight`] = { type: 'F8_E4M3', shape: [WORDS, width] };
  tensors[`${root}embeddings.position_embedding.weight`] = { type: F16, shape: [77, width] };
  tensors[`${root}embeddings.position_ids`] = { type: 'I64', shape: [1, 77] };
  for (let i = 0; i < layers; i++) {
    const path = `${root}encoder.layers.${i}`;
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      add(tensors, `${path}.self_attn.${name}`, [width, width]);
    }
    add(tensors, `${path}.layer_norm1`, [width]);
    add(tensors, `${path}.layer_norm2`, [width]);
    add(tensors, `${path}.mlp.fc1`, [4 * width, width]);
    add(tensors, `${path}.mlp.fc2`, [width, 4 * width]);
  }
  add(tensors, `${root}final_layer_norm`, [width]);
  return tensors;
}

/** open_clip's text tower */
export function openClipText(width: number, root: string, layers = 2): Tensors {
  const tensors: Tensors = {};
  tensors[`${root}token_embedding.weight`] = { type: 'F8_E4M3', shape: [WORDS, width] };
  tensors[`${root}positional_embedding`] = { type: F16, shape: [77, width] };
  for (let i = 0; i < layers; i++) {
    const path = `${root}transformer.resblocks.${i}`;
    tensors[`${path}.attn.in_proj_weight`] = { type: F16, shape: [3 * width, width] };
    tensors[`${path}.attn.in_proj_bias`] = { type: F16, shape: [3 * width] };
    add(tensors, `${path}.attn.out_proj`, [width, width]);
    add(tensors, `${path}.ln_1`, [width]);
    add(tensors, `${path}.ln_2`, [width]);
    add(tensors, `${path}.mlp.c_fc`, [4 * width, width]);
    add(tensors, `${path}.mlp.c_proj`, [width, 4 * width]);
  }
  add(tensors, `${root}ln_final`, [width]);
  tensors[`${root}text_projection`] = { type: F16, shape: [width, width] };
  tensors[`${root}logit_scale`] = { type: F16, shape: [] };
  return tensors;
}

/** A whole SD 1 checkpoint. */
export function miniSd1(unet: Partial<MiniUnet> = {}): Tensors {
  return { ...originalUnet({ ...MINI_SD1, ...unet }), ...originalVae(), ...clipText() };
}

export function miniSd2(): Tensors {
  return {
    ...originalUnet(MINI_SD2),
    ...originalVae(),
    ...openClipText(64, 'cond_stage_model.model.', 3),
  };
}

export function miniSdxl(): Tensors {
  return {
    ...originalUnet(MINI_SDXL),
    ...originalVae(),
    ...clipText(128, 'conditioner.embedders.0.transformer.text_model.'),
    ...openClipText(192, 'conditioner.embedders.1.model.'),
  };
}
