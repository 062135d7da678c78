import type { GenerateRequest, ModelInfo } from '../../engine/request.ts';

/** Of what a job holds: a program that reads another one never takes it. */
const PAYLOAD = 'payload:1';

/** What a worker must have to run a job, as `claim` is told by `has`. */
export function needsOf({ model, refiner }: Pick<GenerateRequest, 'model' | 'refiner'>): string[] {
  const second = refiner?.model ?? null;
  const models = [model, ...(second === null ? [] : [second])];
  return [PAYLOAD, ...models.map(modelNeed)];
}

/** What a worker with these models has. */
export function hasOf(models: readonly Pick<ModelInfo, 'name'>[]): string[] {
  return [PAYLOAD, ...models.map(({ name }) => modelNeed(name))];
}

const modelNeed = (name: string): string => `model:${name}`;
