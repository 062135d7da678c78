/**
 * Models that were made to paint without guidance. Options of commands cannot be hidden from some models, so that one that
 * does nothing is refused where somebody typed it, and passed over where it was chosen beforehand for all models.
 */
import { UserError } from '../../engine/errors.ts';
import { canWalk, hearsOption, limitsOf, WITHOUT_GUIDANCE } from '../../engine/request-codec.ts';
import type { ModelInfo } from '../../engine/request.ts';
import { say } from '../../engine/sentences.ts';
import type { ChoiceName, Choices } from './choices.ts';
import { OPTION_ROWS, type OptionName, type TypedOptions } from './table.ts';

/** The field of a request that an option sets, as far as models differ in hearing it. */
function fieldOf(name: OptionName): string | undefined {
  if (name === 'negative') return 'negativePrompt';
  return OPTION_ROWS.map((row) =>
    row.name === name && 'field' in row ? row.field : undefined,
  ).find((field) => field !== undefined);
}

/** Whether a model can do anything with an option. */
export function isHeard(name: OptionName, model: ModelInfo): boolean {
  return hearsOption(fieldOf(name), model);
}

/** @throws UserError for what was typed and does nothing; a scale of 1 or less is none */
export function checkHeard(typed: TypedOptions, model: ModelInfo): void {
  if (!model.unguided) return;
  const deaf = OPTION_ROWS.find(
    ({ name }) => isOfGuidance(name) && saysSomething(name, typed[name as keyof TypedOptions]),
  );
  if (deaf !== undefined)
    throw new UserError(say('option-needs-guidance', deaf.option, model.name));
}

/** Whether it says something of guidance. */
export function isOfGuidance(name: OptionName): boolean {
  const field = fieldOf(name);
  return field !== undefined && Object.hasOwn(WITHOUT_GUIDANCE, field);
}

function saysSomething(name: OptionName, value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  return typeof value === 'number' && value > (name === 'cfg' ? 1 : 0);
}

/** What was chosen beforehand, without what this model cannot do anything with. */
export function heardBy(model: ModelInfo, choices: Choices): Choices {
  const heard = Object.entries(choices).filter(([name]) => isHeard(name as ChoiceName, model));
  const { sampler, steps, schedule, ...others }: Choices = Object.fromEntries(heard);
  const isWalkable = canWalk({ sampler, schedule }, model);
  const isTaken = steps !== undefined && steps <= limitsOf(model).steps;
  return {
    ...others,
    // a schedule was chosen beside its sampler
    ...(isWalkable && { ...(sampler && { sampler }), ...(schedule && { schedule }) }),
    ...(isTaken && { steps }),
  };
}
