/**
 * The autoencoder in steps that can be taken band by band, so that a large picture is never whole in memory more than
 * once or twice. What looks at all places at once stays whole where the picture is smallest: the middle block. What a
 * group norm must know of all places (mean and deviation) is an input, so that the bands join without a seam.
 */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import { type BuiltGraph, GraphBuilder, type GraphStyle, type Value } from '../builder.ts';
import { conv, silu, upsample } from '../layers.ts';
import { ELEMENT } from '../proto.ts';
import { decoderStart, encoderEnd, vaeNorm } from '../vae.ts';

/** x [1,C,rows,W] -> y, with the rows around it that a convolution of three reads. */
export type BandStep = {
  graph: BuiltGraph;
  inChannels: number;
  outChannels: number;
  /** rows of y for one of x */
  scale: 1 | 2 | 0.5;
  /** takes `mean` and `inverse` [1,C,1,1]: of the groups of x, the mean and one by the deviation */
  normed: boolean;
  /** adds `skip`, what a resnet began with */
  skips: boolean;
};

export type BandedNetwork = {
  /** over the end of the picture that is small: first when decoding, last when encoding; x -> y */
  whole: BuiltGraph;
  wholeIsFirst: boolean;
  steps: readonly BandStep[];
  groups: number;
  epsilon: number;
};

/** Latents to pixels. */
export function decoderInBands(
  tensors: PartTensors,
  style: GraphStyle,
  norm = vaeNorm(),
): BandedNetwork {
  const g = new GraphBuilder(tensors, style);
  const [, latentChannels = 4] = g.shapeOf('decoder.conv_in.weight');
  const latents = g.input('x', [1, latentChannels, 'height', 'width']);
  const [width = 0] = g.shapeOf('decoder.conv_in.weight');
  g.output(decoderStart(g, latents, norm), 'y', [1, width, 'height', 'width']);
  const steps: BandStep[] = [];
  const blocks = g.countOf('decoder.up_blocks', 'resnets.0.conv1.weight');
  for (let i = 0; i < blocks; i++) {
    const path = `decoder.up_blocks.${i}`;
    for (let j = 0; j < g.countOf(`${path}.resnets`, 'conv1.weight'); j++) {
      steps.push(...resnetSteps(tensors, style, `${path}.resnets.${j}`));
    }
    const up = `${path}.upsamplers.0.conv`;
    if (g.has(`${up}.weight`)) steps.push(step(tensors, style, { path: up, scale: 2 }));
  }
  const out = { path: 'decoder.conv_out', norm: 'decoder.conv_norm_out' };
  steps.push(step(tensors, style, out));
  return { whole: g.finish('vae_decoder_start'), wholeIsFirst: true, steps, ...norm };
}

/** Pixels to the parameters of latents. */
export function encoderInBands(
  tensors: PartTensors,
  style: GraphStyle,
  norm = vaeNorm(),
): BandedNetwork {
  const g = new GraphBuilder(tensors, style);
  const steps = [step(tensors, style, { path: 'encoder.conv_in' })];
  for (let i = 0; i < g.countOf('encoder.down_blocks', 'resnets.0.conv1.weight'); i++) {
    const path = `encoder.down_blocks.${i}`;
    for (let j = 0; j < g.countOf(`${path}.resnets`, 'conv1.weight'); j++) {
      steps.push(...resnetSteps(tensors, style, `${path}.resnets.${j}`));
    }
    const down = `${path}.downsamplers.0.conv`;
    if (g.has(`${down}.weight`)) steps.push(step(tensors, style, { path: down, scale: 0.5 }));
  }
  const [width = 0] = g.shapeOf('encoder.mid_block.resnets.0.conv1.weight');
  const [parameters = 8] = g.shapeOf('encoder.conv_out.weight');
  const small = g.input('x', [1, width, 'height', 'width']);
  g.output(encoderEnd(g, small, norm), 'y', [1, parameters, 'height', 'width']);
  return { whole: g.finish('vae_encoder_end'), wholeIsFirst: false, steps, ...norm };
}

function resnetSteps(tensors: PartTensors, style: GraphStyle, path: string): BandStep[] {
  const shortcut = `${path}.conv_shortcut`;
  const skip = tensors.has(`${shortcut}.weight`) ? shortcut : '';
  return [
    step(tensors, style, { path: `${path}.conv1`, norm: `${path}.norm1` }),
    step(tensors, style, { path: `${path}.conv2`, norm: `${path}.norm2`, skip }),
  ];
}

type StepLayers = {
  /** of the convolution */
  path: string;
  norm?: string;
  scale?: BandStep['scale'];
  /** '': the skip is added as it is; a path: through that convolution */
  skip?: string;
};

function step(
  tensors: PartTensors,
  style: GraphStyle,
  { path, norm, scale = 1, skip }: StepLayers,
): BandStep {
  const g = new GraphBuilder(tensors, style);
  const [outChannels = 0, inChannels = 0] = g.shapeOf(`${path}.weight`);
  const x = g.input('x', [1, inChannels, 'rows', 'columns']);
  const bent = norm === undefined ? x : silu(g, normed(g, x, norm, inChannels));
  const large = scale === 2 ? upsample(g, bent) : bent;
  // rows beyond the picture are zeros behind the norm; those beyond the band came with it, twice of them too many
  const padded = g.op('Pad', [large, g.input('pads', [8], ELEMENT.int64)]);
  const sides = scale === 0.5 ? { stride: 2, pads: [0, 0, 0, 1] } : { pads: [0, 1, 0, 1] };
  let y = conv(g, padded, path, sides);
  if (skip !== undefined) {
    const skipChannels = skip === '' ? outChannels : (g.shapeOf(`${skip}.weight`)[1] ?? 0);
    const began = g.input('skip', [1, skipChannels, 'skip_rows', 'columns']);
    y = g.op('Add', [skip === '' ? began : conv(g, began, skip), y]);
  }
  g.output(y, 'y', [1, outChannels, 'out_rows', 'out_columns']);
  const told = { normed: norm !== undefined, skips: skip !== undefined };
  return { graph: g.finish('band'), inChannels, outChannels, scale, ...told };
}

/** A group norm that is told what it cannot see. */
function normed(g: GraphBuilder, x: Value, path: string, channels: number): Value {
  const places = [1, channels, 1, 1];
  const weight = g.weight(`${path}.weight`, places);
  const factor = g.op('Mul', [g.input('inverse', places), weight]);
  const shift = g.op('Sub', [
    g.weight(`${path}.bias`, places),
    g.op('Mul', [g.input('mean', places), factor]),
  ]);
  return g.op('Add', [g.op('Mul', [x, factor]), shift]);
}
