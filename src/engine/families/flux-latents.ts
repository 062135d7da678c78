/** The latents of Flux.1's autoencoder, which Z-Image uses too. */
import type { Family } from './family.ts';
import type { Latents, VaeFacts } from './transformer-family.ts';

export const FLUX_VAE = 'ae.safetensors (335 MB)';

/** Stable Diffusion 3's is of the same shape. */
export const FLUX_VAE_NAMES = { names: /^ae\b|flux/i, otherNames: /sd_?3|sd_?vae/i } as const;

/** TAEF1; TAESD3 is of the same shape. */
export const TAEF1: Family['tinyVae'] = { own: /f1|flux/i, others: /sd_?3|qwen|wan/i };

/** Sixteen channels, eight pixels each way; a file says nothing of scale and shift. */
export function fluxLatents({ config, tensors }: VaeFacts): Latents {
  return klLatents({ config, tensors }, { scale: 0.3611, shift: 0.1159 });
}

/** Of an AutoencoderKL: what its config says, else what is usual for the family. */
export function klLatents(
  { config, tensors }: VaeFacts,
  usual: { scale: number; shift: number },
): Latents {
  const number = (value: unknown, other: number): number =>
    typeof value === 'number' && Number.isFinite(value) ? value : other;
  const [, channels = 16] = tensors.get('decoder.conv_in.weight')?.shape ?? [];
  let levels = 0;
  while (tensors.has(`decoder.up_blocks.${levels}.resnets.0.conv1.weight`)) levels++;
  return {
    channels,
    factor: 2 ** Math.max(0, levels - 1),
    scale: number(config['scaling_factor'], usual.scale),
    shift: number(config['shift_factor'], usual.shift),
    stats: null,
  };
}
