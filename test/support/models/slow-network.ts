/**
 * Imported before an engine's thread or process, or a whole program: every evaluation of a denoiser takes so many
 * milliseconds more, as on a slower device, without a processor being busy with it. A small picture of few steps is
 * then met half-way on any machine; its numbers stay what they are.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { InferenceSession } from 'onnxruntime-node';
import { patience } from '../machine/patience.ts';

/** Named so that a program hands it on to its engine, like all that ONNX Runtime is told. */
const NAME = 'ORT_SLOWER_BY_MS';
/** How much of it is for the sake of a busy machine. */
const TIMES = 'ORT_SLOWER_TIMES';

/** Slower than this, waiting alone would fill the minutes of a busy machine. */
const MOST_TIMES = 8;

/**
 * The variables of an engine or a program whose evaluations take so much longer: milliseconds of an idle machine, on a
 * busy one the nearest power of two of it, so that files of one process share an engine.
 */
export function slowly(ms: number): Record<string, string> {
  const times = Math.min(MOST_TIMES, 2 ** Math.round(Math.log2(patience(1000) / 1000)));
  return {
    NODE_OPTIONS: `--import=${import.meta.url}`,
    [NAME]: String(ms * times),
    [TIMES]: String(times),
  };
}

/** How many times longer than on an idle machine an engine of these variables is slowed; undefined: it is not. */
export function timesSlower(env: Readonly<Record<string, string>>): number | undefined {
  const times = env[TIMES];
  return times === undefined ? undefined : Number(times);
}

type Runs = { inputNames: readonly string[]; run: (...words: unknown[]) => Promise<unknown> };

/** Blocks, as the evaluation itself does. */
function slowDown(ms: number): void {
  // Its type speaks of the factory alone.
  const { prototype } = InferenceSession as unknown as { prototype: Runs };
  const { run } = prototype;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  prototype.run = function (...words) {
    if (this.inputNames.includes('timestep')) Atomics.wait(pause, 0, 0, ms);
    return run.apply(this, words);
  };
}

/** The threads that this program starts import this file as well. */
function handOn(): void {
  const threads = createRequire(import.meta.url)(
    'node:worker_threads',
  ) as typeof import('node:worker_threads');
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(file: string | URL, options: import('node:worker_threads').WorkerOptions = {}) {
      super(file, {
        ...options,
        execArgv: [...(options.execArgv ?? []), '--import', import.meta.url],
      });
    }
  };
  syncBuiltinESMExports();
}

const ms = Number(process.env[NAME] ?? 0);
if (ms > 0) {
  slowDown(ms);
  if (isMainThread) handOn();
}
