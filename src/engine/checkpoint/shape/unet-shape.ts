/** A UNet's shape, as its tensors tell it (Rombach et al. 2022, Podell et al. 2023), and the tensors that it must have. */
import { type Blueprint, countBelow, dimOf, layer, resnet } from './blueprint.ts';
import type { PartTensors } from '../tensors.ts';

export type UnetShape = {
  inChannels: number;
  outChannels: number;
  /** of each level, the finest first */
  channels: readonly number[];
  /** resnets of each level on the way down */
  resnets: readonly number[];
  /** transformer blocks behind the first resnet of each level; 0: no attention there */
  depths: readonly number[];
  /** null: no middle block; `depth` 0: no attention in it */
  middle: { resnets: number; depth: number } | null;
  /** features of a token of the prompt */
  contextDim: number;
  /** proj_in and proj_out are linear layers (SD 2, XL) rather than convolutions of one pixel (SD 1) */
  linearProjection: boolean;
  /** SDXL: width of pooled prompt and sizes together */
  admChannels: number | null;
  /** LCM: numbers in the embedding of the guidance scale */
  guidanceEmbedding: number | null;
};

/** Reads the shape of a UNet (diffusers' names) from its tensors. What is missing counts as 0. */
export function unetShape(tensors: PartTensors): UnetShape {
  const levels = countBelow(tensors, 'down_blocks');
  const each = Array.from({ length: levels }, (_, level) => `down_blocks.${level}`);
  const depths = each.map((path) => depthBelow(tensors, path));
  const attention = firstAttention(tensors);
  const middle = countBelow(tensors, 'mid_block.resnets');
  return {
    inChannels: dimOf(tensors, 'conv_in.weight', 1),
    outChannels: dimOf(tensors, 'conv_out.weight', 0),
    channels: each.map((path) => dimOf(tensors, `${path}.resnets.0.conv1.weight`, 0)),
    resnets: each.map((path) => countBelow(tensors, `${path}.resnets`)),
    depths,
    middle: middle === 0 ? null : { resnets: middle, depth: depthBelow(tensors, 'mid_block') },
    contextDim:
      attention === null
        ? 0
        : dimOf(tensors, `${attention}.transformer_blocks.0.attn2.to_k.weight`, 1),
    linearProjection:
      attention !== null && tensors.get(`${attention}.proj_in.weight`)?.shape.length === 2,
    admChannels: dimOf(tensors, 'add_embedding.linear_1.weight', 1) || null,
    guidanceEmbedding: dimOf(tensors, 'time_embedding.cond_proj.weight', 1) || null,
  };
}

function depthBelow(tensors: PartTensors, block: string): number {
  return countBelow(tensors, `${block}.attentions.0.transformer_blocks`);
}

function firstAttention(tensors: PartTensors): string | null {
  for (const name of tensors.keys()) {
    const path = /^(.*\.attentions\.\d+)\.transformer_blocks\.0\.attn2\.to_k\.weight$/.exec(name);
    if (path) return path[1] ?? null;
  }
  return null;
}

/** In the order in which a picture passes through. */
export function unetBlueprint(tensors: PartTensors, shape: UnetShape): Blueprint {
  const blueprint: Blueprint = new Map();
  const { channels } = shape;
  const [first = 0] = channels;
  const time = dimOf(tensors, 'time_embedding.linear_1.weight', 0);
  layer(blueprint, 'conv_in', [first, shape.inChannels, 3, 3]);
  layer(blueprint, 'time_embedding.linear_1', [time, first]);
  layer(blueprint, 'time_embedding.linear_2', [time, time]);
  if (shape.guidanceEmbedding !== null) {
    layer(blueprint, 'time_embedding.cond_proj', [first, shape.guidanceEmbedding], false);
  }
  if (shape.admChannels !== null) {
    layer(blueprint, 'add_embedding.linear_1', [time, shape.admChannels]);
    layer(blueprint, 'add_embedding.linear_2', [time, time]);
  }
  const block = (path: string, sides: readonly [number, number], i: number, depth: number): void =>
    blockLayers(blueprint, path, { sides, i, time, depth }, shape.contextDim);

  let inside = first;
  const skips = [first];
  for (const [level, out] of channels.entries()) {
    const path = `down_blocks.${level}`;
    for (let i = 0; i < Math.max(1, shape.resnets[level] ?? 0); i++) {
      block(path, [inside, out], i, deepest(tensors, path, i));
      inside = out;
      skips.push(out);
    }
    if (level === channels.length - 1) continue;
    layer(blueprint, `${path}.downsamplers.0.conv`, [out, out, 3, 3]);
    skips.push(out);
  }
  for (let i = 0; i < (shape.middle?.resnets ?? 0); i++) {
    block('mid_block', [inside, inside], i, i === 0 ? (shape.middle?.depth ?? 0) : 0);
  }
  for (const [i, out] of channels.toReversed().entries()) {
    const path = `up_blocks.${i}`;
    const level = channels.length - 1 - i;
    for (let j = 0; j <= Math.max(1, shape.resnets[level] ?? 0); j++) {
      block(path, [inside + (skips.pop() ?? 0), out], j, deepest(tensors, path, j));
      inside = out;
    }
    if (level > 0) layer(blueprint, `${path}.upsamplers.0.conv`, [out, out, 3, 3]);
  }
  layer(blueprint, 'conv_norm_out', [first]);
  layer(blueprint, 'conv_out', [shape.outChannels, first, 3, 3]);
  return blueprint;
}

/** Behind one resnet of a level there is attention where there is behind the others: of one that is gone, one block is missed. */
function deepest(tensors: PartTensors, block: string, i: number): number {
  const own = countBelow(tensors, `${block}.attentions.${i}.transformer_blocks`);
  return own === 0 && countBelow(tensors, `${block}.attentions`) > 0 ? 1 : own;
}

function blockLayers(
  blueprint: Blueprint,
  path: string,
  {
    sides,
    i,
    time,
    depth,
  }: { sides: readonly [number, number]; i: number; time: number; depth: number },
  contextDim: number,
): void {
  resnet(blueprint, `${path}.resnets.${i}`, sides, time);
  if (depth === 0) return;
  const attention = `${path}.attentions.${i}`;
  const [, width] = sides;
  layer(blueprint, `${attention}.norm`, [width]);
  layer(blueprint, `${attention}.proj_in`, [width, width]);
  for (let j = 0; j < depth; j++) {
    const at = `${attention}.transformer_blocks.${j}`;
    for (const [name, context] of [
      ['attn1', width],
      ['attn2', contextDim],
    ] as const) {
      layer(blueprint, `${at}.${name}.to_q`, [width, width], false);
      layer(blueprint, `${at}.${name}.to_k`, [width, context], false);
      layer(blueprint, `${at}.${name}.to_v`, [width, context], false);
      layer(blueprint, `${at}.${name}.to_out.0`, [width, width]);
    }
    layer(blueprint, `${at}.ff.net.0.proj`, [8 * width, width]);
    layer(blueprint, `${at}.ff.net.2`, [width, 4 * width]);
    for (const norm of ['norm1', 'norm2', 'norm3']) layer(blueprint, `${at}.${norm}`, [width]);
  }
  layer(blueprint, `${attention}.proj_out`, [width, width]);
}
