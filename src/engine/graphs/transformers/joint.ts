/**
 * Blocks in which text and picture have weights of their own and look at each other in one attention (Esser et al. 2024,
 * "Scaling Rectified Flow Transformers"): Stable Diffusion 3, Flux, FLUX.2 and Qwen-Image. Names are diffusers'.
 */
import { attend } from '../attention.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { linear } from '../layers.ts';
import { headSizeOf, type NetworkConfig } from './network-config.ts';
import { rotate, type Turns } from './rotary.ts';
import { chunks, dense, gated, geluTanh, headNorm, modulate, plainNorm, swish } from './tokens.ts';

export type Streams = { picture: Value; text: Value };

/** What the blocks of one network share. */
export type JointCall = {
  g: GraphBuilder;
  /** a value whose first axis is the batch */
  like: Value;
  width: number;
  heads: number;
  headSize: number;
  /** of all norms */
  epsilon: number;
  /** of the whole sequence, text first; null: places are told otherwise */
  turns: Turns | null;
  /** added to the scores of every look, [B,1,S,S]; absent: nothing */
  bias?: Value;
};

/** How the width is shared among heads, told by the norm of the first block's. */
export function headsOf(
  g: GraphBuilder,
  { width, usual, config }: { width: number; usual: number; config: NetworkConfig },
): Pick<JointCall, 'width' | 'heads' | 'headSize'> {
  const norm = 'transformer_blocks.0.attn.norm_q.weight';
  const headSize = headSizeOf(g, config, { norm, usual });
  return { width, heads: width / headSize, headSize };
}

/** shift, scale and gate, [B,1,width] each */
export type Modulation = readonly [shift: Value, scale: Value, gate: Value];

/** linear(silu(moment)) in `count` triples of shift, scale and gate */
export function modulations(
  g: GraphBuilder,
  moment: Value,
  path: string,
  count: number,
): readonly Modulation[] {
  const pieces = chunks(g, linear(g, activeMoment(g, moment), path), 3 * count);
  return Array.from(
    { length: count },
    (_, i) => pieces.slice(3 * i, 3 * i + 3) as unknown as Modulation,
  );
}

/** Adds SiLU of the conditioning [batch, width], which every block's modulation reads, once in the graph. */
export function activeMoment(g: GraphBuilder, moment: Value): Value {
  return g.once(`silu ${moment}`, () => swish(g, moment));
}

/** norm(x) (1 + scale) + shift */
export function normed(
  { g, width, epsilon }: JointCall,
  x: Value,
  [shift, scale]: Modulation,
): Value {
  return modulate(g, plainNorm(g, x, width, epsilon), scale, shift);
}

type Projections = { q: Value; k: Value; v: Value };

/** Queries, keys and values of one stream, the first two normed head by head. */
export function project(
  call: JointCall,
  x: Value,
  path: string,
  names: { q: string; k: string; v: string; qNorm: string; kNorm: string },
): Projections {
  const { g, like } = call;
  const of = (name: string): Value => dense(g, x, `${path}.${name}`, like);
  return {
    q: headNorm(g, of(names.q), `${path}.${names.qNorm}.weight`, call),
    k: headNorm(g, of(names.k), `${path}.${names.kNorm}.weight`, call),
    v: of(names.v),
  };
}

export const OF_PICTURE = { q: 'to_q', k: 'to_k', v: 'to_v', qNorm: 'norm_q', kNorm: 'norm_k' };
export const OF_TEXT = {
  q: 'add_q_proj',
  k: 'add_k_proj',
  v: 'add_v_proj',
  qNorm: 'norm_added_q',
  kNorm: 'norm_added_k',
};

/** softmax(q kᵀ) v with the places told to queries and keys; [B,S,width] */
export function look(call: JointCall, { q, k, v }: Projections): Value {
  const { g, heads, headSize, turns, bias } = call;
  const turned = (x: Value): Value =>
    turns === null ? x : rotate(g, x, turns, { heads, pairs: 'neighbours' });
  const words = { heads, headSize, ...(bias !== undefined && { bias }) };
  return attend(g, { q: turned(q), k: turned(k), v }, words);
}

/** Text and picture look at each other; what each sees, [B,S,width]. */
export function jointAttention(call: JointCall, given: Streams, path: string): Streams {
  const { g } = call;
  const picture = project(call, given.picture, path, OF_PICTURE);
  const text = project(call, given.text, path, OF_TEXT);
  const join = (role: keyof Projections): Value =>
    g.op('Concat', [text[role], picture[role]], { axis: 1 });
  const seen = look(call, { q: join('q'), k: join('k'), v: join('v') });
  return apart(g, seen, given.text);
}

/** A sequence that begins with as many tokens as `text` has, in two. */
export function apart(g: GraphBuilder, sequence: Value, text: Value): Streams {
  const length = g.op('Shape', [text], { start: 1, end: 2 });
  return {
    text: g.op('Slice', [sequence, g.ints(0), length, g.ints(1)]),
    picture: g.op('Slice', [sequence, length, g.ints(2 ** 31), g.ints(1)]),
  };
}

/** x + gate · attention, then the same for the feed-forward under its own modulation. */
export function afterAttention(
  call: JointCall,
  x: Value,
  seen: Value,
  {
    out,
    first,
    second,
    feed,
  }: {
    out: string;
    first: Modulation;
    second: Modulation;
    feed: (x: Value) => Value;
  },
): Value {
  const { g, like } = call;
  const y = gated(g, x, first[2], dense(g, seen, out, like));
  return gated(g, y, second[2], feed(normed(call, y, second)));
}

/** net.2(gelu(net.0.proj(x))) */
export function feedForward({ g, like }: JointCall, path: string): (x: Value) => Value {
  return (x) =>
    dense(g, geluTanh(g, dense(g, x, `${path}.net.0.proj`, like)), `${path}.net.2`, like);
}

/**
 * The last norm, modulated by the moment, and the projection to patches. diffusers keeps scale before shift; the
 * original files of Flux and SD 3 have them the other way round.
 */
export function lastLayer(
  { g, width, like, epsilon }: JointCall,
  x: Value,
  moment: Value,
  shiftFirst: boolean,
): Value {
  const [a, b] = chunks(g, linear(g, activeMoment(g, moment), 'norm_out.linear'), 2) as [
    Value,
    Value,
  ];
  const [shift, scale] = shiftFirst ? [a, b] : [b, a];
  return dense(g, modulate(g, plainNorm(g, x, width, epsilon), scale, shift), 'proj_out', like);
}

/** linear_2(silu(linear_1(x))) of [B,in] */
export function twoLayers(g: GraphBuilder, x: Value, path: string): Value {
  return linear(g, swish(g, linear(g, x, `${path}.linear_1`)), `${path}.linear_2`);
}

/** A block of both streams: they are looked at together, then each goes through its own layer and feed-forward. */
export function jointBlock(
  call: JointCall,
  given: Streams,
  { ofPicture, ofText }: { ofPicture: readonly Modulation[]; ofText: readonly Modulation[] },
  { path, feeds }: { path: string; feeds: Record<keyof Streams, (x: Value) => Value> },
): Streams {
  const [first, second] = ofPicture as [Modulation, Modulation];
  const [textFirst, textSecond] = ofText as [Modulation, Modulation];
  const seen = jointAttention(
    call,
    { picture: normed(call, given.picture, first), text: normed(call, given.text, textFirst) },
    `${path}.attn`,
  );
  return {
    picture: afterAttention(call, given.picture, seen.picture, {
      out: `${path}.attn.to_out.0`,
      first,
      second,
      feed: feeds.picture,
    }),
    text: afterAttention(call, given.text, seen.text, {
      out: `${path}.attn.to_add_out`,
      first: textFirst,
      second: textSecond,
      feed: feeds.text,
    }),
  };
}
