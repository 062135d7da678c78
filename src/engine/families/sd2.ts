/**
 * Stable Diffusion 2 (Stability AI 2022): OpenCLIP-H, whose last layer is left out, and in its large form a network that
 * predicts v.
 */
import { SD1 } from './sd1.ts';
import { TRAINING, type UnetFamily } from './unet-family.ts';

/** OpenCLIP's text encoder has one layer more than is used: 24, of which diffusers' own files keep 23. */
const OPENCLIP_H_USED = 23;

export const SD2: UnetFamily = {
  ...SD1,
  name: 'sd2',
  title: 'Stable Diffusion 2',
  isOwn: ({ sizes, guidanceEmbedding, linearProjection }) =>
    sizes === null && !guidanceEmbedding && linearProjection,
  wantedTexts: ({ contextDim }) => [
    { role: 'text_encoder', width: contextDim, padding: 'exclamation' },
  ],
  text: () => ({
    isOpenClip: true,
    letter: 'h',
    part: 'clip-h',
    layersUsed: (style, layers) =>
      layers - (style === 'openclip' && layers !== OPENCLIP_H_USED ? 1 : 0),
    // diffusers' folders leave out the layer that nobody reads
    layersInFile: (used) => used + 1,
    context: 'last but one layer of the file, final_layer_norm',
  }),
  nativeSide: (prediction) => (prediction === 'v_prediction' ? 768 : 512),
  isToldByWeights: true,
  scheduler: {
    _class_name: 'DDIMScheduler',
    ...TRAINING,
    set_alpha_to_one: false,
    steps_offset: 1,
    clip_sample: false,
  },
};
