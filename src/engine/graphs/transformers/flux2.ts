/**
 * FLUX.2 klein's transformer (Black Forest Labs 2026; reference diffusers, models/transformers/transformer_flux2.py): as
 * Flux.1, but one modulation for all blocks of a kind, SwiGLU, and pictures to edit from behind the noise. Names are
 * diffusers'.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { LowRankBranch } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { ELEMENT } from '../proto.ts';
import { sinusoids } from '../time-embedding.ts';
import {
  apart,
  jointBlock,
  type JointCall,
  lastLayer,
  look,
  type Modulation,
  modulations,
  normed,
  type Streams,
  twoLayers,
  headsOf,
} from './joint.ts';
import { type NetworkConfig, NO_CONFIG, positive, rotaryOf } from './network-config.ts';
import { firstTokens, withReferences } from './reference-tokens.ts';
import {
  gridPlaces,
  joinTurns,
  range,
  type RotaryWords,
  same,
  type Turns,
  turnsOf,
} from './rotary.ts';
import { dense, gated, headNorm, swish, inputsOf } from './tokens.ts';

const HEAD = 128;
const ROTARY = {
  theta: 2000,
  rounding: 'late',
  axes: [
    { features: 32, places: 512 },
    { features: 32, places: 512 },
    { features: 32, places: 512 },
    { features: 32, places: 1024 },
  ],
} as const;

export type Flux2Words = {
  /** the last norm's layer has its shift before its scale: files of the original names */
  shiftFirst: boolean;
  config?: NetworkConfig;
};

/**
 * hidden_states [B,C,h,w] of latents in patches, timestep [B] (1000 is noise), encoder_hidden_states [B,L,D],
 * and pictures to edit from as reference_states [B,R,C] at reference_places [R,4] (R may be 0); guidance [B] where
 * the network knows it -> velocity [B,C,h,w].
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function flux2Graph(
  tensors: PartTensors,
  { shiftFirst, config = NO_CONFIG }: Flux2Words,
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const [width = 0, channels = 0] = g.shapeOf('x_embedder.weight');
  const textWidth = g.shapeOf('context_embedder.weight')[1] ?? 0;
  const { sample, timestep, text: given } = inputsOf(g, channels, textWidth);
  const moment = momentOf(g, timestep);
  const heads = headsOf(g, { width, usual: HEAD, config: config });
  const rotary = rotaryOf(ROTARY, heads.headSize, config);
  const { noise, turns } = sequence(g, rotary, { sample, text: given, channels });
  const call: JointCall = {
    g,
    like: sample,
    ...heads,
    epsilon: positive(config['eps']) ?? 1e-6,
    turns,
  };

  let streams: Streams = {
    picture: dense(g, noise, 'x_embedder', sample),
    text: dense(g, given, 'context_embedder', sample),
  };
  const ofPicture = modulations(g, moment, 'double_stream_modulation_img.linear', 2);
  const ofText = modulations(g, moment, 'double_stream_modulation_txt.linear', 2);
  for (let i = 0; i < g.countOf('transformer_blocks', 'attn.to_q.weight'); i++) {
    streams = doubleBlock(call, streams, { ofPicture, ofText }, `transformer_blocks.${i}`);
  }
  let x = g.op('Concat', [streams.text, streams.picture], { axis: 1 });
  const [single] = modulations(g, moment, 'single_stream_modulation.linear', 1) as [Modulation];
  for (let i = 0; i < g.countOf('single_transformer_blocks', 'attn.to_out.weight'); i++) {
    x = singleBlock(call, x, single, `single_transformer_blocks.${i}`);
  }
  const { picture } = apart(g, x, streams.text);
  const own = firstTokens(g, picture, noiseLength(g, sample));
  const out = lastLayer(call, own, moment, shiftFirst);
  g.output(asPicture(g, out, sample), 'out_sample', ['batch_size', channels, 'height', 'width']);
  return g.finish('transformer');
}

function momentOf(g: GraphBuilder, timestep: Value): Value {
  const thousand = g.floats('thousand', [1000], [1], ELEMENT.float32);
  const path = 'time_guidance_embed';
  const waves = (x: Value): Value => sinusoids(g, g.op('Mul', [x, thousand]), 256);
  const moment = twoLayers(
    g,
    waves(g.op('Div', [timestep, thousand])),
    `${path}.timestep_embedder`,
  );
  if (!g.has(`${path}.guidance_embedder.linear_1.weight`)) return moment;
  const guidance = g.input('guidance', ['batch_size'], ELEMENT.float32);
  return g.op('Add', [moment, twoLayers(g, waves(guidance), `${path}.guidance_embedder`)]);
}

/** [1] int64: places of the noise */
function noiseLength(g: GraphBuilder, sample: Value): Value {
  return g.once('noise length', () => {
    const side = (start: number): Value => g.op('Shape', [sample], { start, end: start + 1 });
    return g.op('Mul', [side(2), side(3)]);
  });
}

/** Words count on the last axis, the noise's places on the second and third; each reference has a first axis of its own. */
function sequence(
  g: GraphBuilder,
  rotary: RotaryWords,
  { sample, text, channels }: { sample: Value; text: Value; channels: number },
): { noise: Value; turns: Turns } {
  const zero = g.int(0);
  const scalar = (x: Value): Value => g.op('Squeeze', [x]);
  const words = scalar(g.op('Shape', [text], { start: 1, end: 2 }));
  const still = same(g, zero, words);
  const textTurns = turnsOf(g, rotary, [still, still, still, range(g, words)]);

  const height = scalar(g.op('Shape', [sample], { start: 2, end: 3 }));
  const width = scalar(g.op('Shape', [sample], { start: 3, end: 4 }));
  const { rows, columns } = gridPlaces(g, height, width);
  const first = same(g, zero, scalar(noiseLength(g, sample)));
  const places = g.op('Reshape', [sample, g.ints(0, 0, -1)]);
  const own = g.op('Transpose', [places], { perm: [0, 2, 1] });
  const { tokens, axes } = withReferences(
    g,
    { tokens: own, axes: [first, rows, columns, first] },
    channels,
  );
  return { noise: tokens, turns: joinTurns(g, textTurns, turnsOf(g, rotary, axes)) };
}

function asPicture(g: GraphBuilder, tokens: Value, sample: Value): Value {
  const turned = g.op('Transpose', [tokens], { perm: [0, 2, 1] });
  return g.op('Reshape', [turned, g.op('Shape', [sample])]);
}

/** linear_out(silu(a) · b) of linear_in's two halves */
function feedForward({ g, like }: JointCall, path: string): (x: Value) => Value {
  return (x) => {
    const inside = dense(g, x, `${path}.linear_in`, like);
    return dense(g, swiGlu(g, inside), `${path}.linear_out`, like);
  };
}

function swiGlu(g: GraphBuilder, x: Value): Value {
  const [gate = '', up = ''] = g.opOf(2, 'Split', [x], { axis: -1, num_outputs: 2 });
  return g.op('Mul', [swish(g, gate), up]);
}

function doubleBlock(
  call: JointCall,
  given: Streams,
  shared: { ofPicture: readonly Modulation[]; ofText: readonly Modulation[] },
  path: string,
): Streams {
  const feeds = {
    picture: feedForward(call, `${path}.ff`),
    text: feedForward(call, `${path}.ff_context`),
  };
  return jointBlock(call, given, shared, { path, feeds });
}

/** Queries, keys, values and the feed-forward's inside come out of one layer, and go into one. */
function singleBlock(call: JointCall, x: Value, modulation: Modulation, path: string): Value {
  const { g, like, width } = call;
  const wide = dense(g, normed(call, x, modulation), `${path}.attn.to_qkv_mlp_proj`, like);
  const [all = 0] = g.shapeOf(`${path}.attn.to_qkv_mlp_proj.weight`);
  const pieces = g.ints(width, width, width, all - 3 * width);
  const [q = '', k = '', v = '', inside = ''] = g.opOf(4, 'Split', [wide, pieces], { axis: -1 });
  const seen = look(call, {
    q: headNorm(g, q, `${path}.attn.norm_q.weight`, call),
    k: headNorm(g, k, `${path}.attn.norm_k.weight`, call),
    v,
  });
  const both = g.op('Concat', [seen, swiGlu(g, inside)], { axis: 2 });
  return gated(g, x, modulation[2], dense(g, both, `${path}.attn.to_out`, like));
}
