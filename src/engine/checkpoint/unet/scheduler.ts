/** Schedulers are not in single files: what the makers of each family, and of what was distilled from it, published. */
import { TRAINING, type UnetFamily } from '../../families/unet-family.ts';
import { say } from '../../sentences.ts';
import type { CheckpointInfo, Distilled, Facts, Json } from '../checkpoint.ts';

const DISTILLED: Readonly<Record<Distilled['kind'], Json>> = {
  turbo: { _class_name: 'EulerAncestralDiscreteScheduler', timestep_spacing: 'trailing' },
  lightning: { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' },
  hyper: { _class_name: 'DDIMScheduler', timestep_spacing: 'trailing', clip_sample: false },
  lcm: { _class_name: 'LCMScheduler', original_inference_steps: 50 },
  dmd: { _class_name: 'LCMScheduler', original_inference_steps: 50 },
};

/** The owner's word, then the folder's scheduler_config.json, then what is usual for the family. */
export function schedulerOf(
  { folder, words }: Facts,
  family: UnetFamily,
  {
    prediction,
    zeroTerminalSnr,
    edits,
  }: Pick<CheckpointInfo, 'prediction' | 'zeroTerminalSnr' | 'edits'>,
  distilled: Distilled | null,
): CheckpointInfo['scheduler'] {
  const type = { prediction_type: prediction.value };
  const own = words.override;
  if (own !== null && own.scheduler !== null) {
    const base = own.scheduler['_class_name'] === undefined ? usual(family, null, edits) : TRAINING;
    return {
      config: { ...base, ...own.scheduler, ...type },
      how: say('how-beside', own.file),
    };
  }
  if (folder !== null && folder.scheduler !== null) {
    return { config: { ...folder.scheduler, ...type }, how: say('how-scheduler') };
  }
  const config = { ...usual(family, distilled, edits), ...type };
  if (!zeroTerminalSnr) return { config, how: say('how-family') };
  return {
    config: { ...config, timestep_spacing: 'trailing', rescale_betas_zero_snr: true },
    how: say('how-family'),
  };
}

function usual(
  { scheduler, editScheduler }: UnetFamily,
  distilled: Distilled | null,
  edits: CheckpointInfo['edits'],
): Json {
  if (distilled !== null) return { ...scheduler, ...DISTILLED[distilled.kind] };
  return edits === null ? scheduler : (editScheduler ?? scheduler);
}
