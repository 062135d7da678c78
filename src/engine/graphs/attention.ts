/** Attention: softmax(q kᵀ · scale) v for every head, in one node or written out. */
import { type GraphBuilder, MICROSOFT, type Value } from './builder.ts';
import { ELEMENT } from './proto.ts';

export type Heads = {
  heads: number;
  /** features of one head; the scores are divided by its root */
  headSize: number;
  /** tokens see only those before them */
  causal?: boolean;
  /** added to the scores: broadcasts to [B,heads,S,T] */
  bias?: Value;
  /** what scores are multiplied with; absent: 1 / sqrt(headSize) */
  scale?: number;
};

/** q [B,S,heads·headSize], k and v [B,T,heads·headSize] -> [B,S,heads·headSize] */
export function attend(
  g: GraphBuilder,
  { q, k, v }: { q: Value; k: Value; v: Value },
  options: Heads,
): Value {
  return g.style.attention === 'fused'
    ? fused(g, [q, k, v], options)
    : writtenOut(g, [q, k, v], options);
}

/** On the CPU a flash kernel: the scores, 2 x 8 x 4096² numbers in SD 1 at 512², are never all in memory. */
function fused(
  g: GraphBuilder,
  inputs: readonly Value[],
  { heads, headSize, causal, bias, scale = 1 / Math.sqrt(headSize) }: Heads,
): Value {
  const attributes = {
    num_heads: heads,
    scale: { float: scale },
    ...(causal && { unidirectional: 1 }),
  };
  // behind q, k and v come their biases and a mask of keys
  const all = bias === undefined ? inputs : [...inputs, '', '', bias];
  return g.op('MultiHeadAttention', all, attributes, { domain: MICROSOFT });
}

function writtenOut(
  g: GraphBuilder,
  [q = '', k = '', v = '']: readonly Value[],
  { heads, headSize, causal, bias, scale: factor = 1 / Math.sqrt(headSize) }: Heads,
): Value {
  const split = (x: Value, perm: readonly number[]): Value =>
    g.op('Transpose', [g.op('Reshape', [x, g.ints(0, 0, heads, headSize)])], { perm });
  const queries = split(q, [0, 2, 1, 3]);
  const keys = split(k, [0, 2, 3, 1]);
  const scale = g.floats(`scale_${factor}`, [factor]);
  const scaled = g.op('Mul', [g.op('MatMul', [queries, keys]), scale]);
  const masks = [...(causal ? [causalMask(g, q)] : []), ...(bias === undefined ? [] : [bias])];
  const scores = masks.reduce((sum, mask) => g.op('Add', [sum, mask]), scaled);
  const shares = g.op('Softmax', [scores], { axis: -1 });
  const seen = g.op('MatMul', [shares, split(v, [0, 2, 1, 3])]);
  const joined = g.op('Transpose', [seen], { perm: [0, 2, 1, 3] });
  return g.op('Reshape', [joined, g.ints(0, 0, heads * headSize)]);
}

/** Far below every score, and still a number in float16. */
const UNSEEN = -65504;

/** [S,S]: 0 on and below the diagonal */
function causalMask(g: GraphBuilder, q: Value): Value {
  return g.once('causal mask', () => {
    const length = g.op('Shape', [q], { start: 1, end: 2 });
    const square = g.op('Concat', [length, length], { axis: 0 });
    const unseen = g.floats('unseen', [UNSEEN], [1], ELEMENT.float32);
    const full = g.op('Expand', [unseen, square]);
    return g.cast(g.op('Trilu', [full, g.int(1)], { upper: 1 }), ELEMENT.float32);
  });
}
