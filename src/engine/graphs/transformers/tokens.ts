/**
 * What diffusion transformers are made of: layers over tokens [B,S,width] of one batch, and pictures as tokens. The
 * batch is the first axis of `like`, a value of the graph that every function is given.
 */
import { type GraphBuilder, MICROSOFT, type Value } from '../builder.ts';
import { flat, linear, rowsOf } from '../layers.ts';
import { ELEMENT } from '../proto.ts';

/** What every one is fed: latents [B,C,h,w], the moment [B] in float32, and the text's states [B,L,textWidth]. */
export function inputsOf(
  g: GraphBuilder,
  channels: number,
  textWidth: number,
): { sample: Value; timestep: Value; text: Value } {
  return {
    sample: g.input('hidden_states', ['batch_size', channels, 'height', 'width']),
    timestep: g.input('timestep', ['batch_size'], ELEMENT.float32),
    text: g.input('encoder_hidden_states', ['batch_size', 'tokens', textWidth]),
  };
}

/** y = x Wᵀ + b of [B,S,in] -> [B,S,out] */
export function dense(g: GraphBuilder, x: Value, path: string, like: Value): Value {
  const [out = 0, inside = 0] = g.shapeOf(`${path}.weight`);
  return g.op('Reshape', [linear(g, flat(g, x, inside), path), rowsOf(g, like, out)]);
}

/** x / sqrt(mean(x²) + ε) · weight over the last axis (Zhang and Sennrich 2019). */
export function rmsNorm(g: GraphBuilder, x: Value, weight: string, epsilon: number): Value {
  const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
  return g.op('SimplifiedLayerNormalization', [x, g.weight(weight)], attributes, { name: weight });
}

/** (x - mean) / sqrt(variance + ε) over the last axis of `width`, without a scale of its own: modulation brings one. */
export function plainNorm(g: GraphBuilder, x: Value, width: number, epsilon: number): Value {
  const ones = g.once(`ones ${width}`, () => g.op('Expand', [g.floats('one', [1]), g.ints(width)]));
  return g.op('LayerNormalization', [x, ones], { axis: -1, epsilon: { float: epsilon } });
}

/** [B,parts·width] -> as many [B,1,width] */
export function chunks(g: GraphBuilder, x: Value, parts: number): readonly Value[] {
  const rows = g.op('Unsqueeze', [x, g.ints(1)]);
  return g.opOf(parts, 'Split', [rows], { axis: -1, num_outputs: parts });
}

/** x (1 + scale) + shift, both [B,1,width] */
export function modulate(g: GraphBuilder, x: Value, scale: Value, shift: Value | null): Value {
  const factor = g.op('Add', [scale, g.floats('one', [1])]);
  const scaled = g.op('Mul', [x, factor]);
  return shift === null ? scaled : g.op('Add', [scaled, shift]);
}

/** x + gate · y */
export function gated(g: GraphBuilder, x: Value, gate: Value, y: Value): Value {
  return g.op('Add', [x, g.op('Mul', [gate, y])]);
}

/** x · Φ(x) by the tanh that GPT-2 took for it */
export function geluTanh(g: GraphBuilder, x: Value): Value {
  return g.op('Gelu', [x], { approximate: 'tanh' });
}

/** x · sigmoid(x) */
export function swish(g: GraphBuilder, x: Value): Value {
  return g.op('QuickGelu', [x], { alpha: { float: 1 } }, { domain: MICROSOFT });
}

/** RMS norm of each head's features; `weight` null: none. x [B,S,heads·size] */
export function headNorm(
  g: GraphBuilder,
  x: Value,
  weight: string | null,
  {
    heads,
    headSize,
    epsilon,
    like,
  }: { heads: number; headSize: number; epsilon: number; like: Value },
): Value {
  if (weight === null || !g.has(weight)) return x;
  const apart = g.op('Reshape', [x, g.ints(0, 0, heads, headSize)]);
  const normed = rmsNorm(g, apart, weight, epsilon);
  return g.op('Reshape', [normed, rowsOf(g, like, heads * headSize)]);
}

/** Height and width of [B,C,h,w] in patches of two by two, each as [1] int64. */
export function gridOf(g: GraphBuilder, sample: Value): { height: Value; width: Value } {
  const side = (start: number): Value =>
    g.once(`side ${sample} ${start}`, () => {
      const pixels = g.op('Shape', [sample], { start, end: start + 1 });
      return g.op('Div', [pixels, g.ints(2)]);
    });
  return { height: side(2), width: side(3) };
}

function shapeOf(g: GraphBuilder, ...parts: readonly Value[]): Value {
  return g.op('Concat', parts, { axis: 0 });
}

function batchOf(g: GraphBuilder, like: Value): Value {
  return g.once(`batch ${like}`, () => g.op('Shape', [like], { start: 0, end: 1 }));
}

/** Where a patch's numbers stand in its token: channel first or channel last. */
export type PatchOrder = 'channels first' | 'channels last';

/** [B,C,h,w] -> tokens [B, h/2·w/2, 4·C] */
export function patchify(
  g: GraphBuilder,
  sample: Value,
  channels: number,
  order: PatchOrder,
): Value {
  const { height, width } = gridOf(g, sample);
  const cut = g.op('Reshape', [
    sample,
    shapeOf(g, g.ints(0, channels), height, g.ints(2), width, g.ints(2)),
  ]);
  // b c h p w q
  const perm = order === 'channels first' ? [0, 2, 4, 1, 3, 5] : [0, 2, 4, 3, 5, 1];
  const turned = g.op('Transpose', [cut], { perm });
  return g.op('Reshape', [turned, rowsOf(g, sample, 4 * channels)]);
}

/** Tokens [B, h/2·w/2, 4·C] -> [B,C,h,w] of the shape of `sample` */
export function unpatchify(
  g: GraphBuilder,
  tokens: Value,
  { sample, channels, order }: { sample: Value; channels: number; order: PatchOrder },
): Value {
  const { height, width } = gridOf(g, sample);
  const patch = order === 'channels first' ? g.ints(channels, 2, 2) : g.ints(2, 2, channels);
  const apart = g.op('Reshape', [tokens, shapeOf(g, batchOf(g, sample), height, width, patch)]);
  // to b c h p w q
  const perm = order === 'channels first' ? [0, 3, 1, 4, 2, 5] : [0, 5, 1, 3, 2, 4];
  const turned = g.op('Transpose', [apart], { perm });
  const sides = g.op('Shape', [sample], { start: 2 });
  return g.op('Reshape', [turned, shapeOf(g, batchOf(g, sample), g.ints(channels), sides)]);
}
