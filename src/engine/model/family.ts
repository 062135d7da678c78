/** What family a model belongs to and what suits it, by marks in its configs. */
import type { ModelInfo } from '../request.ts';
import type { Json } from './folder-files.ts';

/** What of a model's layout decides what suits it. */
type Suited = {
  family: ModelInfo['family'];
  fewSteps: boolean;
  ownDefaults: Partial<ModelInfo['defaults']>;
};

/** Sampler, steps and guidance when a person names none: the folder's own word first, then what suits the family. */
export function defaultsOf(layout: Suited): ModelInfo['defaults'] {
  return { ...familyDefaults(layout), ...layout.ownDefaults };
}

function familyDefaults(layout: Suited): ModelInfo['defaults'] {
  if (layout.family === 'lcm') {
    return { sampler: 'lcm', schedule: 'automatic', steps: 4, guidanceScale: 1.5 };
  }
  if (layout.family === 'sd3' || layout.family === 'flux') {
    const guidanceScale = layout.family === 'flux' ? 1 : 4.5;
    return { sampler: 'flow_euler', schedule: 'automatic', steps: 28, guidanceScale };
  }
  if (layout.fewSteps) {
    return { sampler: 'euler', schedule: 'sgm_uniform', steps: 4, guidanceScale: 1 };
  }
  return { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 };
}

/**
 * Marks that a training run cannot help leaving: SDXL adds size conditioning (the refiner five numbers of it, the
 * base six), LCM adds a guidance embedding, SD 2 projects attention linearly.
 */
export function familyOf(
  denoiser: Json,
  textEncoders: readonly { id: string }[],
  transformer: boolean,
): ModelInfo['family'] {
  if (transformer) return denoiser['_class_name'] === 'FluxTransformer2DModel' ? 'flux' : 'sd3';
  if (denoiser['addition_embed_type'] === 'text_time') {
    const onlyBigEncoder = textEncoders.every(({ id }) => id === 'text_encoder_2');
    return onlyBigEncoder ? 'sdxl-refiner' : 'sdxl';
  }
  if (typeof denoiser['time_cond_proj_dim'] === 'number') return 'lcm';
  return denoiser['use_linear_projection'] === true ? 'sd2' : 'sd1';
}

/** Turbo, Lightning and Hyper checkpoints start exactly at the last timestep; zero-SNR models do so too. */
export function isFewSteps(scheduler: Json, index: Json): boolean {
  return (
    (scheduler['timestep_spacing'] === 'trailing' &&
      scheduler['rescale_betas_zero_snr'] !== true) ||
    scheduler['_class_name'] === 'LCMScheduler' ||
    index['_class_name'] === 'LatentConsistencyModelPipeline'
  );
}
