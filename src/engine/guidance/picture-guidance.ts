/**
 * Guidance of models that edit a picture (InstructPix2Pix, Brooks et al. 2023): they are asked without prompt and picture,
 * with the picture alone, and with both; e = uncond + s_I (picture - uncond) + s_T (both - picture).
 */
import type { GenerateRequest, GuidanceRule } from '../request.ts';

/** What the paper, diffusers and A1111 use. */
const IMAGE_GUIDANCE_SCALE = 1.5;

/** Null where the picture is no part of the guidance, and one of its rows need not be asked. */
export function imageScaleOf(
  { imageGuidanceScale = IMAGE_GUIDANCE_SCALE }: Pick<GenerateRequest, 'imageGuidanceScale'>,
  rule: GuidanceRule,
): number | null {
  return rule === 'by-picture' && imageGuidanceScale !== 1 ? imageGuidanceScale : null;
}

/**
 * diffusers switches all guidance off where either scale is too low (do_classifier_free_guidance); elsewhere one of them
 * is enough (A1111's combine_denoised_for_edit_model, ComfyUI's Guider_DualCFG).
 */
export function isGuidedByPicture({
  guidanceScale,
  imageGuidanceScale = IMAGE_GUIDANCE_SCALE,
  profile,
}: Pick<GenerateRequest, 'guidanceScale' | 'imageGuidanceScale' | 'profile'>): boolean {
  return profile === 'diffusers'
    ? guidanceScale > 1 && imageGuidanceScale >= 1
    : guidanceScale !== 1 || imageGuidanceScale !== 1;
}

/** The rule of a model's guidance. */
export function guidanceRule({
  transformer,
  edits,
}: {
  transformer?: { guidance: GuidanceRule } | undefined;
  edits?: object | undefined;
}): GuidanceRule {
  return edits === undefined ? (transformer?.guidance ?? 'plain') : 'by-picture';
}
