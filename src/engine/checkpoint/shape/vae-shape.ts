/** An autoencoder's shape (AutoencoderKL of Rombach et al. 2022), and the tensors that it must have. */
import { type Blueprint, countBelow, dimOf, layer, resnet } from './blueprint.ts';
import type { PartTensors } from '../tensors.ts';

export type VaeShape = {
  latentChannels: number;
  /** pixels per latent, one axis */
  factor: number;
  /** of each level of the decoder, the finest first */
  channels: readonly number[];
  /** false: it can only decode */
  hasEncoder: boolean;
};

/**
 * Reads the shape of a KL autoencoder (diffusers' names) from its decoder's tensors. `factor` is how many pixels a
 * latent is wide.
 */
export function vaeShape(tensors: PartTensors): VaeShape {
  const levels = countBelow(tensors, 'decoder.up_blocks');
  return {
    latentChannels: dimOf(tensors, 'decoder.conv_in.weight', 1),
    factor: 2 ** Math.max(0, levels - 1),
    channels: Array.from({ length: levels }, (_, i) =>
      dimOf(tensors, `decoder.up_blocks.${levels - 1 - i}.resnets.0.conv1.weight`, 0),
    ),
    hasEncoder: [...tensors.keys()].some((name) => name.startsWith('encoder.')),
  };
}

/**
 * Lists every tensor that an autoencoder of this shape must have, with its shape; the encoder's only where it has
 * one.
 */
export function vaeBlueprint(tensors: PartTensors, shape: VaeShape): Blueprint {
  const blueprint: Blueprint = new Map();
  const latents = shape.latentChannels;
  const quantised = [...tensors.keys()].some((name) => /^(?:post_)?quant_conv\./.test(name));
  if (shape.hasEncoder) {
    encoder(blueprint, tensors, latents);
    if (quantised) layer(blueprint, 'quant_conv', [2 * latents, 2 * latents]);
  }
  if (quantised) layer(blueprint, 'post_quant_conv', [latents, latents]);
  decoder(blueprint, tensors, shape);
  return blueprint;
}

function encoder(blueprint: Blueprint, tensors: PartTensors, latents: number): void {
  const levels = countBelow(tensors, 'encoder.down_blocks');
  let inside = dimOf(tensors, 'encoder.conv_in.weight', 0);
  layer(blueprint, 'encoder.conv_in', [inside, 3, 3, 3]);
  for (let level = 0; level < levels; level++) {
    const path = `encoder.down_blocks.${level}`;
    const out = dimOf(tensors, `${path}.resnets.0.conv1.weight`, 0);
    for (let i = 0; i < Math.max(1, countBelow(tensors, `${path}.resnets`)); i++) {
      resnet(blueprint, `${path}.resnets.${i}`, [inside, out], null);
      inside = out;
    }
    if (level < levels - 1) layer(blueprint, `${path}.downsamplers.0.conv`, [out, out, 3, 3]);
  }
  middle(blueprint, 'encoder.mid_block', inside);
  layer(blueprint, 'encoder.conv_norm_out', [inside]);
  layer(blueprint, 'encoder.conv_out', [2 * latents, inside, 3, 3]);
}

function decoder(
  blueprint: Blueprint,
  tensors: PartTensors,
  { latentChannels, channels }: VaeShape,
): void {
  let inside = dimOf(tensors, 'decoder.conv_in.weight', 0);
  layer(blueprint, 'decoder.conv_in', [inside, latentChannels, 3, 3]);
  middle(blueprint, 'decoder.mid_block', inside);
  for (const [i, out] of channels.toReversed().entries()) {
    const path = `decoder.up_blocks.${i}`;
    for (let j = 0; j < Math.max(1, countBelow(tensors, `${path}.resnets`)); j++) {
      resnet(blueprint, `${path}.resnets.${j}`, [inside, out], null);
      inside = out;
    }
    if (i < channels.length - 1) layer(blueprint, `${path}.upsamplers.0.conv`, [out, out, 3, 3]);
  }
  layer(blueprint, 'decoder.conv_norm_out', [inside]);
  layer(blueprint, 'decoder.conv_out', [3, inside, 3, 3]);
}

function middle(blueprint: Blueprint, path: string, width: number): void {
  resnet(blueprint, `${path}.resnets.0`, [width, width], null);
  layer(blueprint, `${path}.attentions.0.group_norm`, [width]);
  for (const name of ['to_q', 'to_k', 'to_v', 'to_out.0']) {
    layer(blueprint, `${path}.attentions.0.${name}`, [width, width]);
  }
  resnet(blueprint, `${path}.resnets.1`, [width, width], null);
}
