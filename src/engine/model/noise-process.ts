import { familyNamed } from '../families/families.ts';
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
    schedule = { ...readModelSchedule(schedulerConfig), ...familyNamed(family).schedule };
    known.set(schedulerConfig, schedule);
  }
  return schedule;
}
