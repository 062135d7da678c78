import type { EmphasisName } from '../../names.ts';

/**
 * Weights a text embedding z [B,T,C] by token. `original` multiplies and restores the mean of the whole tensor
 * (A1111's default), `no_norm` only multiplies, `ignore` and `none` return z itself. B = the entries of one
 * part's schedule, T = tokens of one chunk, multipliers [B][T]. Behaviour of modules/sd_emphasis.py, v1.10.1.
 */
export function applyEmphasis(
  z: Float32Array,
  shape: readonly [number, number, number],
  multipliers: readonly number[][],
  mode: EmphasisName,
): Float32Array {
  if (mode === 'ignore' || mode === 'none') return z;
  const [, tokens, channels] = shape;
  const weighted = new Float32Array(z.length);
  for (let row = 0; row * channels < z.length; row++) {
    const factor = Math.fround(multipliers[Math.floor(row / tokens)]?.[row % tokens] ?? 1);
    for (let at = row * channels; at < (row + 1) * channels; at++)
      weighted[at] = (z[at] ?? 0) * factor;
  }
  if (mode === 'no_norm') return weighted;
  const restore = Math.fround(Math.fround(mean(z)) / Math.fround(mean(weighted)));
  return weighted.map((value) => value * restore);
}

/**
 * ComfyUI's emphasis: moves each token's embedding away from (or towards) that of the empty prompt,
 * empty + weight (z - empty). z [B,T,C], empty [T,C], multipliers [B][T].
 */
export function applyComfyEmphasis(
  z: Float32Array,
  empty: Float32Array,
  shape: readonly [number, number, number],
  multipliers: readonly number[][],
): Float32Array {
  const [, tokens, channels] = shape;
  const span = tokens * channels;
  return z.map((value, at) => {
    const weight = multipliers[Math.floor(at / span)]?.[Math.floor((at % span) / channels)] ?? 1;
    const base = empty[at % span] ?? 0;
    return weight === 1 ? value : base + Math.fround(value - base) * weight;
  });
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
