/**
 * The safety checker of Stable Diffusion (Rando et al. 2022): CLIP's picture encoder, and the cosines of what it sees
 * to concepts that its makers do not want shown. Names are those of diffusers' StableDiffusionSafetyChecker, inputs and
 * output those of its export.
 */
import type { PartTensors } from '../checkpoint/tensors.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from './builder.ts';
import { clipLayer } from './clip-layer.ts';
import { conv, layerNorm, linear, rowsOf, toTokens } from './layers.ts';
import { ELEMENT } from './proto.ts';

const HEAD_SIZE = 64;
/** How much sooner a concept counts in a picture that a special one was seen in. */
const SPECIAL_CARE = 0.01;

/** `heads`: of the picture encoder, where a config tells */
export function safetyCheckerGraph(
  tensors: PartTensors,
  style: GraphStyle,
  heads?: number,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style);
  const pixels = g.input('clip_input', ['batch_size', 3, 'height', 'width']);
  const seen = linear(g, look(g, pixels, heads), 'visual_projection');
  const care = g.op('Greater', [distance(g, seen, 'special_care_embeds'), zero(g)]);
  const special = g.op('ReduceMax', [g.op('Cast', [care], { to: g.type }), g.ints(1)]);
  const sooner = g.op('Mul', [special, g.floats('special care', [SPECIAL_CARE], [])]);
  const scores = g.op('Add', [distance(g, seen, 'concept_embeds'), sooner]);
  const found = g.op('Cast', [g.op('Greater', [scores, zero(g)])], { to: ELEMENT.int32 });
  const any = g.op('ReduceMax', [found, g.ints(1)], { keepdims: 0 });
  const verdict = g.op('Cast', [any], { to: ELEMENT.bool });
  g.output(verdict, 'has_nsfw_concepts', ['batch_size'], ELEMENT.bool);
  return g.finish('safety_checker');
}

function zero(g: GraphBuilder): Value {
  return g.floats('zero', [0], []);
}

/** A picture as one vector, [B, width]. */
function look(g: GraphBuilder, pixels: Value, heads?: number): Value {
  // transformers before 5 has a model around the model
  const wrapped = g.has('vision_model.vision_model.embeddings.class_embedding');
  const clip = wrapped ? 'vision_model.vision_model' : 'vision_model';
  const patch = `${clip}.embeddings.patch_embedding`;
  const [width = 0, , side = 1] = g.shapeOf(`${patch}.weight`);
  const patches = conv(g, pixels, patch, { stride: side, pads: [0, 0, 0, 0] });
  const rows = rowsOf(g, pixels, width);
  const tokens = g.op('Reshape', [toTokens(g, patches, width), rows]);
  const first = g.op('Expand', [
    g.weight(`${clip}.embeddings.class_embedding`, [1, 1, width]),
    g.op('Concat', [g.op('Shape', [pixels], { start: 0, end: 1 }), g.ints(1, width)], { axis: 0 }),
  ]);
  const all = g.op('Concat', [first, tokens], { axis: 1 });
  const placed = g.op('Add', [all, g.weight(`${clip}.embeddings.position_embedding.weight`)]);
  let x = layerNorm(g, placed, `${clip}.pre_layrnorm`);
  const words = {
    heads: heads ?? width / HEAD_SIZE,
    activation: 'quick_gelu',
    normEpsilon: 1e-5,
    causal: false,
  } as const;
  for (let i = 0; i < g.countOf(`${clip}.encoder.layers`, 'layer_norm1.weight'); i++) {
    x = clipLayer(g, x, `${clip}.encoder.layers.${i}`, words);
  }
  const whole = g.op('Gather', [x, g.int(0)], { axis: 1 });
  return layerNorm(g, whole, `${clip}.post_layernorm`);
}

/** [B, concepts]: how far each cosine is above the concept's threshold */
function distance(g: GraphBuilder, seen: Value, concepts: string): Value {
  const cosines = g.op('Gemm', [unit(g, seen), unit(g, g.weight(concepts))], { transB: 1 });
  return g.op('Sub', [cosines, g.weight(`${concepts}_weights`)]);
}

function unit(g: GraphBuilder, vectors: Value): Value {
  const length = g.op('ReduceL2', [vectors, g.ints(-1)]);
  const least = g.floats('least length', [1e-12], [], ELEMENT.float32);
  return g.op('Div', [vectors, g.op('Max', [length, g.cast(least, ELEMENT.float32)])]);
}
