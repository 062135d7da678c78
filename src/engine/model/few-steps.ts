import type { Json } from './folder-files.ts';

/** Turbo, Lightning and Hyper checkpoints start exactly at the last timestep; zero-SNR models do so too. */
export function isFewSteps(scheduler: Json, index: Json): boolean {
  return (
    (scheduler['timestep_spacing'] === 'trailing' &&
      scheduler['rescale_betas_zero_snr'] !== true) ||
    scheduler['_class_name'] === 'LCMScheduler' ||
    index['_class_name'] === 'LatentConsistencyModelPipeline'
  );
}
