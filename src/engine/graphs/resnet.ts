/** The residual block that UNet and VAE are made of (He et al. 2016, with groups for batches). */
import type { GraphBuilder, Value } from './builder.ts';
import { conv, groupNorm, linear, silu } from './layers.ts';

type ResnetOptions = {
  groups: number;
  epsilon: number;
  time: Value | null;
  /** see Convolution */
  fewPlaces?: boolean;
};

/** [B,C,H,W] -> [B,C',H,W]; `time` [B,T], already behind its SiLU, shifts every channel. */
export function resnet(
  g: GraphBuilder,
  x: Value,
  path: string,
  { time, fewPlaces = false, ...norm }: ResnetOptions,
): Value {
  let y = conv(g, silu(g, groupNorm(g, x, `${path}.norm1`, norm)), `${path}.conv1`, { fewPlaces });
  if (time !== null) {
    const shift = g.op('Unsqueeze', [linear(g, time, `${path}.time_emb_proj`), g.ints(2, 3)]);
    y = g.op('Add', [y, shift]);
  }
  y = conv(g, silu(g, groupNorm(g, y, `${path}.norm2`, norm)), `${path}.conv2`, { fewPlaces });
  const widened = g.has(`${path}.conv_shortcut.weight`);
  return g.op('Add', [widened ? conv(g, x, `${path}.conv_shortcut`, { fewPlaces }) : x, y]);
}
