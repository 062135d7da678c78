import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import type { ModelInfo } from '../../src/engine/request.ts';

export const MODELS = fileURLToPath(new URL('../../models', import.meta.url));

/** An engine on the embedded model; the caller closes it. */
export async function openDemo(): Promise<{ engine: Engine; demo: ModelInfo }> {
  const engine = await startEngine(
    {
      modelsDir: MODELS,
      device: 'cpu',
      isolation: 'thread',
      modelCacheBytes: 2 ** 30,
      stepDeadlineMs: 60_000,
    },
    { info() {}, warn() {}, error() {} },
  );
  const demo = (await engine.models()).find(({ name }) => name === 'demo');
  assert.ok(demo);
  return { engine, demo };
}
