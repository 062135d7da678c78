/** What the config.json beside a transformer tells that its tensors do not; a single file tells nothing. */
import type { GraphBuilder } from '../builder.ts';
import type { RotaryWords } from './rotary.ts';

export type NetworkConfig = Readonly<Record<string, unknown>>;

export const NO_CONFIG: NetworkConfig = {};

/** Features of a head: as many as `norm`, the weight of a head's norm, has; else what the config says. */
export function headSizeOf(
  g: GraphBuilder,
  config: NetworkConfig,
  { norm, usual }: { norm: string; usual: number },
): number {
  if (g.has(norm)) return g.shapeOf(norm)[0] ?? usual;
  return positive(config['attention_head_dim']) ?? usual;
}

/**
 * Axes and base of the turns. Where nothing is told, the usual axes in proportion.
 * @throws Error when they do not come to a head of `headSize` features
 */
export function rotaryOf(usual: RotaryWords, headSize: number, config: NetworkConfig): RotaryWords {
  const theta = positive(config['rope_theta']) ?? usual.theta;
  const told = config['axes_dims_rope'] ?? config['axes_dims'];
  const whole = usual.axes.reduce((sum, { features }) => sum + features, 0);
  const sizes = Array.isArray(told)
    ? told.map(Number)
    : usual.axes.map(({ features }) => (features * headSize) / whole);
  const fits =
    sizes.length === usual.axes.length &&
    sizes.every((size) => size > 0 && size % 2 === 0) &&
    sizes.reduce((sum, size) => sum + size, 0) === headSize;
  if (!fits) {
    throw new Error(`heads of ${headSize} features cannot turn by axes of ${sizes.join(', ')}`);
  }
  const axes = usual.axes.map((axis, i) => ({ ...axis, features: sizes[i]! }));
  return { ...usual, theta, axes };
}

/** Takes a finite number above 0 as it is; null for everything else. */
export function positive(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}
