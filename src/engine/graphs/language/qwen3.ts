/**
 * Qwen3 (Qwen team 2025) and the text part of Qwen2.5-VL as text encoders: a causal language model whose hidden states
 * are read, without its head. Names are transformers' without `model.` in front.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { attend } from '../attention.ts';
import type { Branches } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { embedding, rowsOf } from '../layers.ts';
import { ELEMENT } from '../proto.ts';
import { range, rotate, type Turns } from '../transformers/rotary.ts';
import { dense, headNorm, rmsNorm, swish } from '../transformers/tokens.ts';

export type QwenConfig = {
  /** features of a head; told by the head norms where there are some */
  headSize: number;
  epsilon: number;
  theta: number;
};

/**
 * input_ids, attention_mask [B,S] int64 (0 is padding, which nobody sees) -> hidden_states.N [B,S,D] for every N of
 * `taps`: 0 is the embeddings, N what layer N-1 leaves. The layers behind the last tap are left out. `normed`: the last
 * layer's states after the model's final norm, as last_hidden_state. `sees`: image_embeds [1,N,D] stand behind the
 * tokens' own, order [S] says which of them a place of the sequence has, and positions [3,S] where it stands on the axes
 * of time, rows and columns.
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function qwenGraph(
  tensors: PartTensors,
  { headSize, epsilon, theta }: QwenConfig,
  style: GraphStyle,
  {
    taps,
    normed,
    branches,
    sees = false,
  }: { taps: readonly number[]; normed: boolean; branches?: Branches; sees?: boolean },
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const dims = ['batch_size', 'sequence_length'];
  const ids = g.input('input_ids', dims, ELEMENT.int64);
  const mask = g.input('attention_mask', dims, ELEMENT.int64);
  const size = g.has('layers.0.self_attn.q_norm.weight')
    ? (g.shapeOf('layers.0.self_attn.q_norm.weight')[0] ?? headSize)
    : headSize;
  const layers = g.countOf('layers', 'self_attn.q_proj.weight');
  const needed = normed ? layers : Math.max(...taps);
  if (needed > layers)
    throw new Error(`the text encoder has ${layers} layers, ${needed} are needed`);
  const call = {
    g,
    ids,
    bias: visible(g, ids, mask),
    turns: sees ? turnsOfSight(g, size, theta) : turns(g, ids, size, theta),
    epsilon,
    headSize: size,
  };
  let x = embedding(g, 'embed_tokens.weight', ids);
  const width = g.shapeOf('embed_tokens.weight')[1] ?? 0;
  if (sees) {
    const shown = g.input('image_embeds', [1, 'image_tokens', width]);
    const order = g.input('order', ['sequence_length'], ELEMENT.int64);
    x = g.op('Gather', [g.op('Concat', [x, shown], { axis: 1 }), order], { axis: 1 });
  }
  const show = (n: number): void => {
    if (taps.includes(n)) g.output(x, `hidden_states.${n}`, [...dims, width]);
  };
  show(0);
  for (let i = 0; i < needed; i++) {
    x = layer(call, x, `layers.${i}`);
    show(i + 1);
  }
  if (normed) {
    g.output(rmsNorm(g, x, 'norm.weight', epsilon), 'last_hidden_state', [...dims, width]);
  }
  return g.finish('text_encoder');
}

type Call = {
  g: GraphBuilder;
  ids: Value;
  bias: Value;
  turns: Turns;
  epsilon: number;
  headSize: number;
};

function length(g: GraphBuilder, ids: Value): Value {
  return g.once('length', () => g.op('Squeeze', [g.op('Shape', [ids], { start: 1, end: 2 })]));
}

/** The rates are float32, and so are the angles. */
function turns(g: GraphBuilder, ids: Value, headSize: number, theta: number): Turns {
  const places = g.op('Cast', [range(g, length(g, ids))], { to: ELEMENT.float32 });
  return turnsBy(g, g.op('Unsqueeze', [places, g.ints(1)]), headSize, theta);
}

/** The first quarter of a head's pairs turns with time, then three eighths each with rows and columns. */
function turnsOfSight(g: GraphBuilder, headSize: number, theta: number): Turns {
  const pairs = headSize / 2;
  const positions = g.input('positions', [3, 'sequence_length'], ELEMENT.int64);
  const axes = Array.from({ length: pairs }, (_, i) =>
    i < pairs / 4 ? 0 : i < (5 * pairs) / 8 ? 1 : 2,
  );
  const places = g.op('Gather', [positions, g.ints(...axes)], { axis: 0 });
  const turned = g.op('Transpose', [places], { perm: [1, 0] });
  return turnsBy(g, g.op('Cast', [turned], { to: ELEMENT.float32 }), headSize, theta);
}

/** `places`: float32 [S,1], or [S,pairs] where they differ from pair to pair */
function turnsBy(g: GraphBuilder, places: Value, headSize: number, theta: number): Turns {
  const f = Math.fround;
  const rates = Array.from({ length: headSize / 2 }, (_, i) =>
    f(1 / f(theta ** f((2 * i) / headSize))),
  );
  const row = g.floats('rates', rates, [1, headSize / 2], ELEMENT.float32);
  const angles = g.op('Mul', [places, row]);
  const cast = (x: Value): Value => g.cast(x, ELEMENT.float32);
  return { cos: cast(g.op('Cos', [angles])), sin: cast(g.op('Sin', [angles])) };
}

/** Far below every score, and still a number in float16. */
const UNSEEN = -65504;

/** [B,1,S,S]: 0 where a token may look, at itself and at those before it that are no padding */
function visible(g: GraphBuilder, ids: Value, mask: Value): Value {
  const places = range(g, length(g, ids));
  const later = g.op('Greater', [
    g.op('Unsqueeze', [places, g.ints(0)]),
    g.op('Unsqueeze', [places, g.ints(1)]),
  ]);
  const padding = g.op('Equal', [g.op('Unsqueeze', [mask, g.ints(1, 2)]), g.int(0)]);
  const hidden = g.op('Or', [g.op('Unsqueeze', [later, g.ints(0, 1)]), padding]);
  return g.op('Where', [hidden, g.floats('unseen', [UNSEEN]), g.floats('seen', [0])]);
}

function layer(call: Call, x: Value, path: string): Value {
  const { g, ids, epsilon } = call;
  const norm = (value: Value, name: string): Value =>
    rmsNorm(g, value, `${path}.${name}.weight`, epsilon);
  const seen = attention(call, norm(x, 'input_layernorm'), `${path}.self_attn`);
  const y = g.op('Add', [x, seen]);
  const given = norm(y, 'post_attention_layernorm');
  const gate = swish(g, dense(g, given, `${path}.mlp.gate_proj`, ids));
  const product = g.op('Mul', [gate, dense(g, given, `${path}.mlp.up_proj`, ids)]);
  return g.op('Add', [y, dense(g, product, `${path}.mlp.down_proj`, ids)]);
}

/** Several heads ask with queries of their own and share keys and values (Ainslie et al. 2023). */
function attention(call: Call, x: Value, path: string): Value {
  const { g, ids, bias, epsilon, headSize } = call;
  const heads = (g.shapeOf(`${path}.q_proj.weight`)[0] ?? 0) / headSize;
  const shared = (g.shapeOf(`${path}.k_proj.weight`)[0] ?? 0) / headSize;
  const turned = (role: 'q' | 'k', count: number): Value => {
    const given = dense(g, x, `${path}.${role}_proj`, ids);
    const own = { heads: count, headSize, epsilon, like: ids };
    const normed = headNorm(g, given, `${path}.${role}_norm.weight`, own);
    return rotate(g, normed, call.turns, { heads: count, pairs: 'halves' });
  };
  const spread = (value: Value): Value => spreadHeads(g, value, { ids, heads, shared, headSize });
  const seen = attend(
    g,
    {
      q: turned('q', heads),
      k: spread(turned('k', shared)),
      v: spread(dense(g, x, `${path}.v_proj`, ids)),
    },
    { heads, headSize, bias },
  );
  return dense(g, seen, `${path}.o_proj`, ids);
}

/** Each of the shared heads for as many heads as ask it. */
function spreadHeads(
  g: GraphBuilder,
  x: Value,
  { ids, heads, shared, headSize }: { ids: Value; heads: number; shared: number; headSize: number },
): Value {
  if (heads === shared) return x;
  const each = heads / shared;
  const apart = g.op('Reshape', [x, g.ints(0, 0, shared, 1, headSize)]);
  const spread = g.op('Expand', [apart, g.ints(1, 1, 1, each, 1)]);
  return g.op('Reshape', [spread, rowsOf(g, ids, heads * headSize)]);
}
