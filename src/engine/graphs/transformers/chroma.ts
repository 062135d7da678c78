/**
 * Chroma's transformer (lodestones 2025; reference diffusers, models/transformers/transformer_chroma.py): Flux.1 whose
 * modulations come out of one small network for all blocks, told of the moment and of each modulation's number. Names
 * are diffusers'.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { LowRankBranch } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { linear } from '../layers.ts';
import { sinusoids } from '../time-embedding.ts';
import { type NetworkConfig, NO_CONFIG, rotaryOf } from './network-config.ts';
import { HEAD, PLACES, placesOf, rotary, singleBlock, turnsBehind } from './flux.ts';
import {
  apart,
  feedForward,
  jointBlock,
  type JointCall,
  type Modulation,
  headsOf,
} from './joint.ts';
import type { Streams } from './joint.ts';
import {
  dense,
  modulate,
  patchify,
  plainNorm,
  rmsNorm,
  swish,
  unpatchify,
  inputsOf,
} from './tokens.ts';

/** torch's, for float32 */
const EPSILON = 2 ** -23;

const APPROXIMATOR = 'distilled_guidance_layer';

/**
 * hidden_states [B,C,h,w] with h and w even, timestep [B] (1000 is noise), encoder_hidden_states [B,L,D] of T5 and
 * text_bias [B,L], 1 for words that are meant and 0 for what fills the text up: it is added to the scores where both
 * who looks and who is looked at have 1, as patches have -> velocity [B,C,h,w].
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function chromaGraph(
  tensors: PartTensors,
  { config = NO_CONFIG }: { config?: NetworkConfig },
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const [width = 0, patch = 0] = g.shapeOf('x_embedder.weight');
  const channels = patch / 4;
  const textWidth = g.shapeOf('context_embedder.weight')[1] ?? 0;
  const { sample, timestep, text: words } = inputsOf(g, channels, textWidth);
  const meant = g.input('text_bias', ['batch_size', 'tokens']);
  const axes = placesOf(g, sample);
  const heads = headsOf(g, { width, usual: HEAD, config: config });
  const call: JointCall = {
    g,
    like: sample,
    ...heads,
    epsilon: 1e-6,
    turns: turnsBehind(g, words, axes, rotaryOf(rotary(1, PLACES), heads.headSize, config)),
    bias: biasOf(g, meant, axes[0] as Value),
  };
  const doubles = g.countOf('transformer_blocks', 'attn.to_q.weight');
  const singles = g.countOf('single_transformer_blocks', 'proj_mlp.weight');
  const numbered = modulationsOf(g, timestep, sample, 3 * singles + 12 * doubles + 2);
  const given: Streams = {
    picture: dense(g, patchify(g, sample, channels, 'channels first'), 'x_embedder', sample),
    text: dense(g, words, 'context_embedder', sample),
  };
  const x = blocks(call, given, numbered, { doubles, singles });
  const { picture } = apart(g, x, given.text);
  const last = 3 * singles + 12 * doubles;
  const normed = modulate(
    g,
    plainNorm(g, picture, width, 1e-6),
    numbered(last + 1),
    numbered(last),
  );
  const velocity = unpatchify(g, dense(g, normed, 'proj_out', sample), {
    sample,
    channels,
    order: 'channels first',
  });
  g.output(velocity, 'out_sample', ['batch_size', channels, 'height', 'width']);
  return g.finish('transformer');
}

type Numbered = (number: number) => Value;

/** Modulations of the single blocks come first, then those of the double ones: all pictures', all texts'. */
function blocks(
  call: JointCall,
  given: Streams,
  numbered: Numbered,
  { doubles, singles }: { doubles: number; singles: number },
): Value {
  const triple = (at: number): Modulation => [numbered(at), numbered(at + 1), numbered(at + 2)];
  let streams = given;
  for (let i = 0; i < doubles; i++) {
    const path = `transformer_blocks.${i}`;
    const at = 3 * singles + 6 * i;
    const ofPicture = [triple(at), triple(at + 3)];
    const ofText = [triple(at + 6 * doubles), triple(at + 6 * doubles + 3)];
    const feeds = {
      picture: feedForward(call, `${path}.ff`),
      text: feedForward(call, `${path}.ff_context`),
    };
    streams = jointBlock(call, streams, { ofPicture, ofText }, { path, feeds });
  }
  let x = call.g.op('Concat', [streams.text, streams.picture], { axis: 1 });
  for (let i = 0; i < singles; i++) {
    x = singleBlock(call, x, triple(3 * i), `single_transformer_blocks.${i}`);
  }
  return x;
}

/** [B,1,S,S] */
function biasOf(g: GraphBuilder, meant: Value, patches: Value): Value {
  const batch = g.op('Shape', [meant], { start: 0, end: 1 });
  const shape = g.op('Concat', [batch, g.op('Shape', [patches])], { axis: 0 });
  const ones = g.op('Expand', [g.floats('one', [1]), shape]);
  const all = g.op('Concat', [meant, ones], { axis: 1 });
  return g.op('Mul', [
    g.op('Unsqueeze', [all, g.ints(1, 2)]),
    g.op('Unsqueeze', [all, g.ints(1, 3)]),
  ]);
}

/** What the small network makes of the moment, no guidance and each number below `count`: each [B,1,width]. */
function modulationsOf(g: GraphBuilder, timestep: Value, sample: Value, count: number): Numbered {
  const [inner = 0, told = 0] = g.shapeOf(`${APPROXIMATOR}.in_proj.weight`);
  const [width = 0] = g.shapeOf(`${APPROXIMATOR}.out_proj.weight`);
  const quarter = told / 4;
  const moment = sinusoids(g, timestep, quarter);
  const batch = g.op('Shape', [timestep]);
  const spread = (x: Value, features: number): Value => {
    const shape = g.op('Concat', [batch, g.ints(count, features)], { axis: 0 });
    return g.op('Expand', [x, shape]);
  };
  const unguided = Array.from({ length: quarter }, (_, i) => (i < quarter / 2 ? 1 : 0));
  const parts = [
    spread(g.op('Unsqueeze', [moment, g.ints(1)]), quarter),
    spread(g.floats('no guidance', unguided, [1, 1, quarter]), quarter),
    spread(g.floats('numbers', numbersBelow(count, told / 2), [1, count, told / 2]), told / 2),
  ];
  const flat = g.op('Reshape', [g.op('Concat', parts, { axis: 2 }), g.ints(-1, told)]);
  let x = linear(g, flat, `${APPROXIMATOR}.in_proj`);
  for (let i = 0; i < g.countOf(`${APPROXIMATOR}.layers`, 'linear_1.weight'); i++) {
    const layer = `${APPROXIMATOR}.layers.${i}`;
    const normed = rmsNorm(g, x, `${APPROXIMATOR}.norms.${i}.weight`, EPSILON);
    const y = linear(g, swish(g, linear(g, normed, `${layer}.linear_1`)), `${layer}.linear_2`);
    x = g.op('Add', [x, y]);
  }
  if (g.shapeOf(`${APPROXIMATOR}.layers.0.linear_2.weight`)[0] !== inner) {
    throw new Error(`${APPROXIMATOR} has layers of another width than ${inner}`);
  }
  const shape = g.op(
    'Concat',
    [g.op('Shape', [sample], { start: 0, end: 1 }), g.ints(count, width)],
    {
      axis: 0,
    },
  );
  const all = g.op('Reshape', [linear(g, x, `${APPROXIMATOR}.out_proj`), shape]);
  return (number) => g.op('Slice', [all, g.ints(number), g.ints(number + 1), g.ints(1)]);
}

/** Cosines, then sines, of a thousand times each number, in float32 as torch has them: the angles are large. */
function numbersBelow(count: number, features: number): number[] {
  const f = Math.fround;
  const half = features / 2;
  const rates = Array.from({ length: half }, (_, i) =>
    f(Math.exp(f(f(f(-Math.log(10_000)) * i) / half))),
  );
  return Array.from({ length: count }, (_, number) => {
    const angles = rates.map((rate) => f(1000 * number * rate));
    return [...angles.map(Math.cos), ...angles.map(Math.sin)];
  }).flat();
}
