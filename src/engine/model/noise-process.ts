import type { ModelInfo } from '../request.ts';
import { type ModelSchedule, readModelSchedule } from '../sampling/schedule.ts';

const known = new WeakMap<object, ModelSchedule>();

/** The noise process of a model folder, and which pipeline's way of calling its scheduler holds. */
export function noiseProcessOf({
  family,
  schedulerConfig,
}: {
  family: ModelInfo['family'];
  schedulerConfig: Record<string, unknown>;
}): ModelSchedule {
  let schedule = known.get(schedulerConfig);
  if (schedule === undefined) {
    schedule = { ...readModelSchedule(schedulerConfig), ...callsOf(family) };
    known.set(schedulerConfig, schedule);
  }
  return schedule;
}

function callsOf(family: ModelInfo['family']): Pick<ModelSchedule, 'sdxl' | 'pipeline'> {
  const sdxl = family === 'sdxl' || family === 'sdxl-refiner';
  if (family === 'flux2') return { sdxl, pipeline: 'flux2' };
  if (family === 'flux' || family === 'z-image' || family === 'qwen-image') {
    return { sdxl, pipeline: 'flux' };
  }
  // an LCM scheduler on a plain network is driven by the plain pipeline
  if (family === 'lcm') return { sdxl };
  const isPlain = family === 'sd1' || family === 'sd2';
  return { sdxl, pipeline: isPlain ? 'sd' : 'other' };
}
