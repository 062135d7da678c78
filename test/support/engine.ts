import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../src/engine/engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openPictureReader, type PictureReader } from '../../src/engine/picture/picture-reader.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import { memoryLog } from './memory-log.ts';
import { timesSlower } from './models/slow-network.ts';

export const MODELS = fileURLToPath(new URL('../../models', import.meta.url));

type Shared = { engine: Promise<Engine>; users: number };

/** How many times longer for the sake of a busy machine the evaluations of slowed engines take. */
const slowed = new WeakMap<Engine, number>();

/** See `timesSlower`. */
export function slownessOf(engine: Engine): number | undefined {
  return slowed.get(engine);
}

/** The engines of this process by what they were opened with. */
const open = new Map<string, Shared>();

/** How long an engine waits for its next user. */
let lingerMs = 0;
/** Long enough for another file of this process to ask for the same engine, short enough for the memory of the machine. */
const LANE_LINGER_MS = 30_000;

/** Lets engines that nobody uses wait for another test file; what is answered ends those that still wait. */
export function keepEngines(): () => Promise<void> {
  lingerMs = LANE_LINGER_MS;
  return async () => {
    lingerMs = 0;
    await Promise.all([...open].map(([key, shared]) => endUnused(key, shared)));
  };
}

/**
 * An engine on a folder of models, by default on the shipped ones, which test files of one process share with all it has
 * loaded: it ends when its last user has closed it and nobody asks for it again.
 */
export async function openEngine(
  modelsDir = MODELS,
  childEnvironment: Readonly<Record<string, string>> = {},
): Promise<Engine> {
  const engine = await openShared(modelsDir, childEnvironment);
  const times = timesSlower(childEnvironment);
  if (times !== undefined) slowed.set(engine, times);
  return engine;
}

async function openShared(
  modelsDir: string,
  childEnvironment: Readonly<Record<string, string>>,
): Promise<Engine> {
  // A folder of a test's own goes with the test, and so does its engine.
  if (modelsDir !== MODELS) return start(modelsDir, childEnvironment);
  const key = JSON.stringify(childEnvironment);
  const shared = open.get(key) ?? { engine: start(modelsDir, childEnvironment), users: 0 };
  open.set(key, shared);
  shared.users++;
  const engine = await shared.engine;
  let isClosed = false;
  return {
    ...engine,
    async close() {
      if (isClosed) return;
      isClosed = true;
      shared.users--;
      if (lingerMs === 0) return endUnused(key, shared);
      setTimeout(() => endUnused(key, shared), lingerMs).unref();
    },
  };
}

async function endUnused(key: string, shared: Shared): Promise<void> {
  if (shared.users > 0 || open.get(key) !== shared) return;
  open.delete(key);
  await (await shared.engine).close();
}

function start(
  modelsDir: string,
  childEnvironment: Readonly<Record<string, string>>,
): Promise<Engine> {
  return startEngine(
    {
      modelsDir,
      device: 'cpu',
      isolation: 'thread',
      modelCacheBytes: 1024 ** 3,
      stepDeadlineMs: 60_000,
      childEnvironment,
    },
    memoryLog().log,
  );
}

let reader: PictureReader | null = null;

/**
 * What reads pictures for all bots of this process: its own process takes half a second of a core to start, and ends with
 * this one.
 */
export function sharedReader(): PictureReader {
  reader ??= openPictureReader();
  return reader;
}

/** An engine on the shipped models and what it says of the embedded one; the caller closes it. */
export async function openDemo(): Promise<{ engine: Engine; demo: ModelInfo }> {
  const engine = await openEngine();
  const demo = (await engine.models()).find(({ name }) => name === 'demo');
  assert.ok(demo);
  return { engine, demo };
}
