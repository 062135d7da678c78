/**
 * The UNet of Stable Diffusion 1, 2 and XL (Rombach et al. 2022, Podell et al. 2023), its refiner, inpainting and LCM
 * forms included. Names of weights, inputs and outputs are those of diffusers' UNet2DConditionModel and of its exports.
 * How many blocks a level has, which have attention and how deep it is, the names in the file tell.
 */
import type { PartTensors } from '../checkpoint/tensors.ts';
import { PERTURBED_INPUT } from '../onnx/perturbed-attention.ts';
import { attend } from './attention.ts';
import type { LowRankBranch } from './low-rank/branches.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from './builder.ts';
import {
  conv,
  flat,
  gelu,
  groupNorm,
  layerNorm,
  linear,
  rowsOf,
  silu,
  toPicture,
  toTokens,
  upsample,
} from './layers.ts';
import { ELEMENT } from './proto.ts';
import { resnet } from './resnet.ts';
import { sinusoids } from './time-embedding.ts';
import { SIZE_SINUSOIDS, type UnetConfig } from './unet-config.ts';

/**
 * From this level on a side is a quarter or less: 16 x 16 places of 64 x 64, under ten times the weights of the first two. There
 * turning them takes as long as that gains.
 */
const DEEP = 2;

/** @throws Error when a tensor is missing or has another shape than the others need */
export function unetGraph(
  tensors: PartTensors,
  config: UnetConfig,
  style: GraphStyle,
  branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
): BuiltGraph {
  const g = new GraphBuilder(tensors, style, branches);
  const { inChannels, contextWidth, normGroups: groups, normEpsilon: epsilon } = config;
  const levels = config.channels.length;
  const sample = g.input('sample', ['batch_size', inChannels, 'height', 'width']);
  const timestep = g.input('timestep', ['batch_size'], ELEMENT.float32);
  const states = g.input('encoder_hidden_states', ['batch_size', 'sequence_length', contextWidth]);
  g.input(PERTURBED_INPUT, ['batch_size', 1, 1], ELEMENT.bool);

  const prompt: Prompt = { tokens: flat(g, states, contextWidth), sample };
  const time = silu(g, momentEmbedding(g, timestep, config));
  const block = (x: Value, path: string, level: number, i: number): Value => {
    const fewPlaces = level >= DEEP;
    const y = resnet(g, x, `${path}.resnets.${i}`, { groups, epsilon, time, fewPlaces });
    const attention = `${path}.attentions.${i}`;
    if (!g.has(`${attention}.norm.weight`)) return y;
    return spatialTransformer(g, y, attention, config.heads[level] ?? 1, groups, prompt);
  };

  let x = conv(g, sample, 'conv_in');
  const skips = [x];
  for (let level = 0; level < levels; level++) {
    const path = `down_blocks.${level}`;
    for (let i = 0; i < g.countOf(`${path}.resnets`, 'conv1.weight'); i++) {
      x = block(x, path, level, i);
      skips.push(x);
    }
    if (g.has(`${path}.downsamplers.0.conv.weight`)) {
      x = conv(g, x, `${path}.downsamplers.0.conv`, { stride: 2, fewPlaces: level + 1 >= DEEP });
      skips.push(x);
    }
  }

  for (let i = 0; i < g.countOf('mid_block.resnets', 'conv1.weight'); i++) {
    x = block(x, 'mid_block', levels - 1, i);
  }

  for (let i = 0; i < levels; i++) {
    const path = `up_blocks.${i}`;
    for (let j = 0; j < g.countOf(`${path}.resnets`, 'conv1.weight'); j++) {
      x = g.op('Concat', [x, skips.pop() ?? ''], { axis: 1 });
      x = block(x, path, levels - 1 - i, j);
    }
    if (g.has(`${path}.upsamplers.0.conv.weight`)) {
      const fewPlaces = levels - 2 - i >= DEEP;
      x = conv(g, upsample(g, x), `${path}.upsamplers.0.conv`, { fewPlaces });
    }
  }
  if (skips.length > 0) throw new Error('it has more blocks on the way down than on the way up');

  x = silu(g, groupNorm(g, x, 'conv_norm_out', { groups, epsilon }));
  const [outChannels = 4] = g.shapeOf('conv_out.weight');
  g.output(conv(g, x, 'conv_out'), 'out_sample', ['batch_size', outChannels, 'height', 'width']);
  return g.finish('unet');
}

/** What every resnet is told: the timestep, and with SDXL sizes and the prompt as a whole, with LCM the guidance. */
function momentEmbedding(g: GraphBuilder, timestep: Value, config: UnetConfig): Value {
  const [width = 0] = config.channels;
  let moment = sinusoids(g, timestep, width);
  if (config.guidanceWidth !== null) {
    const guidance = g.input('timestep_cond', ['batch_size', config.guidanceWidth]);
    moment = g.op('Add', [moment, linear(g, guidance, 'time_embedding.cond_proj')]);
  }
  moment = twoLayers(g, moment, 'time_embedding');
  if (config.added === null) return moment;
  const { pooledWidth, timeIds } = config.added;
  const pooled = g.input('text_embeds', ['batch_size', pooledWidth]);
  const ids = g.input('time_ids', ['batch_size', timeIds], ELEMENT.float32);
  const each = sinusoids(g, g.op('Reshape', [ids, g.ints(-1)]), SIZE_SINUSOIDS);
  const sizes = flat(g, each, timeIds * SIZE_SINUSOIDS);
  const told = g.op('Concat', [pooled, sizes], { axis: -1 });
  return g.op('Add', [moment, twoLayers(g, told, 'add_embedding')]);
}

function twoLayers(g: GraphBuilder, x: Value, path: string): Value {
  return linear(g, silu(g, linear(g, x, `${path}.linear_1`)), `${path}.linear_2`);
}

/** tokens [B·S, contextWidth]; the sample tells the batch */
type Prompt = { tokens: Value; sample: Value };

/** Every place of the picture looks at all others, then at the prompt, as many times as there are blocks. */
function spatialTransformer(
  g: GraphBuilder,
  x: Value,
  path: string,
  heads: number,
  groups: number,
  { tokens: prompt, sample }: Prompt,
): Value {
  const [channels = 0] = g.shapeOf(`${path}.norm.weight`);
  const [inner = 0] = g.shapeOf(`${path}.proj_in.weight`);
  const rows = rowsOf(g, sample, inner);
  const normed = groupNorm(g, x, `${path}.norm`, { groups, epsilon: 1e-6 });
  let y = linear(g, toTokens(g, normed, channels), `${path}.proj_in`);
  for (let i = 0; i < g.countOf(`${path}.transformer_blocks`, 'norm1.weight'); i++) {
    const block = `${path}.transformer_blocks.${i}`;
    const places = layerNorm(g, y, `${block}.norm1`);
    y = g.op('Add', [attention(g, places, places, `${block}.attn1`, heads, rows), y]);
    const asking = layerNorm(g, y, `${block}.norm2`);
    y = g.op('Add', [attention(g, asking, prompt, `${block}.attn2`, heads, rows), y]);
    y = g.op('Add', [feedForward(g, layerNorm(g, y, `${block}.norm3`), `${block}.ff`), y]);
  }
  const outRows = rowsOf(g, sample, channels);
  const out = toPicture(g, linear(g, y, `${path}.proj_out`), { rows: outRows, like: x });
  return g.op('Add', [out, x]);
}

/** Self-attentions of the middle block take perturbed rows: an attention map that is the identity leaves the values. */
const PERTURBED = /^mid_block\..*\.attn1$/;

function attention(
  g: GraphBuilder,
  asking: Value,
  asked: Value,
  path: string,
  heads: number,
  rows: Value,
): Value {
  const [inner = 0] = g.shapeOf(`${path}.to_q.weight`);
  const project = (tokens: Value, layer: string): Value =>
    g.op('Reshape', [linear(g, tokens, `${path}.${layer}`), rows]);
  const q = project(asking, 'to_q');
  const k = project(asked, 'to_k');
  const v = project(asked, 'to_v');
  let seen = attend(g, { q, k, v }, { heads, headSize: inner / heads });
  if (PERTURBED.test(path)) seen = g.op('Where', [PERTURBED_INPUT, v, seen]);
  return linear(g, flat(g, seen, inner), `${path}.to_out.0`);
}

/** GEGLU (Shazeer 2020): one half of the features gates the other. */
function feedForward(g: GraphBuilder, x: Value, path: string): Value {
  const wide = linear(g, x, `${path}.net.0.proj`);
  const [value = '', gate = ''] = g.opOf(2, 'Split', [wide], { axis: -1, num_outputs: 2 });
  return linear(g, g.op('Mul', [value, gelu(g, gate)]), `${path}.net.2`);
}
