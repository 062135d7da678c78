/**
 * Stable Diffusion 3 and 3.5 (Esser et al. 2024; reference diffusers, models/transformers/transformer_sd3.py): joint
 * blocks under a stored table of positions; in 3.5 medium some blocks let the picture look at itself once more. Names
 * are diffusers'.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { LowRankBranch } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { conv, linear, rowsOf } from '../layers.ts';
import { sinusoids } from '../time-embedding.ts';
import {
  activeMoment,
  afterAttention,
  feedForward,
  type JointCall,
  lastLayer,
  look,
  jointAttention,
  type Modulation,
  modulations,
  normed,
  OF_PICTURE,
  project,
  type Streams,
  twoLayers,
  headsOf,
} from './joint.ts';
import { type NetworkConfig, NO_CONFIG } from './network-config.ts';
import {
  chunks,
  dense,
  gated,
  gridOf,
  modulate,
  plainNorm,
  unpatchify,
  inputsOf,
} from './tokens.ts';

const HEAD = 64;

export type Sd3Words = {
  /** the last norms' layers have their shift before their scale: files of the original names */
  shiftFirst: boolean;
  config?: NetworkConfig;
};

/**
 * hidden_states [B,C,h,w] with h and w even, timestep [B] (1000 is noise), encoder_hidden_states [B,L,D],
 * pooled_projections [B,P] -> velocity [B,C,h,w].
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function sd3Graph(
  tensors: PartTensors,
  words: Sd3Words,
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const [width = 0, channels = 0] = g.shapeOf('pos_embed.proj.weight');
  const textWidth = g.shapeOf('context_embedder.weight')[1] ?? 0;
  const { sample, timestep, text: given } = inputsOf(g, channels, textWidth);
  const moment = momentOf(g, timestep);
  const heads = headsOf(g, { width, usual: HEAD, config: words.config ?? NO_CONFIG });
  const call: JointCall = {
    g,
    like: sample,
    ...heads,
    epsilon: 1e-6,
    turns: null,
  };

  const patches = conv(g, sample, 'pos_embed.proj', { stride: 2, pads: [0, 0, 0, 0] });
  const tokens = g.op('Transpose', [g.op('Reshape', [patches, g.ints(0, 0, -1)])], {
    perm: [0, 2, 1],
  });
  let streams: Streams = {
    picture: g.op('Add', [tokens, positions(g, sample, width)]),
    text: dense(g, given, 'context_embedder', sample),
  };
  for (let i = 0; i < g.countOf('transformer_blocks', 'norm1.linear.weight'); i++) {
    streams = block(call, streams, moment, { path: `transformer_blocks.${i}`, ...words });
  }
  const out = lastLayer(call, streams.picture, moment, words.shiftFirst);
  const velocity = unpatchify(g, out, { sample, channels, order: 'channels last' });
  g.output(velocity, 'out_sample', ['batch_size', channels, 'height', 'width']);
  return g.finish('transformer');
}

function momentOf(g: GraphBuilder, timestep: Value): Value {
  const path = 'time_text_embed';
  const time = twoLayers(g, sinusoids(g, timestep, 256), `${path}.timestep_embedder`);
  const pooledWidth = g.shapeOf(`${path}.text_embedder.linear_1.weight`)[1] ?? 0;
  const pooled = g.input('pooled_projections', ['batch_size', pooledWidth]);
  return g.op('Add', [time, twoLayers(g, pooled, `${path}.text_embedder`)]);
}

/** The middle of the stored square table, as large as the picture: [1,S,width] */
function positions(g: GraphBuilder, sample: Value, width: number): Value {
  const [, places = 0] = g.shapeOf('pos_embed.pos_embed');
  const side = Math.round(Math.sqrt(places));
  const table = g.weight('pos_embed.pos_embed', [side, side, width]);
  const { height: rows, width: columns } = gridOf(g, sample);
  const cut = [rows, columns].map((count) => {
    const start = g.op('Div', [g.op('Sub', [g.ints(side), count]), g.ints(2)]);
    return { start, end: g.op('Add', [start, count]) };
  });
  const both = (edge: 'start' | 'end'): Value =>
    g.op(
      'Concat',
      cut.map((each) => each[edge]),
      { axis: 0 },
    );
  const middle = g.op('Slice', [table, both('start'), both('end'), g.ints(0, 1)]);
  return g.op('Reshape', [middle, g.ints(1, -1, width)]);
}

/** In the last block the text is only looked at. */
function block(
  call: JointCall,
  given: Streams,
  moment: Value,
  { path, shiftFirst }: Sd3Words & { path: string },
): Streams {
  const { g, width } = call;
  const isLast = !g.has(`${path}.attn.to_add_out.weight`);
  const isDual = g.has(`${path}.attn2.to_q.weight`);
  const [first, second, third] = modulations(g, moment, `${path}.norm1.linear`, isDual ? 3 : 2) as [
    Modulation,
    Modulation,
    Modulation?,
  ];
  const ofText = isLast ? [] : modulations(g, moment, `${path}.norm1_context.linear`, 2);
  const [textFirst, textSecond] = ofText;
  const text = textFirst
    ? normed(call, given.text, textFirst)
    : lastText(call, given.text, moment, { path, shiftFirst });
  const picture = normed(call, given.picture, first);
  const seen = jointAttention(call, { picture, text }, `${path}.attn`);
  const looked = third
    ? oncemore(call, given.picture, { seen: seen.picture, first, third, path })
    : null;
  const feed = feedForward(call, `${path}.ff`);
  return {
    picture:
      looked === null
        ? afterAttention(call, given.picture, seen.picture, {
            out: `${path}.attn.to_out.0`,
            first,
            second,
            feed,
          })
        : gated(g, looked, second[2], feed(normed(call, looked, second))),
    text:
      textFirst && textSecond
        ? afterAttention(call, given.text, seen.text, {
            out: `${path}.attn.to_add_out`,
            first: textFirst,
            second: textSecond,
            feed: feedForward(call, `${path}.ff_context`),
          })
        : g.op('Reshape', [given.text, rowsOf(g, call.like, width)]),
  };
}

function lastText(
  { g, width }: JointCall,
  text: Value,
  moment: Value,
  { path, shiftFirst }: { path: string; shiftFirst: boolean },
): Value {
  const layer = linear(g, activeMoment(g, moment), `${path}.norm1_context.linear`);
  const [a, b] = chunks(g, layer, 2) as [Value, Value];
  const [shift, scale] = shiftFirst ? [a, b] : [b, a];
  return modulate(g, plainNorm(g, text, width, 1e-6), scale, shift);
}

/** x + gate · joint attention + gate' · the picture's attention to itself, both over what came in */
function oncemore(
  call: JointCall,
  x: Value,
  { seen, first, third, path }: { seen: Value; first: Modulation; third: Modulation; path: string },
): Value {
  const { g, like } = call;
  const joint = gated(g, x, first[2], dense(g, seen, `${path}.attn.to_out.0`, like));
  const own = look(call, project(call, normed(call, x, third), `${path}.attn2`, OF_PICTURE));
  return gated(g, joint, third[2], dense(g, own, `${path}.attn2.to_out.0`, like));
}
