/** One layer of CLIP's transformers (Radford et al. 2021), for words and pictures alike. */
import { attend } from './attention.ts';
import type { GraphBuilder, Value } from './builder.ts';
import { flat, gelu, layerNorm, linear, quickGelu } from './layers.ts';

export type ClipWords = {
  heads: number;
  /** OpenAI's CLIP bends with an approximation, OpenCLIP exactly */
  activation: 'quick_gelu' | 'gelu';
  normEpsilon: number;
};

/** [B,S,C] -> [B,S,C]: attention, then a feed-forward network, each behind a norm and added on top. */
export function clipLayer(
  g: GraphBuilder,
  x: Value,
  path: string,
  { heads, activation, normEpsilon, causal }: ClipWords & { causal: boolean },
): Value {
  const [width = 0] = g.shapeOf(`${path}.layer_norm1.weight`);
  const shape = g.op('Shape', [x]);
  const normed = flat(g, layerNorm(g, x, `${path}.layer_norm1`, normEpsilon), width);
  const project = (layer: string): Value =>
    g.op('Reshape', [linear(g, normed, `${path}.self_attn.${layer}`), shape]);
  const [q, k, v] = [project('q_proj'), project('k_proj'), project('v_proj')];
  const seen = attend(g, { q, k, v }, { heads, headSize: width / heads, causal });
  const out = linear(g, flat(g, seen, width), `${path}.self_attn.out_proj`);
  const y = g.op('Add', [x, g.op('Reshape', [out, shape])]);
  const wide = linear(
    g,
    flat(g, layerNorm(g, y, `${path}.layer_norm2`, normEpsilon), width),
    `${path}.mlp.fc1`,
  );
  const bent = activation === 'quick_gelu' ? quickGelu(g, wide) : gelu(g, wide);
  return g.op('Add', [y, g.op('Reshape', [linear(g, bent, `${path}.mlp.fc2`), shape])]);
}
