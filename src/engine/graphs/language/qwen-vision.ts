/**
 * The eyes of Qwen2.5-VL (Qwen team 2025; reference transformers, models/qwen2_5_vl): a transformer over patches of 14
 * pixels, most of whose blocks look around within windows of 112, and which gives one token for four patches. Names are
 * transformers' without `model.` in front.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { attend } from '../attention.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { ELEMENT } from '../proto.ts';
import { rotate, type Turns } from '../transformers/rotary.ts';
import { dense, rmsNorm, swish } from '../transformers/tokens.ts';

export type QwenVisionConfig = {
  heads: number;
  /** blocks that look at the whole picture */
  whole: readonly number[];
};

const EPSILON = 1e-6;
const THETA = 10_000;
/** Patches that become one token. */
const MERGED = 4;
/** Far below every score, and still a number in float16. */
const UNSEEN = -65504;

/**
 * pixels [1,P,F] of patches, four that become one token behind each other; places [P,2] int64, row and column;
 * windows [W,N] int64, each the patches of a window and -1 where it has fewer; from_windows [P] int64, where each patch
 * stands in them -> image_embeds [1,P/4,D].
 * @throws Error when a tensor is missing or has another shape than the others need
 */
export function qwenVisionGraph(
  tensors: PartTensors,
  { heads, whole }: QwenVisionConfig,
  style: GraphStyle,
): BuiltGraph {
  const g = new GraphBuilder(withFlatPatches(tensors), style);
  const [width = 0, features = 0] = g.shapeOf('visual.patch_embed.proj.weight');
  const pixels = g.input('pixels', [1, 'patches', features]);
  const places = g.input('places', ['patches', 2], ELEMENT.int64);
  const windows = g.input('windows', ['windows', 'inside'], ELEMENT.int64);
  const back = g.input('from_windows', ['patches'], ELEMENT.int64);
  const headSize = width / heads;
  const turns = turnsOf(g, places, headSize);
  const call: Call = { g, like: pixels, heads, headSize, width, turns, windows, back };
  let x = dense(g, pixels, 'visual.patch_embed.proj', pixels);
  for (let i = 0; i < g.countOf('visual.blocks', 'attn.qkv.weight'); i++) {
    x = block(call, x, `visual.blocks.${i}`, whole.includes(i));
  }
  const normed = rmsNorm(g, x, 'visual.merger.ln_q.weight', EPSILON);
  const merged = g.op('Reshape', [normed, g.ints(1, -1, MERGED * width)]);
  const inner = g.op('Gelu', [dense(g, merged, 'visual.merger.mlp.0', pixels)]);
  const out = g.shapeOf('visual.merger.mlp.2.weight')[0] ?? 0;
  const embeds = dense(g, inner, 'visual.merger.mlp.2', pixels);
  g.output(embeds, 'image_embeds', [1, 'tokens', out]);
  return g.finish('text_encoder');
}

/** The convolution over a patch's two frames is a matrix of the same bytes. */
function withFlatPatches(tensors: PartTensors): PartTensors {
  const name = 'visual.patch_embed.proj.weight';
  const own = tensors.get(name);
  if (own === undefined) return tensors;
  const [out = 0, ...inside] = own.shape;
  const features = inside.reduce((product, side) => product * side, 1);
  return new Map(tensors).set(name, { ...own, shape: [out, features] });
}

type Call = {
  g: GraphBuilder;
  like: Value;
  heads: number;
  headSize: number;
  width: number;
  turns: Turns;
  windows: Value;
  back: Value;
};

/** Half of a head's pairs turn with the row, the others with the column; rates and angles are float32. */
function turnsOf(g: GraphBuilder, places: Value, headSize: number): Turns {
  const f = Math.fround;
  const spatial = headSize / 2;
  const rates = Array.from({ length: spatial / 2 }, (_, i) =>
    f(1 / f(THETA ** f((2 * i) / spatial))),
  );
  const row = g.floats('rates', rates, [1, 1, spatial / 2], ELEMENT.float32);
  const at = g.op('Cast', [g.op('Unsqueeze', [places, g.ints(2)])], { to: ELEMENT.float32 });
  const angles = g.op('Reshape', [g.op('Mul', [at, row]), g.ints(0, spatial)]);
  const cast = (x: Value): Value => g.cast(x, ELEMENT.float32);
  return { cos: cast(g.op('Cos', [angles])), sin: cast(g.op('Sin', [angles])) };
}

function block(call: Call, x: Value, path: string, looksAtAll: boolean): Value {
  const { g, like } = call;
  const norm = (value: Value, name: string): Value =>
    rmsNorm(g, value, `${path}.${name}.weight`, EPSILON);
  const y = g.op('Add', [x, attention(call, norm(x, 'norm1'), `${path}.attn`, looksAtAll)]);
  const given = norm(y, 'norm2');
  const gate = swish(g, dense(g, given, `${path}.mlp.gate_proj`, like));
  const product = g.op('Mul', [gate, dense(g, given, `${path}.mlp.up_proj`, like)]);
  return g.op('Add', [y, dense(g, product, `${path}.mlp.down_proj`, like)]);
}

function attention(call: Call, x: Value, path: string, looksAtAll: boolean): Value {
  const { g, like, heads, headSize, turns } = call;
  const [q, k, v] = g.opOf(3, 'Split', [dense(g, x, `${path}.qkv`, like)], {
    axis: -1,
    num_outputs: 3,
  }) as [Value, Value, Value];
  const turned = (value: Value): Value => rotate(g, value, turns, { heads, pairs: 'halves' });
  const given = { q: turned(q), k: turned(k), v };
  const seen = looksAtAll ? attend(g, given, { heads, headSize }) : lookInWindows(call, given);
  return dense(g, seen, `${path}.proj`, like);
}

/** Each window is a row of a batch. */
function lookInWindows(call: Call, { q, k, v }: { q: Value; k: Value; v: Value }): Value {
  const { g, heads, headSize, width, windows, back } = call;
  const from = g.once('patches in windows', () => g.op('Max', [windows, g.int(0)]));
  const inWindows = (x: Value): Value => {
    const rows = g.op('Squeeze', [x, g.ints(0)]);
    return g.op('Gather', [rows, from], { axis: 0 });
  };
  const seen = attend(
    g,
    { q: inWindows(q), k: inWindows(k), v: inWindows(v) },
    { heads, headSize, bias: emptiness(g, windows) },
  );
  const flat = g.op('Reshape', [seen, g.ints(-1, width)]);
  return g.op('Unsqueeze', [g.op('Gather', [flat, back], { axis: 0 }), g.ints(0)]);
}

/** [W,1,N,N]: nobody looks where a window has no patch */
function emptiness(g: GraphBuilder, windows: Value): Value {
  return g.once('emptiness', () => {
    const empty = g.op('Less', [windows, g.int(0)]);
    const one = g.op('Where', [empty, g.floats('unseen', [UNSEEN]), g.floats('seen', [0])]);
    const keys = g.op('Unsqueeze', [one, g.ints(1, 2)]);
    const inside = g.op('Shape', [windows], { start: 1 });
    const shape = g.op('Concat', [g.ints(1, 1), inside, g.ints(1)], { axis: 0 });
    return g.op('Expand', [keys, shape]);
  });
}
