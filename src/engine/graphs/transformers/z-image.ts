/**
 * Z-Image's transformer (Tongyi-MAI 2025; reference diffusers, models/transformers/transformer_z_image.py): caption and
 * picture are refined apart, then one stream of both goes through all layers. Names are diffusers'.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { attend } from '../attention.ts';
import type { LowRankBranch } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { linear, rowsOf } from '../layers.ts';
import { ELEMENT } from '../proto.ts';
import { sinusoids } from '../time-embedding.ts';
import { headSizeOf, type NetworkConfig, NO_CONFIG, positive, rotaryOf } from './network-config.ts';
import {
  gridPlaces,
  joinTurns,
  range,
  rotate,
  type RotaryWords,
  same,
  type Turns,
  turnsOf,
} from './rotary.ts';
import {
  chunks,
  dense,
  gated,
  gridOf,
  headNorm,
  modulate,
  patchify,
  plainNorm,
  rmsNorm,
  swish,
  unpatchify,
  inputsOf,
} from './tokens.ts';

const EPSILON = 1e-5;
/** sequences are filled up to multiples of this with a token that the network learnt */
const MULTIPLE = 32;
const ROTARY = {
  theta: 256,
  rounding: 'early',
  axes: [
    { features: 32, places: 1536 },
    { features: 48, places: 512 },
    { features: 48, places: 512 },
  ],
} as const;
const HEAD = 128;

/** one call of the network: what all its blocks share */
type Call = {
  g: GraphBuilder;
  sample: Value;
  heads: number;
  headSize: number;
  epsilon: number;
  rotary: RotaryWords;
  moment: Value;
};

/**
 * sample [B,C,h,w], timestep [B] (1000 is noise), encoder_hidden_states [B,L,D] of the caption's own tokens
 * -> the velocity from picture to noise, [B,C,h,w]. h and w are even.
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function zImageGraph(
  tensors: PartTensors,
  { config = NO_CONFIG }: { config?: NetworkConfig },
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const [width = 0, patch = 0] = g.shapeOf('all_x_embedder.2-1.weight');
  const channels = patch / 4;
  const [captionWidth = 0] = g.shapeOf('cap_embedder.0.weight');
  const { sample, timestep, text: caption } = inputsOf(g, channels, captionWidth);
  const headSize = headSizeOf(g, headsOf(width, config), {
    norm: 'layers.0.attention.norm_q.weight',
    usual: HEAD,
  });
  const call: Call = {
    g,
    sample,
    heads: width / headSize,
    headSize,
    epsilon: positive(config['norm_eps']) ?? EPSILON,
    rotary: rotaryOf(ROTARY, headSize, config),
    moment: momentOf(g, timestep),
  };

  const { picture, captionTurns, pictureTurns } = places(call, caption);
  const words = refineCaption(call, caption, captionTurns, width);
  const embedded = dense(
    g,
    patchify(g, sample, channels, 'channels last'),
    'all_x_embedder.2-1',
    sample,
  );
  let x = filled(g, embedded, 'x_pad_token', picture.filled, width);
  for (let i = 0; i < g.countOf('noise_refiner', 'attention_norm1.weight'); i++) {
    x = block(call, x, `noise_refiner.${i}`, pictureTurns);
  }
  x = g.op('Concat', [x, words], { axis: 1 });
  const turns = joinTurns(g, pictureTurns, captionTurns);
  for (let i = 0; i < g.countOf('layers', 'attention_norm1.weight'); i++) {
    x = block(call, x, `layers.${i}`, turns);
  }
  const own = g.op('Slice', [
    x,
    g.ints(0),
    g.op('Unsqueeze', [picture.tokens, g.ints(0)]),
    g.ints(1),
  ]);
  const velocity = unpatchify(g, lastLayer(call, own, width), {
    sample,
    channels,
    order: 'channels last',
  });
  // the network points from noise to the picture
  g.output(g.op('Neg', [velocity]), 'out_sample', ['batch_size', channels, 'height', 'width']);
  return g.finish('transformer');
}

/** The config tells how many heads there are. */
function headsOf(width: number, config: NetworkConfig): NetworkConfig {
  const heads = positive(config['n_heads']);
  return heads === null ? NO_CONFIG : { attention_head_dim: width / heads };
}

/** [B,256]: the moment counts from noise, 0, to the picture, 1000 */
function momentOf(g: GraphBuilder, timestep: Value): Value {
  const thousand = g.floats('thousand', [1000], [1], ELEMENT.float32);
  const share = g.op('Div', [g.op('Sub', [thousand, timestep]), thousand]);
  const waves = sinusoids(g, g.op('Mul', [share, thousand]), 256);
  return linear(g, swish(g, linear(g, waves, 't_embedder.mlp.0')), 't_embedder.mlp.2');
}

function filledUp(g: GraphBuilder, count: Value): Value {
  const multiple = g.int(MULTIPLE);
  const groups = g.op('Div', [g.op('Add', [count, g.int(MULTIPLE - 1)]), multiple]);
  return g.op('Mul', [groups, multiple]);
}

/** Captions stand on the first axis at 1, 2, …, what fills them up too; the picture behind them on all three. */
function places(
  { g, sample, rotary }: Call,
  caption: Value,
): { picture: { tokens: Value; filled: Value }; captionTurns: Turns; pictureTurns: Turns } {
  const scalar = (x: Value): Value => g.op('Squeeze', [x]);
  const zero = g.int(0);
  const words = filledUp(g, scalar(g.op('Shape', [caption], { start: 1, end: 2 })));
  const inWords = same(g, zero, words);
  const captionTurns = turnsOf(g, rotary, [range(g, words, g.int(1)), inWords, inWords]);

  const grid = gridOf(g, sample);
  const height = scalar(grid.height);
  const width = scalar(grid.width);
  const tokens = g.op('Mul', [height, width]);
  const filled = filledUp(g, tokens);
  const rest = same(g, zero, g.op('Sub', [filled, tokens]));
  const { rows, columns } = gridPlaces(g, height, width);
  const behind = same(g, g.op('Add', [words, g.int(1)]), tokens);
  const axes = [behind, rows, columns].map((axis) => g.op('Concat', [axis, rest], { axis: 0 }));
  return { picture: { tokens, filled }, captionTurns, pictureTurns: turnsOf(g, rotary, axes) };
}

/** [B,S,width] with the token of that name behind it until there are `wanted` */
function filled(g: GraphBuilder, x: Value, token: string, wanted: Value, width: number): Value {
  const have = g.op('Shape', [x], { start: 1, end: 2 });
  const more = g.op('Sub', [g.op('Unsqueeze', [wanted, g.ints(0)]), have]);
  const batch = g.op('Shape', [x], { start: 0, end: 1 });
  const shape = g.op('Concat', [batch, more, g.ints(width)], { axis: 0 });
  return g.op('Concat', [x, g.op('Expand', [g.weight(token, [1, 1, width]), shape])], { axis: 1 });
}

function refineCaption(call: Call, caption: Value, turns: Turns, width: number): Value {
  const { g, sample, epsilon } = call;
  const normed = rmsNorm(g, caption, 'cap_embedder.0.weight', epsilon);
  const embedded = dense(g, normed, 'cap_embedder.1', sample);
  const count = filledUp(g, g.op('Squeeze', [g.op('Shape', [caption], { start: 1, end: 2 })]));
  let x = filled(g, embedded, 'cap_pad_token', count, width);
  for (let i = 0; i < g.countOf('context_refiner', 'attention_norm1.weight'); i++) {
    x = block(call, x, `context_refiner.${i}`, turns);
  }
  return x;
}

/** Norms before and after attention and feed-forward; where there is modulation, the moment scales and gates both. */
function block(call: Call, x: Value, path: string, turns: Turns): Value {
  const { g, moment, epsilon } = call;
  const norm = (value: Value, name: string): Value =>
    rmsNorm(g, value, `${path}.${name}.weight`, epsilon);
  if (!g.has(`${path}.adaLN_modulation.0.weight`)) {
    const seen = attention(call, norm(x, 'attention_norm1'), `${path}.attention`, turns);
    const y = g.op('Add', [x, norm(seen, 'attention_norm2')]);
    const fed = feedForward(call, norm(y, 'ffn_norm1'), `${path}.feed_forward`);
    return g.op('Add', [y, norm(fed, 'ffn_norm2')]);
  }
  const [scale, gate, scale2, gate2] = chunks(
    g,
    linear(g, moment, `${path}.adaLN_modulation.0`),
    4,
  ) as [Value, Value, Value, Value];
  const first = modulate(g, norm(x, 'attention_norm1'), scale, null);
  const seen = attention(call, first, `${path}.attention`, turns);
  const y = gated(g, x, g.op('Tanh', [gate]), norm(seen, 'attention_norm2'));
  const second = modulate(g, norm(y, 'ffn_norm1'), scale2, null);
  const fed = feedForward(call, second, `${path}.feed_forward`);
  return gated(g, y, g.op('Tanh', [gate2]), norm(fed, 'ffn_norm2'));
}

function attention(call: Call, x: Value, path: string, turns: Turns): Value {
  const { g, sample, heads, headSize } = call;
  // the reference leaves these norms their usual ε
  const own = { heads, headSize, epsilon: EPSILON, like: sample };
  const project = (layer: string): Value => dense(g, x, `${path}.${layer}`, sample);
  const turned = (layer: string, norm: string): Value =>
    rotate(g, headNorm(g, project(layer), `${path}.${norm}.weight`, own), turns, {
      heads,
      pairs: 'neighbours',
    });
  const seen = attend(
    g,
    { q: turned('to_q', 'norm_q'), k: turned('to_k', 'norm_k'), v: project('to_v') },
    { heads, headSize },
  );
  return dense(g, seen, `${path}.to_out.0`, sample);
}

/** w2(silu(w1 x) · w3 x), Shazeer's SwiGLU (2020) */
function feedForward({ g, sample }: Call, x: Value, path: string): Value {
  const gate = swish(g, dense(g, x, `${path}.w1`, sample));
  const product = g.op('Mul', [gate, dense(g, x, `${path}.w3`, sample)]);
  return dense(g, product, `${path}.w2`, sample);
}

function lastLayer({ g, sample, moment }: Call, x: Value, width: number): Value {
  const path = 'all_final_layer.2-1';
  const scale = linear(g, swish(g, moment), `${path}.adaLN_modulation.1`);
  const normed = plainNorm(g, x, width, 1e-6);
  const scaled = modulate(g, normed, g.op('Unsqueeze', [scale, g.ints(1)]), null);
  return dense(g, g.op('Reshape', [scaled, rowsOf(g, sample, width)]), `${path}.linear`, sample);
}
