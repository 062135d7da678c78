/** What comes of a request: progress while it is painted, then pictures with all that is known of how they were made. */
import type { ProviderName } from './names.ts';
import type { GenerateRequest, ImageSize } from './request.ts';
import type { Said } from './said.ts';

export type Preview = ImageSize & {
  /** all images of the batch side by side; for the eye only */
  jpeg: Uint8Array;
};

export type Progress =
  | { phase: 'loading' | 'encoding' | 'decoding'; step: number; steps: number }
  | {
      phase: 'sampling';
      /** finished steps, 1 … steps */
      step: number;
      steps: number;
      /** noise level the step started from */
      sigma: number;
      /** the x̂0 latents of this step, [B,C,h,w] in shape, before the VAE's scaling; absent unless asked for */
      denoised?: { data: Float32Array; shape: readonly number[] };
      /** present when a preview was due */
      preview?: Preview;
      /** PNGs of the batch: this step's x̂0 decoded by the VAE, where `decodeAt` names the step */
      decoded?: readonly Uint8Array[];
    };

export type GeneratedImage = ImageSize & {
  png: Uint8Array;
  seed: bigint;
  /** A1111 `parameters` text, as inside the PNG */
  infotext: string;
};

/** What stays of a picture that does not leave the engine: how it was made. */
export type WithheldImage = Pick<GeneratedImage, 'seed' | 'infotext'> & {
  /** place in the batch, from 0 */
  index: number;
};

export type Timings = {
  load_ms: number;
  encode_ms: number;
  /** of every step that ran */
  steps_ms: number[];
  decode_ms: number;
  total_ms: number;
  /** steps that an earlier run had already done; they are not among steps_ms. Absent: none */
  resumed_steps?: number;
  /** of them: with rows of other people's runs, which shared this one's evaluations. Absent: none did */
  others_ms?: number;
  /** time inside ONNX Runtime's run(), for the overhead figure */
  onnx_ms: number;
  /** what this run asked of the denoising network; absent in results of older versions */
  asked?: AskedRows;
};

/** What went through the networks; rows are one image of one text at one evaluation each. */
export type AskedRows = {
  evaluations: number;
  rows: number;
  /** pixels of every row's picture, summed */
  rowPixels: number;
  /** in and out of the VAE */
  vaePixels: number;
};

export type GenerateResult = {
  images: GeneratedImage[];
  /** pictures of the batch that the safety checker kept back; absent: none, or nobody looked */
  withheld?: readonly WithheldImage[];
  /** what was left out on the way, a sentence each; absent: nothing */
  notes?: readonly Said[];
  request: GenerateRequest;
  model: { name: string; hash: string };
  provider: ProviderName;
  timings: Timings;
  /** final latents [B,C,h,w] before the VAE's scaling, when asked for; never of a batch with withheld pictures */
  latents?: { data: Float32Array; shape: readonly number[] };
};
