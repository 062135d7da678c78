/**
 * Qwen-Image's transformer (Qwen team 2025; reference diffusers, models/transformers/transformer_qwenimage.py): joint
 * blocks only, places counted from the picture's middle, the text behind its edge. Names are diffusers', which the
 * original files share.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { LowRankBranch } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { ELEMENT } from '../proto.ts';
import { sinusoids } from '../time-embedding.ts';
import {
  feedForward,
  jointBlock,
  type JointCall,
  lastLayer,
  type Modulation,
  modulations,
  type Streams,
  twoLayers,
  headsOf,
} from './joint.ts';
import { type NetworkConfig, NO_CONFIG, rotaryOf } from './network-config.ts';
import { firstTokens, type Placed, withReferences } from './reference-tokens.ts';
import {
  gridPlaces,
  joinTurns,
  range,
  type RotaryWords,
  same,
  type Turns,
  turnsOf,
} from './rotary.ts';
import { dense, gridOf, patchify, rmsNorm, unpatchify, inputsOf } from './tokens.ts';

const HEAD = 128;
/** words may follow the edge of a picture of 4096 pixels */
const PLACES = 2048;
const ROTARY = {
  theta: 10_000,
  rounding: 'rates',
  // words, and pictures to edit from, each with a frame of its own
  axes: [
    { features: 16, places: PLACES },
    { features: 56, places: PLACES, from: -256 },
    { features: 56, places: PLACES, from: -256 },
  ],
} as const;

export type QwenImageWords = {
  /** it is shown pictures to edit from */
  edits?: boolean;
  /** which are told of no noise (Edit 2511) */
  stillReferences?: boolean;
  config?: NetworkConfig;
};

/**
 * hidden_states [B,C,h,w] with h and w even, timestep [B] (1000 is noise), encoder_hidden_states [B,L,D] -> velocity
 * [B,C,h,w]. One that edits is shown pictures, too: reference_states [B,R,4·C] at reference_places [R,3], R may be 0.
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function qwenImageGraph(
  tensors: PartTensors,
  { edits = false, stillReferences = false, config = NO_CONFIG }: QwenImageWords,
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const [width = 0, patch = 0] = g.shapeOf('img_in.weight');
  const channels = patch / 4;
  const [textWidth = 0] = g.shapeOf('txt_norm.weight');
  const { sample, timestep, text: given } = inputsOf(g, channels, textWidth);
  const path = 'time_text_embed.timestep_embedder';
  const told = (moments: Value): Value => twoLayers(g, sinusoids(g, moments, 256), path);
  const both =
    edits && stillReferences
      ? told(g.op('Concat', [timestep, none(g, timestep)], { axis: 0 }))
      : null;
  const moment =
    both === null ? told(timestep) : g.opOf(2, 'Split', [both], { axis: 0, num_outputs: 2 })[0]!;
  const tokens = patchify(g, sample, channels, 'channels first');
  const noise = { tokens, axes: placesOf(g, sample) };
  const seen = edits ? withReferences(g, noise, patch) : noise;
  const apart = both === null ? null : { both, ofTokens: whichMoment(g, sample, seen) };
  const heads = headsOf(g, { width, usual: HEAD, config: config });
  const call: JointCall = {
    g,
    like: sample,
    ...heads,
    epsilon: 1e-6,
    turns: turnsBehind(g, rotaryOf(ROTARY, heads.headSize, config), {
      sample,
      text: given,
      axes: seen.axes,
      edits,
    }),
  };
  let streams: Streams = {
    picture: dense(g, seen.tokens, 'img_in', sample),
    text: dense(g, rmsNorm(g, given, 'txt_norm.weight', 1e-6), 'txt_in', sample),
  };
  for (let i = 0; i < g.countOf('transformer_blocks', 'img_mod.1.weight'); i++) {
    streams = block(call, streams, { moment, apart }, `transformer_blocks.${i}`);
  }
  const picture = edits ? firstTokens(g, streams.picture, patchCount(g, sample)) : streams.picture;
  const velocity = unpatchify(g, lastLayer(call, picture, moment, false), {
    sample,
    channels,
    order: 'channels first',
  });
  g.output(velocity, 'out_sample', ['batch_size', channels, 'height', 'width']);
  return g.finish('transformer');
}

/** [1] int64: patches of the noise */
function patchCount(g: GraphBuilder, sample: Value): Value {
  const { height, width } = gridOf(g, sample);
  return g.op('Mul', [height, width]);
}

/** Rows and columns count from the middle, the larger half lying before it. */
function placesOf(g: GraphBuilder, sample: Value): readonly Value[] {
  const scalar = (x: Value): Value => g.op('Squeeze', [x]);
  const grid = gridOf(g, sample);
  const height = scalar(grid.height);
  const width = scalar(grid.width);
  const half = (side: Value): Value => g.op('Div', [side, g.int(2)]);
  const { rows, columns } = gridPlaces(g, height, width);
  const fromMiddle = (places: Value, side: Value): Value =>
    g.op('Sub', [places, g.op('Sub', [side, half(side)])]);
  const frame = same(g, g.int(0), g.op('Mul', [height, width]));
  return [frame, fromMiddle(rows, height), fromMiddle(columns, width)];
}

/** Words stand on all axes from the longer half of the largest picture on. */
function turnsBehind(
  g: GraphBuilder,
  rotary: RotaryWords,
  {
    sample,
    text,
    axes,
    edits,
  }: { sample: Value; text: Value; axes: readonly Value[]; edits: boolean },
): Turns {
  const scalar = (x: Value): Value => g.op('Squeeze', [x]);
  const { height, width } = gridOf(g, sample);
  const half = (side: Value): Value => g.op('Div', [scalar(side), g.int(2)]);
  const [, rows = '', columns = ''] = axes;
  // the last row or column of the largest picture is one before its half
  const last = (places: Value): Value => g.op('ReduceMax', [places], { keepdims: 0 });
  const from = edits
    ? g.op('Max', [g.op('Add', [g.op('Max', [last(rows), last(columns)]), g.int(1)]), g.int(0)])
    : g.op('Max', [half(height), half(width)]);
  const words = scalar(g.op('Shape', [text], { start: 1, end: 2 }));
  const behind = range(g, words, from);
  return joinTurns(g, turnsOf(g, rotary, [behind, behind, behind]), turnsOf(g, rotary, axes));
}

/** The end of the way, for as many rows. */
function none(g: GraphBuilder, timestep: Value): Value {
  return g.op('Mul', [timestep, g.floats('none', [0], [1], ELEMENT.float32)]);
}

/** The moment and none at all, [2·B,width], and which of them each token of the pictures hears: 0 or 1, [S] int64. */
type MomentsApart = { both: Value; ofTokens: Value };

function whichMoment(g: GraphBuilder, sample: Value, { axes }: Placed): Value {
  const count = g.op('Squeeze', [g.op('Shape', [axes[0] as Value])]);
  const own = g.op('Squeeze', [patchCount(g, sample)]);
  return g.op('Cast', [g.op('GreaterOrEqual', [range(g, count), own])], { to: ELEMENT.int64 });
}

/** Shift, scale and gate of each token, [B,S,width]. */
function modulationsApart(
  g: GraphBuilder,
  { both, ofTokens }: MomentsApart,
  path: string,
): readonly Modulation[] {
  return modulations(g, both, path, 2).map(
    (triple) =>
      triple.map((value) => {
        const halves = g.opOf(2, 'Split', [value], { axis: 0, num_outputs: 2 });
        const side = g.op('Concat', [...halves], { axis: 1 });
        return g.op('Gather', [side, ofTokens], { axis: 1 });
      }) as unknown as Modulation,
  );
}

function block(
  call: JointCall,
  given: Streams,
  { moment, apart }: { moment: Value; apart: MomentsApart | null },
  path: string,
): Streams {
  const { g } = call;
  const picture = `${path}.img_mod.1`;
  const ofPicture =
    apart === null ? modulations(g, moment, picture, 2) : modulationsApart(g, apart, picture);
  const ofText = modulations(g, moment, `${path}.txt_mod.1`, 2);
  const feeds = {
    picture: feedForward(call, `${path}.img_mlp`),
    text: feedForward(call, `${path}.txt_mlp`),
  };
  return jointBlock(call, given, { ofPicture, ofText }, { path, feeds });
}
