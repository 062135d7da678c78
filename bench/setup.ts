import path from 'node:path';
import { type Engine, type EngineConfig, startEngine } from '../src/engine/engine.ts';
import type { GenerateRequest, RequestInput } from '../src/engine/request.ts';
import { parseRequest } from '../src/engine/request-codec.ts';

export const quiet = { debug() {}, info() {}, warn() {}, error: console.error };

export const engineConfig: EngineConfig = {
  modelsDir: path.join(import.meta.dirname, '../models'),
  device: 'cpu',
  isolation: 'thread',
  modelCacheBytes: 2 ** 30,
  stepDeadlineMs: 600_000,
};

/** An engine on the embedded model, and a way to word requests for it. */
export async function openEngine(config: Partial<EngineConfig> = {}): Promise<{
  engine: Engine;
  request: (input: RequestInput) => GenerateRequest;
}> {
  const engine = await startEngine({ ...engineConfig, ...config }, quiet);
  const models = await engine.models();
  const demo = models.find(({ name }) => name === 'demo');
  if (demo === undefined) throw new Error('models/demo is missing');
  return {
    engine,
    request: (input) =>
      parseRequest({ model: 'demo', prompt: 'an orange fox in the snow', ...input }, demo),
  };
}
