/**
 * ESRGAN's generator: dense blocks of five convolutions, three in a residual block (Wang et al. 2018, "ESRGAN: Enhanced
 * Super-Resolution Generative Adversarial Networks"; names of Real-ESRGAN's RRDBNet).
 */
import type { UpscalerTensors } from '../../checkpoint/names/upscaler.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { conv, upsample } from '../layers.ts';

/** What each block's result counts beside what went in. */
const RESIDUAL = 0.2;
const SLOPE = 0.2;

/** Pixels [1,3,side,side] in 0 … 1 -> [1,3,factor·side,factor·side]. @throws Error when a tensor is missing */
export function rrdbGraph(
  { tensors, factor, folds }: UpscalerTensors,
  style: GraphStyle,
  side: number,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  const pixels = g.input('picture', [1, 3, side, side]);
  const first = conv(g, folded(g, pixels, folds, side), 'conv_first');
  let x = first;
  for (let i = 0; i < g.countOf('body', 'rdb1.conv1.weight'); i++) {
    const before = x;
    for (const block of ['rdb1', 'rdb2', 'rdb3']) x = denseBlock(g, x, `body.${i}.${block}`);
    x = onTop(g, x, before);
  }
  x = g.op('Add', [first, conv(g, x, 'conv_body')]);
  for (let i = 1; g.has(`conv_up${i}.weight`); i++) {
    x = leaky(g, conv(g, upsample(g, x), `conv_up${i}`));
  }
  x = conv(g, leaky(g, conv(g, x, 'conv_hr')), 'conv_last');
  g.output(x, 'enlarged', [1, 3, side * factor, side * factor]);
  return g.finish('rrdb');
}

/** Each convolution sees what went in and all results before its own. */
function denseBlock(g: GraphBuilder, x: Value, path: string): Value {
  const seen: Value[] = [x];
  for (const layer of [1, 2, 3, 4]) {
    const all = seen.length === 1 ? x : g.op('Concat', seen, { axis: 1 });
    seen.push(shortcut(g, leaky(g, conv(g, all, `${path}.conv${layer}`)), { seen, layer, path }));
  }
  return onTop(g, conv(g, g.op('Concat', seen, { axis: 1 }), `${path}.conv5`), x);
}

/** ESRGAN+ (Rakotonirina & Rasoanaivo 2020) adds what went in to the second result, and the second to the fourth. */
function shortcut(
  g: GraphBuilder,
  made: Value,
  { seen, layer, path }: { seen: readonly Value[]; layer: number; path: string },
): Value {
  if (!g.has(`${path}.conv1x1.weight`)) return made;
  if (layer === 2) return g.op('Add', [made, conv(g, seen[0] ?? '', `${path}.conv1x1`)]);
  return layer === 4 ? g.op('Add', [made, seen[2] ?? '']) : made;
}

function onTop(g: GraphBuilder, x: Value, before: Value): Value {
  return g.op('Add', [g.op('Mul', [x, g.floats('residual', [RESIDUAL], [])]), before]);
}

function leaky(g: GraphBuilder, x: Value): Value {
  return g.op('LeakyRelu', [x], { alpha: { float: SLOPE } });
}

/** Squares of pixels as channels, in torch's order (PixelUnshuffle), which ONNX's SpaceToDepth does not have. */
function folded(g: GraphBuilder, x: Value, folds: number, side: number): Value {
  if (folds === 1) return x;
  const small = side / folds;
  const squares = g.op('Reshape', [x, g.ints(3, small, folds, small, folds)]);
  const channels = g.op('Transpose', [squares], { perm: [0, 2, 4, 1, 3] });
  return g.op('Reshape', [channels, g.ints(1, 3 * folds * folds, small, small)]);
}
