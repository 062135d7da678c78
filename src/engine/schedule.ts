import type { Parameterization } from './sampling.ts';

/** A model's noise process, from its scheduler/scheduler_config.json. */
export type ModelSchedule = {
  /** cumulative products of (1 - beta), one per training timestep */
  alphasCumprod: Float32Array;
  parameterization: Parameterization;
  /** the raw scheduler_config.json, for profile diffusers */
  config: Readonly<Record<string, unknown>>;
};
