/**
 * FLUX.2's latents (reference diffusers, autoencoders/autoencoder_kl_flux2.py): patches of two by two places, every channel
 * normed by the statistics that a batch norm kept. Both ways happen inside the autoencoder's graphs, so that everything
 * else sees latents of four times the channels and half the sides.
 */
import type { GraphBuilder, Value } from '../builder.ts';
import { patchify, unpatchify } from '../transformers/tokens.ts';

const EPSILON = 1e-4;

/** Whether the autoencoder's latents are normed patches. */
export function hasPatches(g: GraphBuilder): boolean {
  return g.has('bn.running_mean');
}

type Statistics = { mean: Value; variance: Value; channels: number };

function statistics(g: GraphBuilder): Statistics {
  const [channels = 0] = g.shapeOf('bn.running_mean');
  const of = (name: string): Value => g.weight(`bn.running_${name}`, [channels, 1, 1]);
  const variance = g.op('Add', [of('var'), g.floats('bn_epsilon', [EPSILON])]);
  return { mean: of('mean'), variance, channels };
}

/** Normed patches [B,4C,h,w] -> latents [B,C,2h,2w] */
export function fromPatches(g: GraphBuilder, latents: Value): Value {
  const { mean, variance, channels } = statistics(g);
  const scaled = g.op('Mul', [latents, g.op('Sqrt', [variance])]);
  const x = g.op('Add', [scaled, mean]);
  // a picture of the wanted sides, for its shape alone
  const tokens = g.op('Transpose', [g.op('Reshape', [x, g.ints(0, 0, -1)])], { perm: [0, 2, 1] });
  const sides = g.op('Mul', [g.op('Shape', [x], { start: 2 }), g.ints(2)]);
  const head = g.op('Concat', [g.op('Shape', [x], { start: 0, end: 1 }), g.ints(channels / 4)], {
    axis: 0,
  });
  const like = g.op('Expand', [
    g.floats('nought', [0]),
    g.op('Concat', [head, sides], { axis: 0 }),
  ]);
  return unpatchify(g, tokens, { sample: like, channels: channels / 4, order: 'channels first' });
}

/** Mean and logarithm of the variance of latents, [B,2C,2h,2w], -> those of normed patches, [B,8C,h,w] */
export function toPatches(g: GraphBuilder, parameters: Value): Value {
  const { mean, variance, channels } = statistics(g);
  const [means = '', logs = ''] = g.opOf(2, 'Split', [parameters], { axis: 1, num_outputs: 2 });
  const patched = (x: Value): Value => {
    const tokens = g.op('Transpose', [patchify(g, x, channels / 4, 'channels first')], {
      perm: [0, 2, 1],
    });
    const sides = g.op('Div', [g.op('Shape', [x], { start: 2 }), g.ints(2)]);
    const head = g.op('Concat', [g.op('Shape', [x], { start: 0, end: 1 }), g.ints(channels)], {
      axis: 0,
    });
    return g.op('Reshape', [tokens, g.op('Concat', [head, sides], { axis: 0 })]);
  };
  const centred = g.op('Sub', [patched(means), mean]);
  const normed = g.op('Div', [centred, g.op('Sqrt', [variance])]);
  const narrowed = g.op('Sub', [patched(logs), g.op('Log', [variance])]);
  return g.op('Concat', [normed, narrowed], { axis: 1 });
}
