/** What the shapes of a UNet's tensors tell of it. */
import type { PartTensors } from '../checkpoint/tensors.ts';

export type UnetConfig = {
  /** of the sample: latents, and with an inpainting network the mask and what it leaves */
  inChannels: number;
  /** a level each, the finest first */
  channels: readonly number[];
  /** attention heads of a level */
  heads: readonly number[];
  /** features of a token of the prompt */
  contextWidth: number;
  /** SDXL: features of the prompt as a whole, and how many sizes it is told with */
  added: { pooledWidth: number; timeIds: number } | null;
  /** LCM: numbers in the embedding of the guidance scale */
  guidanceWidth: number | null;
  normGroups: number;
  normEpsilon: number;
};

/** SD 1's UNet has this many heads at every level; later ones have heads of HEAD_SIZE. */
const SD1_HEADS = 8;
const HEAD_SIZE = 64;
/** Sinusoids of one size or crop in SDXL. */
export const SIZE_SINUSOIDS = 256;
/** The base is told six numbers (original size, crop, target size), the refiner five (size, crop, aesthetic score). */
const BASE_IDS = 6;
const REFINER_IDS = 5;

/** What a config.json beside the weights may say otherwise. */
export type UnetWords = Partial<Pick<UnetConfig, 'heads' | 'normGroups' | 'normEpsilon'>>;

/** @throws Error when the tensors are no UNet's */
export function unetConfig(tensors: PartTensors, words: UnetWords = {}): UnetConfig {
  const shape = (name: string): readonly number[] => tensors.get(name)?.shape ?? [];
  const [, inChannels] = shape('conv_in.weight');
  const channels: number[] = [];
  for (let level = 0; ; level++) {
    const [out] = shape(`down_blocks.${level}.resnets.0.conv1.weight`);
    if (out === undefined) break;
    channels.push(out);
  }
  if (inChannels === undefined || channels.length === 0) {
    throw new Error('it has no conv_in and no down_blocks: this is no UNet');
  }
  const contextWidth = contextOf(tensors);
  const [, guidanceWidth = null] = shape('time_embedding.cond_proj.weight');
  return {
    inChannels,
    channels,
    heads: channels.map((width) => (isLinear(tensors) ? width / HEAD_SIZE : SD1_HEADS)),
    contextWidth,
    added: addedOf(shape('add_embedding.linear_1.weight')[1], contextWidth),
    guidanceWidth,
    normGroups: 32,
    normEpsilon: 1e-5,
    ...words,
  };
}

function contextOf(tensors: PartTensors): number {
  for (const [name, { shape }] of tensors) {
    if (name.endsWith('transformer_blocks.0.attn2.to_k.weight')) return shape[1] ?? 0;
  }
  throw new Error('it has no attention to a prompt: this is no UNet of Stable Diffusion');
}

/** The first Stable Diffusion projects into its transformers with convolutions of one pixel. */
function isLinear(tensors: PartTensors): boolean {
  for (const [name, { shape }] of tensors) {
    if (name.endsWith('attentions.0.proj_in.weight')) return shape.length === 2;
  }
  return false;
}

/** The refiner reads one encoder alone, so that its context is as wide as its pooled prompt. */
function addedOf(total: number | undefined, contextWidth: number): UnetConfig['added'] {
  if (total === undefined) return null;
  const timeIds = total - contextWidth === REFINER_IDS * SIZE_SINUSOIDS ? REFINER_IDS : BASE_IDS;
  return { pooledWidth: total - timeIds * SIZE_SINUSOIDS, timeIds };
}
