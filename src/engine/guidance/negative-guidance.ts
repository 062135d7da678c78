import { expectedEvaluations, levelOfTimestep } from './network-level.ts';
import { imageScaleOf } from './picture-guidance.ts';
import type { GenerateRequest, GuidanceRule } from '../request.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';

/** `step` counts the evaluations of a pass from 0. */
export type SkipsNegative = (step: number, timestep: number) => boolean;

/**
 * The evaluations that do without the negative prompt, by A1111's two settings (sd_samplers_cfg_denoiser.py,
 * CFGDenoiser.forward: skip_early_cond, s_min_uncond). Null where each one asks for it.
 */
export function negativeSkips(
  request: GenerateRequest,
  schedule: ModelSchedule,
  rule: GuidanceRule = 'plain',
): SkipsNegative | null {
  const { negativeGuidance, cfgTruncation } = request;
  if (cfgTruncation !== undefined && cfgTruncation < 1 && schedule.parameterization === 'flow') {
    // how far the way is behind, as Z-Image's pipeline counts it (diffusers)
    return (_, timestep) => Math.fround((1000 - Math.fround(timestep)) / 1000) > cfgTruncation;
  }
  // A1111 skips nothing where a picture guides.
  if (!negativeGuidance || imageScaleOf(request, rule) !== null) return null;
  const { minSigma, allSteps, skipEarly } = negativeGuidance;
  const level = levelOfTimestep(request, schedule);
  const total = expectedEvaluations(request);
  return (step, timestep) =>
    (skipEarly !== 0 && step / total <= skipEarly) ||
    ((step % 2 === 1 || allSteps) && level(timestep) < minSigma);
}
