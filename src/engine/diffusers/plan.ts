import { UserError } from '../errors.ts';
import type { PlanSampling } from '../sampling.ts';

/** diffusers' scheduler classes; they land next. */
export const planDiffusers: PlanSampling = (request) => {
  throw new UserError(
    `The sampler ${request.sampler} of profile ${request.profile} is not built in yet.`,
  );
};
