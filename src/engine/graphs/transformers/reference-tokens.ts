/** Pictures to edit from: tokens behind those of the noise, which know where they stand. */
import type { GraphBuilder, Value } from '../builder.ts';
import { ELEMENT } from '../proto.ts';

/** Tokens [B,S,F], and for each axis their places, [S] int64. */
export type Placed = { tokens: Value; axes: readonly Value[] };

/** The noise, and behind it reference_states [B,R,`features`] at reference_places [R,axes]; R may be 0. */
export function withReferences(g: GraphBuilder, noise: Placed, features: number): Placed {
  const states = g.input('reference_states', ['batch_size', 'reference_tokens', features]);
  const { length } = noise.axes;
  const places = g.input('reference_places', ['reference_tokens', length], ELEMENT.int64);
  return {
    tokens: g.op('Concat', [noise.tokens, states], { axis: 1 }),
    axes: noise.axes.map((axis, i) =>
      g.op('Concat', [axis, g.op('Gather', [places, g.int(i)], { axis: 1 })], { axis: 0 }),
    ),
  };
}

/** The first `count` ([1] int64) tokens of [B,S,F]. */
export function firstTokens(g: GraphBuilder, tokens: Value, count: Value): Value {
  return g.op('Slice', [tokens, g.ints(0), count, g.ints(1)]);
}
