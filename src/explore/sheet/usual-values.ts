import type { AxisName } from './axis.ts';

/** What an axis shows where nobody names values, few enough to be painted while one looks on; null: only people know. */
export const USUAL_VALUES: Readonly<Record<AxisName, string | null>> = {
  steps: '1,3,5,10,20,40',
  cfg: '1,3,5,7,10,15',
  sampler: 'euler,euler_a,heun,dpmpp_2m,dpmpp_2m_sde,ddim',
  schedule: 'uniform,karras,exponential,sgm_uniform,simple,beta',
  seed: '1..6',
  prompt: null,
  negative: null,
  model: 'all',
  lora: '0,0.25,0.5,0.75,1',
  size: null,
  hires: '1,1.5,2',
  denoise: '0.3,0.5,0.7',
  strength: '0.2,0.4,0.6,0.8,1',
  cfg_rescale: '0,0.25,0.5,0.75,1',
  clip_skip: '1,2',
  pag: '0,1,2,3,5,8',
};
