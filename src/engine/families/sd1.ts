/** Stable Diffusion 1 (Rombach et al. 2022): one CLIP-L, read behind its last norm. */
import {
  CLIP_L,
  NORMED,
  PLAIN_SCHEDULE,
  SD_VAE,
  TAESD,
  TRAINING,
  UNET_FEEDS,
  UNET_LIMITS,
  type UnetFamily,
  usualOfUnets,
} from './unet-family.ts';

export const SD1: UnetFamily = {
  name: 'sd1',
  title: 'Stable Diffusion 1',
  kin: 'sd',
  isOwn: ({ sizes, guidanceEmbedding, linearProjection }) =>
    sizes === null && !guidanceEmbedding && !linearProjection,
  clip: NORMED,
  sizes: null,
  ...UNET_FEEDS,
  channelStats: false,
  schedule: PLAIN_SCHEDULE,
  usual: usualOfUnets,
  limits: UNET_LIMITS,
  tinyVae: TAESD,
  wantedTexts: ({ contextDim }) => [{ role: 'text_encoder', width: contextDim, padding: 'end' }],
  text: () => CLIP_L,
  vae: SD_VAE,
  nativeSide: () => 512,
  isToldByWeights: false,
  scheduler: {
    _class_name: 'PNDMScheduler',
    ...TRAINING,
    skip_prk_steps: true,
    set_alpha_to_one: false,
    steps_offset: 1,
    clip_sample: false,
  },
  // timbrooks/instruct-pix2pix
  editScheduler: {
    _class_name: 'EulerAncestralDiscreteScheduler',
    ...TRAINING,
    steps_offset: 1,
  },
  zeroEmptyNegative: false,
};
