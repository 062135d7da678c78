/**
 * Qwen-Image's VAE for one picture (reference diffusers, autoencoders/autoencoder_kl_qwenimage.py): a video network whose
 * convolutions look back in time. Before a first frame lies nothing, so of each filter only the last moment counts.
 * Names are diffusers'.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { attend } from '../attention.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { conv, flat, linear, rowsOf, silu, toPicture, toTokens, upsample } from '../layers.ts';

/** Latents [B,C,h,w], scaled by the model's means and deviations already -> pixels [B,3,8h,8w] in about -1 … 1. */
export function qwenVaeDecoderGraph(tensors: PartTensors, style: GraphStyle): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  const [channels = 16] = g.shapeOf('post_quant_conv.weight');
  const latents = g.input('latent_sample', ['batch_size', channels, 'height', 'width']);
  let x = frameConv(g, frameConv(g, latents, 'post_quant_conv'), 'decoder.conv_in');
  x = middle(g, x, 'decoder.mid_block');
  for (let i = 0; i < g.countOf('decoder.up_blocks', 'resnets.0.conv1.weight'); i++) {
    const path = `decoder.up_blocks.${i}`;
    for (let j = 0; j < g.countOf(`${path}.resnets`, 'conv1.weight'); j++) {
      x = resnet(g, x, `${path}.resnets.${j}`);
    }
    const up = `${path}.upsamplers.0.resample.1`;
    if (g.has(`${up}.weight`)) x = conv(g, upsample(g, x), up);
  }
  const out = frameConv(g, silu(g, norm(g, x, 'decoder.norm_out')), 'decoder.conv_out');
  g.output(out, 'sample', ['batch_size', 3, 'height_pixels', 'width_pixels']);
  return g.finish('vae_decoder');
}

/** Pixels [B,3,H,W] in -1 … 1 -> mean and logarithm of the variance of latents, [B,2C,h,w], not yet scaled. */
export function qwenVaeEncoderGraph(tensors: PartTensors, style: GraphStyle): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  const sample = g.input('sample', ['batch_size', 3, 'height', 'width']);
  let x = frameConv(g, sample, 'encoder.conv_in');
  for (let i = 0; g.has(`encoder.down_blocks.${i}.conv1.weight`) || isDown(g, i); i++) {
    const path = `encoder.down_blocks.${i}`;
    x = isDown(g, i)
      ? conv(g, x, `${path}.resample.1`, { stride: 2, pads: [0, 0, 1, 1] })
      : resnet(g, x, path);
  }
  x = middle(g, x, 'encoder.mid_block');
  x = frameConv(g, silu(g, norm(g, x, 'encoder.norm_out')), 'encoder.conv_out');
  const parameters = frameConv(g, x, 'quant_conv');
  const [channels = 32] = g.shapeOf('quant_conv.weight');
  const dims = ['batch_size', channels, 'height_latent', 'width_latent'];
  g.output(parameters, 'latent_parameters', dims);
  return g.finish('vae_encoder');
}

function isDown(g: GraphBuilder, i: number): boolean {
  return g.has(`encoder.down_blocks.${i}.resample.1.weight`);
}

/** A filter [out,in,time,k,k] over the one frame there is. */
function frameConv(g: GraphBuilder, x: Value, path: string): Value {
  const [, , moments = 1, kernel = 1] = g.shapeOf(`${path}.weight`);
  const filter = g.op('Gather', [g.weight(`${path}.weight`), g.int(moments - 1)], { axis: 2 });
  const same = (kernel - 1) / 2;
  const attributes = { kernel_shape: [kernel, kernel], pads: [same, same, same, same] };
  return g.op('Conv', [x, filter, g.weight(`${path}.bias`)], attributes, { name: path });
}

/** x / |x| · sqrt(C) · gamma over the channels of each place; lengths below 1e-12 count as that. */
function norm(g: GraphBuilder, x: Value, path: string): Value {
  const [channels = 0] = g.shapeOf(`${path}.gamma`);
  const length = g.op('ReduceL2', [x, g.ints(1)], { keepdims: 1 });
  const least = g.floats('least', [1e-12], [1], g.type);
  const unit = g.op('Div', [x, g.op('Max', [length, least])]);
  const root = g.floats(`root_${channels}`, [Math.sqrt(channels)], [1], g.type);
  const scaled = g.op('Mul', [unit, root]);
  return g.op('Mul', [scaled, g.weight(`${path}.gamma`, [channels, 1, 1])]);
}

function resnet(g: GraphBuilder, x: Value, path: string): Value {
  const first = frameConv(g, silu(g, norm(g, x, `${path}.norm1`)), `${path}.conv1`);
  const second = frameConv(g, silu(g, norm(g, first, `${path}.norm2`)), `${path}.conv2`);
  const short = `${path}.conv_shortcut`;
  return g.op('Add', [second, g.has(`${short}.weight`) ? frameConv(g, x, short) : x]);
}

function middle(g: GraphBuilder, x: Value, path: string): Value {
  const first = resnet(g, x, `${path}.resnets.0`);
  return resnet(g, lookAround(g, first, `${path}.attentions.0`), `${path}.resnets.1`);
}

function lookAround(g: GraphBuilder, x: Value, path: string): Value {
  const [channels = 0] = g.shapeOf(`${path}.norm.gamma`);
  const tokens = toTokens(g, norm(g, x, `${path}.norm`), channels);
  const packed = g.op('Reshape', [linear(g, tokens, `${path}.to_qkv`), rowsOf(g, x, 3 * channels)]);
  const [q = '', k = '', v = ''] = g.opOf(3, 'Split', [packed], { axis: -1, num_outputs: 3 });
  const seen = attend(g, { q, k, v }, { heads: 1, headSize: channels });
  const out = linear(g, flat(g, seen, channels), `${path}.proj`);
  return g.op('Add', [toPicture(g, out, { rows: rowsOf(g, x, channels), like: x }), x]);
}
