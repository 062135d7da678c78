/**
 * T5's encoder in version 1.1 (Raffel et al. 2020; Shazeer 2020 for its feed-forward): relative positions as a bias of
 * the scores, which are not divided. Names are transformers' T5EncoderModel.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { attend } from '../attention.ts';
import type { Branches } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { embedding } from '../layers.ts';
import { ELEMENT } from '../proto.ts';
import { range } from '../transformers/rotary.ts';
import { dense, geluTanh, rmsNorm } from '../transformers/tokens.ts';

/** as far as tokens may be apart: more than any text that is encoded */
const REACH = 1024;

export type T5Words = {
  masked?: boolean;
  epsilon?: number;
  /** beyond this distance all are in the last bucket */
  far?: number;
  branches?: Branches;
};

/**
 * input_ids [B,S] int64 -> last_hidden_state [B,S,D]. Padding is seen like any other word, as diffusers' pipelines of
 * Flux and SD 3 have it, unless `masked` adds attention_mask [B,S] int64.
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function t5Graph(
  tensors: PartTensors,
  style: GraphStyle,
  { masked = false, epsilon = 1e-6, far = 128, branches }: T5Words = {},
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const dims = ['batch_size', 'sequence_length'];
  const ids = g.input('input_ids', dims, ELEMENT.int64);
  const table = 'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight';
  const [buckets = 0, heads = 0] = g.shapeOf(table);
  const positions = positionBias(g, ids, { table, buckets, far });
  const bias = masked
    ? withMask(g, positions, g.input('attention_mask', dims, ELEMENT.int64))
    : positions;
  let x = embedding(
    g,
    g.has('shared.weight') ? 'shared.weight' : 'encoder.embed_tokens.weight',
    ids,
  );
  for (let i = 0; i < g.countOf('encoder.block', 'layer.0.layer_norm.weight'); i++) {
    const path = `encoder.block.${i}.layer`;
    const given = rmsNorm(g, x, `${path}.0.layer_norm.weight`, epsilon);
    const y = g.op('Add', [
      x,
      attention(g, given, `${path}.0.SelfAttention`, { ids, heads, bias }),
    ]);
    const fed = feedForward(g, rmsNorm(g, y, `${path}.1.layer_norm.weight`, epsilon), path, ids);
    x = g.op('Add', [y, fed]);
  }
  const states = rmsNorm(g, x, 'encoder.final_layer_norm.weight', epsilon);
  const [width = 0] = g.shapeOf('encoder.final_layer_norm.weight');
  g.output(states, 'last_hidden_state', [...dims, width]);
  return g.finish('text_encoder');
}

/** transformers' T5Attention._relative_position_bucket, both directions, in its float32 */
function bucketOf(distance: number, { buckets, far }: { buckets: number; far: number }): number {
  const f = Math.fround;
  const half = buckets / 2;
  const side = distance > 0 ? half : 0;
  const away = Math.abs(distance);
  const exact = half / 2;
  if (away < exact) return side + away;
  const share = f(f(Math.log(f(away / exact))) / Math.log(far / exact));
  return side + Math.min(half - 1, exact + Math.trunc(f(share * (half - exact))));
}

/** [1,heads,S,S]: what the distance from query to key adds to the score */
function positionBias(
  g: GraphBuilder,
  ids: Value,
  { table, ...rule }: { table: string; buckets: number; far: number },
): Value {
  const length = g.op('Squeeze', [g.op('Shape', [ids], { start: 1, end: 2 })]);
  const places = range(g, length);
  const distance = g.op('Sub', [
    g.op('Unsqueeze', [places, g.ints(0)]),
    g.op('Unsqueeze', [places, g.ints(1)]),
  ]);
  const known = Array.from({ length: 2 * REACH + 1 }, (_, i) => bucketOf(i - REACH, rule));
  const bucket = g.op('Gather', [g.ints(...known), g.op('Add', [distance, g.int(REACH)])]);
  const rows = g.cast(g.op('Gather', [g.stored(table), bucket]), g.typeOf(table));
  return g.op('Unsqueeze', [g.op('Transpose', [rows], { perm: [2, 0, 1] }), g.ints(0)]);
}

/** Far below every score, and still a number in float16. */
const UNSEEN = -65504;

function withMask(g: GraphBuilder, bias: Value, mask: Value): Value {
  const padding = g.op('Equal', [g.op('Unsqueeze', [mask, g.ints(1, 2)]), g.int(0)]);
  const hidden = g.op('Where', [padding, g.floats('unseen', [UNSEEN]), g.floats('seen', [0])]);
  return g.op('Add', [bias, hidden]);
}

function attention(
  g: GraphBuilder,
  x: Value,
  path: string,
  { ids, heads, bias }: { ids: Value; heads: number; bias: Value },
): Value {
  const [inside = 0] = g.shapeOf(`${path}.q.weight`);
  const project = (name: string): Value => dense(g, x, `${path}.${name}`, ids);
  const seen = attend(
    g,
    { q: project('q'), k: project('k'), v: project('v') },
    { heads, headSize: inside / heads, scale: 1, bias },
  );
  return dense(g, seen, `${path}.o`, ids);
}

/** wo(gelu(wi_0 x) · wi_1 x) */
function feedForward(g: GraphBuilder, x: Value, block: string, ids: Value): Value {
  const path = `${block}.1.DenseReluDense`;
  const gate = geluTanh(g, dense(g, x, `${path}.wi_0`, ids));
  const product = g.op('Mul', [gate, dense(g, x, `${path}.wi_1`, ids)]);
  return dense(g, product, `${path}.wo`, ids);
}
