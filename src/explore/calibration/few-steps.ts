import type { ModelInfo } from '../../engine/request.ts';

/** Steps that distilled models are made for, at most: their picture of 50 steps is no measure of anything. */
const FEW = 12;

/** Is the model distilled, by its usual number of steps? */
export function isMadeForFew({ defaults }: Pick<ModelInfo, 'defaults'>): boolean {
  return defaults.steps <= FEW;
}
