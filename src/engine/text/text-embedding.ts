/** What the denoiser is told of a text. */

/** The first `most` of `found` tokens were read. */
export type TextCut = { reader: 'T5' | 'CLIP' | 'Qwen2.5-VL'; most: number; found: number };

/** context [S,D]; pooled [P] where the family uses it (SDXL, SD3) */
export type TextEmbedding = {
  context: Float32Array;
  tokens: number;
  dim: number;
  pooled: Float32Array | null;
  /** the text had more tokens than its encoder takes; absent: it was read whole */
  cut?: TextCut;
  /** SDXL: sizes and, for the refiner, the aesthetic score */
  timeIds?: readonly number[];
  /** where the images of a batch are told different things: what each of them is; all of one length */
  ofImages?: readonly TextEmbedding[];
};
