/**
 * Real-ESRGAN's compact network: convolutions at the picture's own size, and only the last one's channels become pixels
 * (Wang et al. 2021, "Real-ESRGAN"; SRVGGNetCompact).
 */
import type { UpscalerTensors } from '../../checkpoint/names/upscaler.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle } from '../builder.ts';
import { conv, upsample } from '../layers.ts';

/** Pixels [1,3,side,side] in 0 … 1 -> [1,3,factor·side,factor·side]. @throws Error when a tensor is missing */
export function compactGraph(
  { tensors, factor }: UpscalerTensors,
  style: GraphStyle,
  side: number,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  const pixels = g.input('picture', [1, 3, side, side]);
  let x = conv(g, pixels, 'body.0');
  let at = 1;
  for (; g.has(`body.${at + 1}.weight`); at += 2) {
    const [channels = 0] = g.shapeOf(`body.${at}.weight`);
    const slopes = g.weight(`body.${at}.weight`, [channels, 1, 1]);
    x = conv(g, g.op('PRelu', [x, slopes]), `body.${at + 1}`);
  }
  const made = g.op('DepthToSpace', [x], { blocksize: factor, mode: 'CRD' });
  const enlarged = g.op('Add', [made, upsample(g, pixels, factor)]);
  g.output(enlarged, 'enlarged', [1, 3, side * factor, side * factor]);
  return g.finish('compact');
}
