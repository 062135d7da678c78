/**
 * Rotary position embedding (Su et al. 2021) over several axes: the features of a head are turned in pairs by angles
 * that grow with the token's place on each axis. The turns of every place are a table in the graph, made the way
 * the reference makes them, and a token's row is fetched from it.
 */
import { type GraphBuilder, MICROSOFT, type Value } from '../builder.ts';

/**
 * How a family rounds its angles: in double precision until their cosine is taken (`late`), as float32 just before
 * (`early`), or with rates that are float32 from the start (`rates`).
 */
export type Rounding = 'late' | 'early' | 'rates';

export type RotaryAxis = {
  /** features of a head that turn with this axis; even */
  features: number;
  /** places 0 … this that tokens may have on it; with `from` below 0, from there on */
  places: number;
  from?: number;
};

export type RotaryWords = { axes: readonly RotaryAxis[]; theta: number; rounding: Rounding };

/** The cosines and sines of a sequence, [S, head/2] each. */
export type Turns = { cos: Value; sin: Value };

const f = Math.fround;

function anglesOf(
  { features, places, from = 0 }: RotaryAxis,
  { theta, rounding }: RotaryWords,
): number[] {
  const half = features / 2;
  const rates = Array.from({ length: half }, (_, i) =>
    rounding === 'rates'
      ? f(1 / f(theta ** f((2 * i) / features)))
      : 1 / theta ** ((2 * i) / features),
  );
  return Array.from({ length: places - from }, (_, row) => row + from).flatMap((place) =>
    rates.map((rate) => (rounding === 'late' ? place * rate : f(place * rate))),
  );
}

/** `positions`: for each axis the tokens' places, [S] int64 */
export function turnsOf(g: GraphBuilder, words: RotaryWords, positions: readonly Value[]): Turns {
  const rows = (kind: 'cos' | 'sin'): Value =>
    g.op(
      'Concat',
      words.axes.map((axis, i) => {
        const table = g.once(`table of ${kind}_${i}`, () =>
          g.floats(
            `${kind}_${i}`,
            anglesOf(axis, words).map((angle) => Math[kind](angle)),
            [axis.places - (axis.from ?? 0), axis.features / 2],
          ),
        );
        const places = positions[i] as Value;
        const row = axis.from ? g.op('Sub', [places, g.int(axis.from)]) : places;
        return g.op('Gather', [table, row], { axis: 0 });
      }),
      { axis: -1 },
    );
  return { cos: rows('cos'), sin: rows('sin') };
}

/** One sequence's turns behind another's. */
export function joinTurns(g: GraphBuilder, first: Turns, second: Turns): Turns {
  const join = (a: Value, b: Value): Value => g.op('Concat', [a, b], { axis: 0 });
  return { cos: join(first.cos, second.cos), sin: join(first.sin, second.sin) };
}

/** x [B,S,heads·head] turned; neighbours make a pair (2i, 2i + 1), or the halves of a head do (i, i + head/2). */
export function rotate(
  g: GraphBuilder,
  x: Value,
  { cos, sin }: Turns,
  { heads, pairs }: { heads: number; pairs: 'neighbours' | 'halves' },
): Value {
  const attributes = { interleaved: pairs === 'neighbours' ? 1 : 0, num_heads: heads };
  // one number for the position of the first token: the table's rows are the sequence's own
  return g.op('RotaryEmbedding', [x, g.ints(0), cos, sin], attributes, { domain: MICROSOFT });
}

/** 0, 1, … count - 1 as [count] int64, plus `first`; both without axes. */
export function range(g: GraphBuilder, count: Value, first: Value | null = null): Value {
  const places = g.op('Range', [g.int(0), count, g.int(1)]);
  return first === null ? places : g.op('Add', [places, first]);
}

/** The row and the column of each patch of a grid, [height·width] each; both counts without axes. */
export function gridPlaces(
  g: GraphBuilder,
  height: Value,
  width: Value,
): { rows: Value; columns: Value } {
  const all = range(g, g.op('Mul', [height, width]));
  return { rows: g.op('Div', [all, width]), columns: g.op('Mod', [all, width]) };
}

/** `value` for each of `count` tokens, [count] int64; both without axes. */
export function same(g: GraphBuilder, value: Value, count: Value): Value {
  return g.op('Expand', [value, g.op('Unsqueeze', [count, g.ints(0)])]);
}
