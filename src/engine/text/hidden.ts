/** What CLIPs make of one chunk of tokens. */

/** states [T,C] before any weighting */
export type Hidden = {
  states: Float32Array;
  tokens: number;
  dim: number;
  pooled: Float32Array | null;
};

/**
 * Several encoders' states of one chunk side by side along the feature axis, zeros behind them up to `width`; one that is
 * as wide alone comes back as it is. `pooled` makes one text as a whole of theirs.
 */
export function besideEachOther(
  hidden: readonly Hidden[],
  width: number,
  pooled: (hidden: readonly Hidden[]) => Float32Array | null,
): Hidden {
  const [first] = hidden as [Hidden];
  const dim = Math.max(
    width,
    hidden.reduce((total, part) => total + part.dim, 0),
  );
  if (dim === first.dim) return first;
  const states = new Float32Array(first.tokens * dim);
  let column = 0;
  for (const part of hidden) {
    for (let token = 0; token < first.tokens; token++) {
      const row = part.states.subarray(token * part.dim, (token + 1) * part.dim);
      states.set(row, token * dim + column);
    }
    column += part.dim;
  }
  return { states, tokens: first.tokens, dim, pooled: pooled(hidden) };
}
