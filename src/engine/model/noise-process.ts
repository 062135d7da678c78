import { familyNamed } from '../families/families.ts';
import type { Family } from '../families/family.ts';
import type { ModelInfo } from '../request.ts';
import { type ModelSchedule, PLAIN_CALLS, readModelSchedule } from '../sampling/schedule.ts';

const known = new WeakMap<object, ModelSchedule>();

/** The noise process of a model folder, and which pipeline's way of calling its scheduler holds. */
export function noiseProcessOf({
  family,
  edits,
  schedulerConfig,
}: {
  family: ModelInfo['family'];
  edits?: unknown;
  schedulerConfig: Record<string, unknown>;
}): ModelSchedule {
  let schedule = known.get(schedulerConfig);
  if (schedule === undefined) {
    const own = familyNamed(family).schedule;
    schedule = { ...readModelSchedule(schedulerConfig), ...(edits ? asEditor(own) : own) };
    known.set(schedulerConfig, schedule);
  }
  return schedule;
}

/** The pipelines that edit by a sentence take a config as it is (diffusers, StableDiffusionInstructPix2PixPipeline). */
function asEditor(own: Family['schedule']): Family['schedule'] {
  return { ...own, calls: { ...PLAIN_CALLS, ...own.calls, correctsConfig: false } };
}
