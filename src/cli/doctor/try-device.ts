/** Paints a picture of a few steps on one device, as the bot would, and measures a step. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DeviceSpec } from '../../engine/devices.ts';
import { describeModel, type EngineConfig, startEngine } from '../../engine/engine.ts';
import type { ProviderName } from '../../engine/names.ts';
import type { ModelInfo } from '../../engine/request.ts';
import { parseRequest } from '../../engine/request-codec.ts';

export type Tried = {
  device: string;
  model: string;
  /** what really ran; null: nothing did */
  provider: ProviderName | null;
  /** how far its test run was from the CPU's; null on the CPU itself */
  canaryMaxError: number | null;
  /** the median, milliseconds */
  stepMs: number | null;
  loadMs: number | null;
  /** why it does not paint; null: it does */
  error: string | null;
};

const STEPS = 4;

/** The model that the project brings along, beside the sources or what was built of them: every provider can run it. */
function embeddedModel(): string {
  const above = ['../../..', '../../../..'].map((up) =>
    path.join(import.meta.dirname, up, 'models/demo'),
  );
  return above.find(existsSync) ?? above[0]!;
}

/**
 * In a process of its own, so that a driver that crashes is an answer. Never throws; gives up after `patienceMs`.
 */
export async function tryDevice(
  spec: DeviceSpec,
  config: EngineConfig,
  model: ModelInfo | null,
  patienceMs: number,
): Promise<Tried> {
  const none = { provider: null, canaryMaxError: null, stepMs: null, loadMs: null };
  const about = { device: spec.name, model: model?.name ?? 'demo' };
  const abort = new AbortController();
  let engine: Awaited<ReturnType<typeof startEngine>> | null = null;
  try {
    const info = model ?? (await describeModel(embeddedModel()));
    const { device, index: deviceIndex } = spec;
    const own = { ...config, device, deviceIndex, isolation: 'process', sharing: false } as const;
    engine = await startEngine({ ...own, stepDeadlineMs: SILENCE_MS }, SILENT);
    const input = { model: model?.name ?? info.folder, steps: STEPS, guidanceScale: 1, seed: 1 };
    const request = parseRequest(input, info);
    const painting = engine.generate(request, { previews: false, signal: abort.signal });
    // A driver that hangs inside a run hears of no end: its process is ended with the engine.
    const { provider, timings } = await within(patienceMs, painting);
    const { canaryMaxError = null } = engine.status().loaded.at(-1) ?? {};
    return {
      ...about,
      provider,
      canaryMaxError,
      stepMs: median(timings.steps_ms),
      loadMs: Math.round(timings.load_ms),
      error: null,
    };
  } catch (error) {
    const said = (error as Error).message.replaceAll(/\s*\n\s*/g, ' ');
    return { ...about, ...none, error: said };
  } finally {
    abort.abort();
    await engine?.close();
  }
}

/** A step of the embedded model takes milliseconds: what says nothing for longer is ended. */
const SILENCE_MS = 10_000;

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const sentence = `it did not finish ${STEPS} steps within ${Math.round(ms / 1000)} s`;
  const timer = setTimeout(() => reject(new Error(sentence)), ms);
  // What comes of it later is nobody's business any more.
  work.catch(() => {});
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

const SILENT = { info() {}, warn() {}, error() {} };

/** The first step has the last of the opening in it; half of them are faster than this. */
function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? null : Math.round(middle * 10) / 10;
}
