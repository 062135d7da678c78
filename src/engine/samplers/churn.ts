import { raisedTo } from './kernels.ts';

/** Karras et al.'s stochasticity (2022), Algorithm 2: noise raised before a step where min <= σ <= max. */
export type Churn = { amount: number; min: number; max: number };

/**
 * Raises the noise level at the head of a step. Like k-diffusion it draws on every step once churning is on,
 * also where the range leaves it unused, so that the noise stream stays the same.
 */
export function raiseNoise(
  x: Float32Array,
  sigma: number,
  sigmaNext: number,
  steps: number,
  churn: Churn | undefined,
  noise: (sigma: number, sigmaNext: number) => Float32Array,
  noiseScale: number,
): { x: Float32Array; sigma: number } {
  if (churn === undefined || churn.amount === 0) return { x, sigma };
  const draw = noise(sigma, sigmaNext);
  if (sigma < churn.min || sigma > churn.max) return { x, sigma };
  const raised = sigma * (1 + Math.min(churn.amount / steps, Math.SQRT2 - 1));
  return { x: raisedTo(x, sigma, raised, noiseScale, draw), sigma: raised };
}
