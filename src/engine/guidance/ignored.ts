import type { ModelLayout } from '../model/layout.ts';
import type { GenerateRequest } from '../request.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';

/** What was asked of guidance and the model cannot follow, a sentence each. */
export function ignoredGuidance(
  request: Pick<GenerateRequest, 'guidanceScale' | 'distilledGuidance' | 'imageGuidanceScale'>,
  { transformer, edits, name }: Pick<ModelLayout, 'transformer' | 'edits' | 'name'>,
): Said[] {
  const { guidanceScale, distilledGuidance = 0, imageGuidanceScale } = request;
  const ignored =
    imageGuidanceScale !== undefined && !edits ? [say('image-guidance-unheard', name)] : [];
  if (transformer === undefined) return ignored;
  return [
    ...ignored,
    ...(transformer.guidance === 'none' && guidanceScale > 1
      ? [say('guidance-unheard', name)]
      : []),
    // 0 is what diffusers' pipelines are told for such models
    ...(!transformer.isGuided && distilledGuidance > 0
      ? [say('distilled-guidance-unheard', name)]
      : []),
  ];
}
