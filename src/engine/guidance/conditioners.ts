/** All that can tell a denoiser something beside its family's own words. A kind that joins is one more entry. */
import type { Conditioner, OptionalInput } from '../network/feeds.ts';
import type { GenerateRequest } from '../request.ts';
import { REFERENCES } from '../start/references.ts';
import type { ConditionedModel, ConditionerKind } from './conditioner.ts';
import { PERTURBED_ROWS } from './perturbation.ts';

const KINDS: readonly ConditionerKind[] = [PERTURBED_ROWS, REFERENCES];

/** Inputs that a denoiser's graph may have beside its family's. */
export const OPTIONAL_INPUTS: readonly OptionalInput[] = KINDS.flatMap(({ inputs }) => inputs);

/** @throws UserError for what the model does not take */
export async function beginConditioners(
  request: GenerateRequest,
  model: ConditionedModel,
): Promise<Conditioner[]> {
  const begun: Conditioner[] = [];
  for (const kind of KINDS) {
    const conditioner = await kind.begin(request, model);
    if (conditioner !== null) begun.push(conditioner);
  }
  return begun;
}
