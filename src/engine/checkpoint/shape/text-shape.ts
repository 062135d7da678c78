/** The shape of a CLIP text encoder (Radford et al. 2021), and the tensors that it must have. */
import { type Blueprint, countBelow, dimOf, layer } from './blueprint.ts';
import type { PartTensors } from '../tensors.ts';

export type TextShape = {
  /** features of a token */
  width: number;
  layers: number;
  vocabulary: number;
  /** tokens of a prompt */
  positions: number;
  /** features of the prompt as a whole behind text_projection; null: it has none */
  projection: number | null;
};

/**
 * Reads the shape of a CLIP text encoder (transformers' names below `text_model`) from its tensors. What is missing
 * counts as 0.
 */
export function textShape(tensors: PartTensors): TextShape {
  const turned = dimOf(tensors, 'text_projection', 1);
  return {
    width: dimOf(tensors, 'embeddings.token_embedding.weight', 1),
    layers: countBelow(tensors, 'encoder.layers'),
    vocabulary: dimOf(tensors, 'embeddings.token_embedding.weight', 0),
    positions: dimOf(tensors, 'embeddings.position_embedding.weight', 0),
    projection: turned || dimOf(tensors, 'text_projection.weight', 0) || null,
  };
}

/** Lists every tensor that an encoder of this shape must have, with its shape. */
export function textBlueprint(tensors: PartTensors, shape: TextShape): Blueprint {
  const blueprint: Blueprint = new Map();
  const { width } = shape;
  blueprint.set('embeddings.token_embedding.weight', [shape.vocabulary, width]);
  blueprint.set('embeddings.position_embedding.weight', [shape.positions, width]);
  for (let i = 0; i < Math.max(1, shape.layers); i++) {
    const path = `encoder.layers.${i}`;
    layer(blueprint, `${path}.layer_norm1`, [width]);
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      layer(blueprint, `${path}.self_attn.${name}`, [width, width]);
    }
    layer(blueprint, `${path}.layer_norm2`, [width]);
    const inner = dimOf(tensors, 'encoder.layers.0.mlp.fc1.weight', 0);
    layer(blueprint, `${path}.mlp.fc1`, [inner, width]);
    layer(blueprint, `${path}.mlp.fc2`, [width, inner]);
  }
  layer(blueprint, 'final_layer_norm', [width]);
  if (shape.projection !== null) {
    if (tensors.has('text_projection')) blueprint.set('text_projection', [width, shape.projection]);
    else blueprint.set('text_projection.weight', [shape.projection, width]);
  }
  return blueprint;
}
