/** What a model is made of, wherever it lies: its networks, and what of them must be known before one is opened. */
import type { Edits } from '../checkpoint/checkpoint.ts';
import type { PartTensors } from '../checkpoint/tensors.ts';
import type { TransformerWords } from '../families/opening/words.ts';
import type { LowRankBranch } from '../graphs/low-rank/branches.ts';
import type { BuiltGraph, GraphStyle } from '../graphs/builder.ts';
import type { ClipTextConfig } from '../graphs/language/clip-text.ts';
import type { UnetWords } from '../graphs/unet-config.ts';
import type { ModelInfo } from '../request.ts';
import type { Json } from './folder-files.ts';

type Family = ModelInfo['family'];

/** A network: an ONNX graph as it lies in a folder, or tensors in a checkpoint that a graph is written for. */
export type NetworkSource =
  | { kind: 'file'; path: string }
  | {
      kind: 'tensors';
      tensors: PartTensors;
      /** the file that people know it by */
      path: string;
      /** what a config.json beside the weights says of a UNet */
      words?: UnetWords;
      /** of an autoencoder: groups of its norms, where its config says them */
      groups?: number;
      /** and of a safety checker's picture encoder */
      heads?: number;
      /** writes its graph; absent: as Stable Diffusion's */
      write?: (
        style: GraphStyle,
        branches?: ReadonlyMap<string, readonly LowRankBranch[]>,
        /** in place of its own */
        tensors?: PartTensors,
      ) => BuiltGraph;
    };

export type TextEncoderFiles = {
  id: 'text_encoder' | 'text_encoder_2';
  source: NetworkSource;
  /** its folder, and the token that fills up short prompts where the folder does not say */
  tokenizer: { folder: string; padding?: string };
  /** layers that count */
  hiddenLayers: number;
  /** numbers in the embedding of a token; 0 when the config does not say */
  width: number;
  /** what tensors alone do not tell */
  clip: Omit<ClipTextConfig, 'layers'>;
};

export type ModelLayout = {
  name: string;
  /** of a checkpoint in one file: that file */
  folder: string;
  /** where its LoRAs and textual inversions are looked for, in loras/ and embeddings/, the nearest first */
  beside: readonly string[];
  family: Family;
  inpainting: boolean;
  /** InstructPix2Pix: it reads the picture to edit beside the noise, and paints nothing without one; absent: no such model */
  edits?: Edits;
  denoiser: NetworkSource;
  textEncoders: readonly TextEncoderFiles[];
  /** of a diffusion transformer: how it reads prompts and is guided; absent: a UNet, or a folder of ONNX */
  transformer?: TransformerWords;
  vaeDecoder: NetworkSource;
  /** null: the model cannot do img2img */
  vaeEncoder: NetworkSource | null;
  /** null: the model has none, and nobody looks at its pictures */
  safetyChecker: NetworkSource | null;
  latentChannels: number;
  /** pixels per latent, one axis */
  vaeFactor: number;
  sizeFactor: number;
  nativeSize: { width: number; height: number };
  /** pixels of a side that the network has places for; absent: as many as wanted */
  mostSide?: number;
  /**
   * latents = (vae - shift) * scale; where the channels of an SDXL VAE have a mean and a deviation each,
   * (vae - mean) * scale / deviation
   */
  latentScale: {
    scale: number;
    shift: number;
    channels: { means: readonly number[]; deviations: readonly number[] } | null;
    /** diffusers' inpainting pipeline of the family forgets the shift when it decodes */
    unshiftedByInpainting?: boolean;
  };
  /** features of a context token, from the denoiser's config; 0 when it does not say */
  contextDim: number;
  /** the network wants the guidance scale as an embedding of this many numbers (LCM); else null */
  guidanceEmbedding: number | null;
  /** negative '' means zeros instead of the embedding of '' (SDXL) */
  zeroEmptyNegative: boolean;
  schedulerConfig: Json;
  /** trained or distilled for a handful of steps without guidance */
  fewSteps: boolean;
  /** from the folder's defaults.json */
  ownDefaults: Partial<ModelInfo['defaults']>;
  /** networks that were asked for in place of its own: with others it is another model; absent: none */
  wishes?: string;
  /** of a checkpoint: the files that its graphs point into, as they were when their headers were read */
  files?: ReadonlyMap<string, string>;
  /** changes when any file of the model changes */
  stamp: string;
  /** size of all graphs and their external data */
  bytes: number;
};

/**
 * Channels that a network reads behind the noise: of inpainting the masked picture, and the mask, of latents or of pixels; of
 * editing the picture.
 */
export function extraChannelsOf({
  inpainting,
  edits,
  latentChannels,
  vaeFactor,
  transformer,
}: Pick<
  ModelLayout,
  'inpainting' | 'edits' | 'latentChannels' | 'vaeFactor' | 'transformer'
>): number {
  if (!inpainting) return edits === undefined ? 0 : latentChannels;
  return latentChannels + (transformer === undefined ? 1 : vaeFactor * vaeFactor);
}
