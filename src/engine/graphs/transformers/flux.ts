/**
 * Flux.1 (Black Forest Labs 2024; reference diffusers, models/transformers/transformer_flux.py): blocks with two streams,
 * then blocks with one in which attention and feed-forward run side by side. Names are diffusers'.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { LowRankBranch } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { ELEMENT } from '../proto.ts';
import { sinusoids } from '../time-embedding.ts';
import {
  apart,
  feedForward,
  jointBlock,
  type JointCall,
  lastLayer,
  look,
  type Modulation,
  modulations,
  normed,
  OF_PICTURE,
  project,
  type Streams,
  twoLayers,
  headsOf,
} from './joint.ts';
import { type NetworkConfig, NO_CONFIG, rotaryOf } from './network-config.ts';
import { firstTokens, withReferences } from './reference-tokens.ts';
import { gridPlaces, joinTurns, type RotaryWords, same, type Turns, turnsOf } from './rotary.ts';
import { dense, gated, geluTanh, gridOf, patchify, unpatchify, inputsOf } from './tokens.ts';

export const HEAD = 128;
export const PLACES = 512;

/** `first`: places on the axis that tells pictures to edit from apart; `places`: rows or columns */
export function rotary(first: number, places: number): RotaryWords {
  const side = { features: 56, places };
  return { theta: 10_000, rounding: 'late', axes: [{ features: 16, places: first }, side, side] };
}

export type FluxWords = {
  /** the last norm's layer has its shift before its scale: files of the original names */
  shiftFirst: boolean;
  /** it is shown pictures to edit from (Kontext) */
  edits?: boolean;
  config?: NetworkConfig;
};

/** Rows or columns that pictures to edit from take beside or below each other: sixteen of the longest. */
const REFERENCE_PLACES = 16 * 98;

/**
 * hidden_states [B,C,h,w] with h and w even, timestep [B] (1000 is noise), encoder_hidden_states [B,L,D] of T5,
 * pooled_projections [B,P] of CLIP, and guidance [B] where the network was distilled for it -> velocity [B,C/…,h,w].
 * A network of more input channels (Fill) takes them behind the latents. One that edits is shown pictures, too:
 * reference_states [B,R,4·C] at reference_places [R,3], R may be 0.
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function fluxGraph(
  tensors: PartTensors,
  { shiftFirst, edits = false, config = NO_CONFIG }: FluxWords,
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const [width = 0, patch = 0] = g.shapeOf('x_embedder.weight');
  const channels = patch / 4;
  const textWidth = g.shapeOf('context_embedder.weight')[1] ?? 0;
  const { sample, timestep, text: given } = inputsOf(g, channels, textWidth);
  const moment = momentOf(g, timestep);
  const tokens = patchify(g, sample, channels, 'channels first');
  const noise = { tokens, axes: placesOf(g, sample) };
  const seen = edits ? withReferences(g, noise, patch) : noise;
  const heads = headsOf(g, { width, usual: HEAD, config: config });
  const call: JointCall = {
    g,
    like: sample,
    ...heads,
    epsilon: 1e-6,
    turns: turnsBehind(
      g,
      given,
      seen.axes,
      rotaryOf(edits ? rotary(2, REFERENCE_PLACES) : rotary(1, PLACES), heads.headSize, config),
    ),
  };

  let streams: Streams = {
    picture: dense(g, seen.tokens, 'x_embedder', sample),
    text: dense(g, given, 'context_embedder', sample),
  };
  for (let i = 0; i < g.countOf('transformer_blocks', 'norm1.linear.weight'); i++) {
    streams = doubleBlock(call, streams, moment, `transformer_blocks.${i}`);
  }
  let x = g.op('Concat', [streams.text, streams.picture], { axis: 1 });
  for (let i = 0; i < g.countOf('single_transformer_blocks', 'norm.linear.weight'); i++) {
    const path = `single_transformer_blocks.${i}`;
    const [modulation] = modulations(g, moment, `${path}.norm.linear`, 1) as [Modulation];
    x = singleBlock(call, x, modulation, path);
  }
  const { picture: all } = apart(g, x, streams.text);
  const picture = edits ? firstTokens(g, all, patchCount(g, sample)) : all;
  const out = (g.shapeOf('proj_out.weight')[0] ?? 0) / 4;
  const velocity = unpatchify(g, lastLayer(call, picture, moment, shiftFirst), {
    sample,
    channels: out,
    order: 'channels first',
  });
  g.output(velocity, 'out_sample', ['batch_size', out, 'height', 'width']);
  return g.finish('transformer');
}

/** The moment, the strength of guidance where the network knows it, and the prompt as a whole: [B,width] */
function momentOf(g: GraphBuilder, timestep: Value): Value {
  const thousand = g.floats('thousand', [1000], [1], ELEMENT.float32);
  const waves = (x: Value): Value => sinusoids(g, g.op('Mul', [x, thousand]), 256);
  const path = 'time_text_embed';
  let moment = twoLayers(g, waves(g.op('Div', [timestep, thousand])), `${path}.timestep_embedder`);
  if (g.has(`${path}.guidance_embedder.linear_1.weight`)) {
    const guidance = g.input('guidance', ['batch_size'], ELEMENT.float32);
    moment = g.op('Add', [moment, twoLayers(g, waves(guidance), `${path}.guidance_embedder`)]);
  }
  const pooledWidth = g.shapeOf(`${path}.text_embedder.linear_1.weight`)[1] ?? 0;
  const pooled = g.input('pooled_projections', ['batch_size', pooledWidth]);
  return g.op('Add', [moment, twoLayers(g, pooled, `${path}.text_embedder`)]);
}

/** [1] int64: patches of the noise */
function patchCount(g: GraphBuilder, sample: Value): Value {
  const { height, width } = gridOf(g, sample);
  return g.op('Mul', [height, width]);
}

/** The picture's patches stand at their rows and columns. */
export function placesOf(g: GraphBuilder, sample: Value): readonly Value[] {
  const grid = gridOf(g, sample);
  const height = g.op('Squeeze', [grid.height]);
  const width = g.op('Squeeze', [grid.width]);
  const { rows, columns } = gridPlaces(g, height, width);
  return [same(g, g.int(0), g.op('Mul', [height, width])), rows, columns];
}

/** Text stands at 0 on all axes. */
export function turnsBehind(
  g: GraphBuilder,
  text: Value,
  axes: readonly Value[],
  words: RotaryWords,
): Turns {
  const length = g.op('Squeeze', [g.op('Shape', [text], { start: 1, end: 2 })]);
  const still = same(g, g.int(0), length);
  return joinTurns(g, turnsOf(g, words, [still, still, still]), turnsOf(g, words, axes));
}

function doubleBlock(call: JointCall, given: Streams, moment: Value, path: string): Streams {
  const { g } = call;
  const ofPicture = modulations(g, moment, `${path}.norm1.linear`, 2);
  const ofText = modulations(g, moment, `${path}.norm1_context.linear`, 2);
  const feeds = {
    picture: feedForward(call, `${path}.ff`),
    text: feedForward(call, `${path}.ff_context`),
  };
  return jointBlock(call, given, { ofPicture, ofText }, { path, feeds });
}

/** Attention and feed-forward side by side, under one modulation. */
export function singleBlock(
  call: JointCall,
  x: Value,
  modulation: Modulation,
  path: string,
): Value {
  const { g, like } = call;
  const given = normed(call, x, modulation);
  const fed = geluTanh(g, dense(g, given, `${path}.proj_mlp`, like));
  const seen = look(call, project(call, given, `${path}.attn`, OF_PICTURE));
  const both = g.op('Concat', [seen, fed], { axis: 2 });
  return gated(g, x, modulation[2], dense(g, both, `${path}.proj_out`, like));
}
