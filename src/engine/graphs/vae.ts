/**
 * The autoencoder between pixels and latents (Kingma & Welling 2014; AutoencoderKL of Rombach et al. 2022), one graph a
 * direction. Names are those of diffusers and of its exports.
 */
import type { PartTensors } from '../checkpoint/tensors.ts';
import { attend } from './attention.ts';
import { fromPatches, hasPatches, toPatches } from './autoencoders/patches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from './builder.ts';
import {
  conv,
  flat,
  groupNorm,
  linear,
  rowsOf,
  silu,
  toPicture,
  toTokens,
  upsample,
} from './layers.ts';
import { resnet } from './resnet.ts';

export type VaeNorm = { groups: number; epsilon: number };

/** A config may say other groups than these; a file says none. */
const USUAL_GROUPS = 32;

/** Makes the group norm of a KL autoencoder: 32 groups unless told, epsilon 1e-6. */
export function vaeNorm(groups: number = USUAL_GROUPS): VaeNorm {
  return { groups, epsilon: 1e-6 };
}

/** Latents [B,C,h,w], unscaled -> pixels [B,3,H,W] in -1 … 1. */
export function vaeDecoderGraph(
  tensors: PartTensors,
  style: GraphStyle,
  norm = vaeNorm(),
): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  const [, inside = 4] = g.shapeOf('decoder.conv_in.weight');
  const latentChannels = hasPatches(g) ? 4 * inside : inside;
  const latents = g.input('latent_sample', ['batch_size', latentChannels, 'height', 'width']);
  let x = decoderStart(g, latents, norm);
  for (let i = 0; i < g.countOf('decoder.up_blocks', 'resnets.0.conv1.weight'); i++) {
    const path = `decoder.up_blocks.${i}`;
    for (let j = 0; j < g.countOf(`${path}.resnets`, 'conv1.weight'); j++) {
      x = resnet(g, x, `${path}.resnets.${j}`, { ...norm, time: null });
    }
    const up = `${path}.upsamplers.0.conv`;
    if (g.has(`${up}.weight`)) x = conv(g, upsample(g, x), up);
  }
  x = silu(g, groupNorm(g, x, 'decoder.conv_norm_out', norm));
  const pixels = ['batch_size', 3, 'height_pixels', 'width_pixels'];
  g.output(conv(g, x, 'decoder.conv_out'), 'sample', pixels);
  return g.finish('vae_decoder');
}

/** As far as every place looks at all others. */
export function decoderStart(g: GraphBuilder, latents: Value, norm: VaeNorm): Value {
  const places = hasPatches(g) ? fromPatches(g, latents) : latents;
  const given = g.has('post_quant_conv.weight') ? conv(g, places, 'post_quant_conv') : places;
  return middle(g, conv(g, given, 'decoder.conv_in'), 'decoder.mid_block', norm);
}

/** Pixels [B,3,H,W] in -1 … 1 -> mean and logarithm of the variance of latents, [B,2C,h,w]. */
export function vaeEncoderGraph(
  tensors: PartTensors,
  style: GraphStyle,
  norm = vaeNorm(),
): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  let x = conv(g, g.input('sample', ['batch_size', 3, 'height', 'width']), 'encoder.conv_in');
  for (let i = 0; i < g.countOf('encoder.down_blocks', 'resnets.0.conv1.weight'); i++) {
    const path = `encoder.down_blocks.${i}`;
    for (let j = 0; j < g.countOf(`${path}.resnets`, 'conv1.weight'); j++) {
      x = resnet(g, x, `${path}.resnets.${j}`, { ...norm, time: null });
    }
    const down = `${path}.downsamplers.0.conv`;
    // the row and the column that a stride of two lacks are at the far ends alone
    if (g.has(`${down}.weight`)) x = conv(g, x, down, { stride: 2, pads: [0, 0, 1, 1] });
  }
  const [parameters = 8] = g.shapeOf('encoder.conv_out.weight');
  const all = hasPatches(g) ? 4 * parameters : parameters;
  const latents = ['batch_size', all, 'height_latent', 'width_latent'];
  g.output(encoderEnd(g, x, norm), 'latent_parameters', latents);
  return g.finish('vae_encoder');
}

/** From where every place looks at all others. */
export function encoderEnd(g: GraphBuilder, x: Value, norm: VaeNorm): Value {
  const seen = middle(g, x, 'encoder.mid_block', norm);
  const normed = silu(g, groupNorm(g, seen, 'encoder.conv_norm_out', norm));
  const parameters = conv(g, normed, 'encoder.conv_out');
  const all = g.has('quant_conv.weight') ? conv(g, parameters, 'quant_conv') : parameters;
  return hasPatches(g) ? toPatches(g, all) : all;
}

/** Two resnets, and between them every place looks at all others with one head. */
function middle(g: GraphBuilder, x: Value, path: string, norm: VaeNorm): Value {
  const first = resnet(g, x, `${path}.resnets.0`, { ...norm, time: null });
  const attention = `${path}.attentions.0`;
  const has = g.has(`${attention}.to_q.weight`);
  return resnet(g, has ? lookAround(g, first, attention, norm) : first, `${path}.resnets.1`, {
    ...norm,
    time: null,
  });
}

function lookAround(g: GraphBuilder, x: Value, path: string, norm: VaeNorm): Value {
  const [channels = 0] = g.shapeOf(`${path}.to_q.weight`);
  const rows = rowsOf(g, x, channels);
  const tokens = toTokens(g, groupNorm(g, x, `${path}.group_norm`, norm), channels);
  const project = (layer: string): Value =>
    g.op('Reshape', [linear(g, tokens, `${path}.${layer}`), rows]);
  const [q, k, v] = [project('to_q'), project('to_k'), project('to_v')];
  const seen = attend(g, { q, k, v }, { heads: 1, headSize: channels });
  const out = linear(g, flat(g, seen, channels), `${path}.to_out.0`);
  return g.op('Add', [toPicture(g, out, { rows, like: x }), x]);
}
