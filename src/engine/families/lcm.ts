/**
 * Latent consistency models (Luo et al. 2023): Stable Diffusion 1 distilled to a handful of steps, and told the guidance
 * scale.
 */
import { SD1 } from './sd1.ts';
import { TRAINING, type UnetFamily } from './unet-family.ts';

export const LCM: UnetFamily = {
  ...SD1,
  name: 'lcm',
  title: 'Latent Consistency',
  kin: 'lcm',
  isOwn: ({ sizes, guidanceEmbedding }) => sizes === null && guidanceEmbedding,
  // its own pipeline hands the strength to the scheduler
  schedule: { sdxl: false },
  usual: () => ({ sampler: 'lcm', schedule: 'automatic', steps: 4, guidanceScale: 1.5 }),
  scheduler: { _class_name: 'LCMScheduler', ...TRAINING, original_inference_steps: 50 },
};
