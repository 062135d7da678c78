/** Schedulers are not in single files: what the makers of each family published with theirs. */
import { say } from '../../sentences.ts';
import type { CheckpointInfo, Distilled, Facts, Json } from '../checkpoint.ts';

/** Betas of all of Stability AI's models. */
const TRAINING = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
};

const PUBLISHED: Readonly<Record<'sd1' | 'sd2' | 'sdxl' | 'lcm', Json>> = {
  sd1: {
    _class_name: 'PNDMScheduler',
    ...TRAINING,
    skip_prk_steps: true,
    set_alpha_to_one: false,
    steps_offset: 1,
    clip_sample: false,
  },
  sd2: {
    _class_name: 'DDIMScheduler',
    ...TRAINING,
    set_alpha_to_one: false,
    steps_offset: 1,
    clip_sample: false,
  },
  sdxl: {
    _class_name: 'EulerDiscreteScheduler',
    ...TRAINING,
    steps_offset: 1,
    timestep_spacing: 'leading',
    interpolation_type: 'linear',
    use_karras_sigmas: false,
  },
  lcm: { _class_name: 'LCMScheduler', ...TRAINING, original_inference_steps: 50 },
};

const DISTILLED: Readonly<Record<Distilled['kind'], Json>> = {
  turbo: { _class_name: 'EulerAncestralDiscreteScheduler', timestep_spacing: 'trailing' },
  lightning: { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' },
  hyper: { _class_name: 'DDIMScheduler', timestep_spacing: 'trailing', clip_sample: false },
  lcm: { _class_name: 'LCMScheduler', original_inference_steps: 50 },
  dmd: { _class_name: 'LCMScheduler', original_inference_steps: 50 },
};

/** The keeper's word, then the folder's scheduler_config.json, then what is usual for the family. */
export function schedulerOf(
  { folder, words }: Facts,
  family: CheckpointInfo['family'],
  { prediction, zeroTerminalSnr }: Pick<CheckpointInfo, 'prediction' | 'zeroTerminalSnr'>,
  distilled: Distilled | null,
): CheckpointInfo['scheduler'] {
  const type = { prediction_type: prediction.value };
  const own = words.override;
  if (own !== null && own.scheduler !== null) {
    const base = own.scheduler['_class_name'] === undefined ? usual(family, null) : TRAINING;
    return {
      config: { ...base, ...own.scheduler, ...type },
      how: say('how-beside', own.file),
    };
  }
  if (folder !== null && folder.scheduler !== null) {
    return { config: { ...folder.scheduler, ...type }, how: say('how-scheduler') };
  }
  const config = { ...usual(family, distilled), ...type };
  if (!zeroTerminalSnr) return { config, how: say('how-family') };
  return {
    config: { ...config, timestep_spacing: 'trailing', rescale_betas_zero_snr: true },
    how: say('how-family'),
  };
}

function usual(family: CheckpointInfo['family'], distilled: Distilled | null): Json {
  const published =
    family === 'sd2' || family === 'lcm' || family === 'sd1' ? PUBLISHED[family] : PUBLISHED.sdxl;
  return distilled === null ? published : { ...published, ...DISTILLED[distilled.kind] };
}
