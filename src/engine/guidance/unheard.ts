import type { ModelLayout } from '../model/layout.ts';
import type { GenerateRequest } from '../request.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';

/** What was asked of guidance and a transformer cannot follow, a sentence each. */
export function unheardGuidance(
  request: Pick<GenerateRequest, 'guidanceScale' | 'distilledGuidance'>,
  { transformer, name }: Pick<ModelLayout, 'transformer' | 'name'>,
): Said[] {
  if (transformer === undefined) return [];
  const { guidanceScale, distilledGuidance = 0 } = request;
  return [
    ...(transformer.guidance === 'none' && guidanceScale > 1
      ? [say('guidance-unheard', name)]
      : []),
    // 0 is what diffusers' pipelines are told for such models
    ...(!transformer.isGuided && distilledGuidance > 0
      ? [say('distilled-guidance-unheard', name)]
      : []),
  ];
}
