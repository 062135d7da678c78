import { LIMITS } from '../../engine/request-codec.ts';

/** Ceilings of this installation, below or equal to what the engine can do. */
export type BotLimits = {
  steps: number;
  /** pixels of one picture */
  pixels: number;
  /** pictures of one order, 1-9 */
  count: number;
};

export const DEFAULT_LIMITS: BotLimits = { steps: LIMITS.steps.max, pixels: 2048 * 2048, count: 4 };
