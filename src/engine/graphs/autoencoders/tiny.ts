/**
 * The decoder of a tiny autoencoder (reference diffusers, autoencoders/vae.py, DecoderTiny; madebyollin/taesd): latents as
 * the sampler has them, clamped softly, and convolutions with blocks of three between which the sides double.
 */
import type { TinyDecoder } from '../../checkpoint/names/tiny-vae.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { conv, groupNorm, upsample } from '../layers.ts';

/** Beyond three deviations nothing is told apart. */
const CLAMP = 3;
const POOL = { groups: 4, epsilon: 1e-5 };

/** Latents [B,C,h,w] in the sampler's scale -> pixels [B,3,H,W], about 0 … 1. @throws Error when a tensor is missing */
export function tinyDecoderGraph(
  { tensors, layers, channels }: TinyDecoder,
  style: GraphStyle,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  const latents = g.input('latent_sample', ['batch_size', channels, 'height', 'width']);
  const bound = g.floats('bound', [CLAMP], []);
  let x = g.op('Mul', [g.op('Tanh', [g.op('Div', [latents, bound])]), bound]);
  for (const [at, layer] of layers.entries()) {
    if (layer.kind === 'block') {
      x = block(g, layer.pools ? pooled(g, x, layer.path) : x, layer.path);
    } else {
      x = conv(g, layer.enlarges ? upsample(g, x) : x, layer.path);
      if (at === 0) x = g.op('Relu', [x]);
    }
  }
  g.output(x, 'sample', ['batch_size', 3, 'height_pixels', 'width_pixels']);
  return g.finish('tiny_vae_decoder');
}

function block(g: GraphBuilder, x: Value, path: string): Value {
  const first = g.op('Relu', [conv(g, x, `${path}.conv.0`)]);
  const second = g.op('Relu', [conv(g, first, `${path}.conv.2`)]);
  const beside = g.has(`${path}.skip.weight`) ? conv(g, x, `${path}.skip`) : x;
  return g.op('Relu', [g.op('Add', [conv(g, second, `${path}.conv.4`), beside])]);
}

/** FLUX.2's: what all places have in common is added where the picture is small. */
function pooled(g: GraphBuilder, x: Value, path: string): Value {
  const normed = groupNorm(g, conv(g, x, `${path}.pool.0`), `${path}.pool.1`, POOL);
  return g.op('Add', [x, conv(g, g.op('Relu', [normed]), `${path}.pool.3`)]);
}
