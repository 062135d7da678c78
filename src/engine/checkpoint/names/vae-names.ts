/**
 * The autoencoder's tensors by diffusers' names, from the original's and from diffusers' own of 2022. Originals count
 * the decoder's levels from the finest, diffusers from the coarsest (behaviour of convert_ldm_vae_checkpoint).
 */

const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^(encoder|decoder)\.mid\.block_1\./, '$1.mid_block.resnets.0.'],
  [/^(encoder|decoder)\.mid\.block_2\./, '$1.mid_block.resnets.1.'],
  [/^(encoder|decoder)\.mid\.attn_1\.norm\./, '$1.mid_block.attentions.0.group_norm.'],
  [/^(encoder|decoder)\.mid\.attn_1\.([qkv])\./, '$1.mid_block.attentions.0.to_$2.'],
  [/^(encoder|decoder)\.mid\.attn_1\.proj_out\./, '$1.mid_block.attentions.0.to_out.0.'],
  [/^encoder\.down\.(\d+)\.block\.(\d+)\./, 'encoder.down_blocks.$1.resnets.$2.'],
  [/^encoder\.down\.(\d+)\.downsample\./, 'encoder.down_blocks.$1.downsamplers.0.'],
  [/\.nin_shortcut\./, '.conv_shortcut.'],
  [/^(encoder|decoder)\.norm_out\./, '$1.conv_norm_out.'],
  // FLUX.2's own file counts them among encoder and decoder
  [/^encoder\.quant_conv\./, 'quant_conv.'],
  [/^decoder\.post_quant_conv\./, 'post_quant_conv.'],
  [/(\.attentions\.0)\.query\./, '$1.to_q.'],
  [/(\.attentions\.0)\.key\./, '$1.to_k.'],
  [/(\.attentions\.0)\.value\./, '$1.to_v.'],
  [/(\.attentions\.0)\.proj_attn\./, '$1.to_out.0.'],
];

/** `levels`: of the decoder, which vaeLevels counts */
export function vaeName(name: string, levels: number): string {
  const up = /^decoder\.up\.(\d+)\.(?:block\.(\d+)|upsample)\.(.+)$/.exec(name);
  if (up) {
    const [, level, block, rest = ''] = up;
    const where = `decoder.up_blocks.${levels - 1 - Number(level)}`;
    const own = rest.replace(/^nin_shortcut\./, 'conv_shortcut.');
    return block === undefined
      ? `${where}.upsamplers.0.${own}`
      : `${where}.resnets.${block}.${own}`;
  }
  return RENAMED.reduce((path, [from, to]) => path.replace(from, to), name);
}

/** How many levels an original's decoder has; 0 where the names are diffusers'. */
export function vaeLevels(names: Iterable<string>): number {
  let levels = 0;
  for (const name of names) {
    const level = /^decoder\.up\.(\d+)\./.exec(name)?.[1];
    if (level !== undefined) levels = Math.max(levels, Number(level) + 1);
  }
  return levels;
}
