/**
 * Qwen-Image's transformer (Qwen team 2025; reference diffusers, models/transformers/transformer_qwenimage.py): joint
 * blocks only, places counted from the picture's middle, the text behind its edge. Names are diffusers', which the
 * original files share.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import {
  type BuiltGraph,
  GraphBuilder,
  type GraphStyle,
  type LowRankBranch,
  type Value,
} from '../builder.ts';
import { ELEMENT } from '../proto.ts';
import { sinusoids } from '../time-embedding.ts';
import {
  feedForward,
  jointBlock,
  type JointCall,
  lastLayer,
  modulations,
  type Streams,
  twoLayers,
} from './joint.ts';
import { headSizeOf, type NetworkConfig, NO_CONFIG, rotaryOf } from './network-config.ts';
import {
  gridPlaces,
  joinTurns,
  range,
  type RotaryWords,
  same,
  type Turns,
  turnsOf,
} from './rotary.ts';
import { dense, gridOf, patchify, rmsNorm, unpatchify } from './tokens.ts';

const HEAD = 128;
/** words may follow the edge of a picture of 4096 pixels */
const PLACES = 2048;
const ROTARY = {
  theta: 10_000,
  rounding: 'rates',
  axes: [
    { features: 16, places: PLACES },
    { features: 56, places: PLACES, from: -256 },
    { features: 56, places: PLACES, from: -256 },
  ],
} as const;

/**
 * hidden_states [B,C,h,w] with h and w even, timestep [B] (1000 is noise), encoder_hidden_states [B,L,D] -> velocity
 * [B,C,h,w].
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function qwenImageGraph(
  tensors: PartTensors,
  { config = NO_CONFIG }: { config?: NetworkConfig },
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const [width = 0, patch = 0] = g.shapeOf('img_in.weight');
  const channels = patch / 4;
  const [textWidth = 0] = g.shapeOf('txt_norm.weight');
  const sample = g.input('hidden_states', ['batch_size', channels, 'height', 'width']);
  const timestep = g.input('timestep', ['batch_size'], ELEMENT.float32);
  const given = g.input('encoder_hidden_states', ['batch_size', 'tokens', textWidth]);
  const path = 'time_text_embed.timestep_embedder';
  const moment = twoLayers(g, sinusoids(g, timestep, 256), path);
  const headSize = headSizeOf(g, config, {
    norm: 'transformer_blocks.0.attn.norm_q.weight',
    usual: HEAD,
  });
  const call: JointCall = {
    g,
    like: sample,
    width,
    heads: width / headSize,
    headSize,
    epsilon: 1e-6,
    turns: placesOf(g, rotaryOf(ROTARY, headSize, config), { sample, text: given }),
  };
  let streams: Streams = {
    picture: dense(g, patchify(g, sample, channels, 'channels first'), 'img_in', sample),
    text: dense(g, rmsNorm(g, given, 'txt_norm.weight', 1e-6), 'txt_in', sample),
  };
  for (let i = 0; i < g.countOf('transformer_blocks', 'img_mod.1.weight'); i++) {
    streams = block(call, streams, moment, `transformer_blocks.${i}`);
  }
  const velocity = unpatchify(g, lastLayer(call, streams.picture, moment, false), {
    sample,
    channels,
    order: 'channels first',
  });
  g.output(velocity, 'out_sample', ['batch_size', channels, 'height', 'width']);
  return g.finish('transformer');
}

/** Rows and columns count from the middle, the larger half lying before it; words from the longer half on. */
function placesOf(
  g: GraphBuilder,
  rotary: RotaryWords,
  { sample, text }: { sample: Value; text: Value },
): Turns {
  const scalar = (x: Value): Value => g.op('Squeeze', [x]);
  const grid = gridOf(g, sample);
  const height = scalar(grid.height);
  const width = scalar(grid.width);
  const half = (side: Value): Value => g.op('Div', [side, g.int(2)]);
  const { rows, columns } = gridPlaces(g, height, width);
  const fromMiddle = (places: Value, side: Value): Value =>
    g.op('Sub', [places, g.op('Sub', [side, half(side)])]);
  const frame = same(g, g.int(0), g.op('Mul', [height, width]));
  const own = [frame, fromMiddle(rows, height), fromMiddle(columns, width)];
  const words = scalar(g.op('Shape', [text], { start: 1, end: 2 }));
  const behind = range(g, words, g.op('Max', [half(height), half(width)]));
  return joinTurns(g, turnsOf(g, rotary, [behind, behind, behind]), turnsOf(g, rotary, own));
}

function block(call: JointCall, given: Streams, moment: Value, path: string): Streams {
  const { g } = call;
  const ofPicture = modulations(g, moment, `${path}.img_mod.1`, 2);
  const ofText = modulations(g, moment, `${path}.txt_mod.1`, 2);
  const feeds = {
    picture: feedForward(call, `${path}.img_mlp`),
    text: feedForward(call, `${path}.txt_mlp`),
  };
  return jointBlock(call, given, { ofPicture, ofText }, { path, feeds });
}
