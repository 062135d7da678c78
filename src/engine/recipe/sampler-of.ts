import type { SamplerName, ScheduleName } from '../names.ts';
import { samplerWithSchedule, scheduleNamed } from '../request/fields/sampler-names.ts';
import { shown } from '../request/fields/request-values.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { words } from './found.ts';

/** Whose sampler of a common name is another one. */
type Habit = 'comfy' | 'usual';

export type FoundSampler = { sampler?: SamplerName; schedule?: ScheduleName; notes: Said[] };

/**
 * A sampler and a schedule by a program's names; a schedule may be part of the sampler's. Unknown ones are left out with
 * a note each, as A1111 paints on with its defaults (modules/sd_samplers.py, get_sampler_and_scheduler).
 */
export function samplerOf(
  sampler: unknown,
  schedule: unknown = undefined,
  habit: Habit = 'usual',
): FoundSampler {
  const notes: Said[] = [];
  const [name, ownSchedule] = [words(sampler).trim(), words(schedule).trim()];
  const found = name === '' ? null : samplerWithSchedule(name);
  if (name !== '' && found === null) notes.push(say('recipe-sampler', shown(name)));
  const named = ownSchedule === '' ? null : scheduleNamed(ownSchedule);
  if (ownSchedule !== '' && named === null) notes.push(say('recipe-schedule', shown(ownSchedule)));
  const known = found && habit === 'comfy' ? asComfy(found.sampler, name) : found?.sampler;
  const spacing = found?.schedule ?? named;
  // Where only the schedule is unknown, the sampler's own stands in for it.
  const usual = found !== null && ownSchedule !== '' ? 'automatic' : null;
  const taken = spacing ?? usual;
  return { ...(known && { sampler: known }), ...(taken !== null && { schedule: taken }), notes };
}

/** ComfyUI's "ddim" is the Euler method on the same sigmas (comfy/samplers.py, sampler_object). */
function asComfy(sampler: SamplerName, name: string): SamplerName {
  return sampler === 'ddim' && /^ddim/i.test(name) ? 'euler' : sampler;
}
