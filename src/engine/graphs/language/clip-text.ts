/**
 * CLIP's text encoder (Radford et al. 2021): OpenAI's L of SD 1 and XL, OpenCLIP's H of SD 2 and G of XL. Names are
 * those of transformers' CLIPTextModel without `text_model.`, outputs those of its exports, with every hidden state.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { VECTOR_INPUTS } from '../../onnx/token-embedding.ts';
import type { LowRankBranch } from '../low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { clipLayer, type ClipWords } from '../clip-layer.ts';
import { embedding, layerNorm, linear } from '../layers.ts';
import { ELEMENT } from '../proto.ts';

export type ClipTextConfig = ClipWords & {
  /** how many of the file's layers count: SD 2 leaves out OpenCLIP's last */
  layers: number;
  /** the prompt as a whole goes through `text_projection` */
  projected: boolean;
};

export type ClipTextEnd = {
  /** the final norm reads this layer's output (0: the embeddings); null: the last one's */
  endAfter: number | null;
  /** vectors stand in for tokens: see onnx/token-embedding.ts */
  vectors: boolean;
};

/** @throws Error when a tensor is missing or has another shape than the others need */
export function clipTextGraph(
  tensors: PartTensors,
  config: ClipTextConfig,
  style: GraphStyle,
  { endAfter, vectors }: ClipTextEnd = { endAfter: null, vectors: false },
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const ids = g.input('input_ids', ['batch_size', 'sequence_length'], ELEMENT.int64);
  const words = embedding(g, 'embeddings.token_embedding.weight', ids);
  const given = vectors ? orVectors(g, words) : words;
  let x = g.op('Add', [
    given,
    embedding(g, 'embeddings.position_embedding.weight', places(g, ids)),
  ]);
  const states = [x];
  for (let i = 0; i < config.layers; i++) {
    x = clipLayer(g, x, `encoder.layers.${i}`, { ...config, causal: true });
    states.push(x);
  }
  const last = states[endAfter ?? config.layers] ?? x;
  const normed = layerNorm(g, last, 'final_layer_norm', config.normEpsilon);

  const width = widthOf(g);
  const dims = ['batch_size', 'sequence_length', width];
  g.output(normed, 'last_hidden_state', dims);
  for (const [i, state] of states.entries()) g.output(state, `hidden_states.${i}`, dims);
  const pooled = g.op('GatherND', [normed, endToken(g, ids)], { batch_dims: 1 });
  if (config.projected) {
    g.output(...projection(g, pooled));
  } else {
    g.output(pooled, 'pooler_output', ['batch_size', width]);
  }
  return g.finish('text_encoder');
}

function widthOf(g: GraphBuilder): number {
  return g.shapeOf('embeddings.token_embedding.weight')[1] ?? 0;
}

/** 0, 1, 2, … as many as there are tokens */
function places(g: GraphBuilder, ids: Value): Value {
  const length = g.op('Shape', [ids], { start: 1, end: 2 });
  const count = g.op('Squeeze', [length]);
  return g.op('Range', [g.int(0), count, g.int(1)]);
}

function orVectors(g: GraphBuilder, words: Value): Value {
  const dims = ['batch_size', 'sequence_length'];
  const at = g.input(VECTOR_INPUTS.places, [...dims, 1], ELEMENT.bool);
  const given = g.input(VECTOR_INPUTS.vectors, [...dims, widthOf(g)]);
  return g.op('Where', [at, given, words]);
}

/** [B,1]: the end of the text has the highest number of the vocabulary; padding comes behind it, or is it again. */
function endToken(g: GraphBuilder, ids: Value): Value {
  return g.op('ArgMax', [ids], { axis: -1, keepdims: 1 });
}

/** OpenCLIP keeps a bare matrix [in, out], transformers a layer [out, in]. */
function projection(g: GraphBuilder, pooled: Value): [Value, Value, (string | number)[]] {
  const turned = g.has('text_projection');
  const [out = 0] = turned
    ? g.shapeOf('text_projection').slice(1)
    : g.shapeOf('text_projection.weight');
  const projected = turned
    ? g.op('Gemm', [pooled, g.weight('text_projection')], {}, { name: 'text_projection' })
    : linear(g, pooled, 'text_projection');
  return [projected, 'text_embeds', ['batch_size', out]];
}
