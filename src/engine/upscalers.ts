/** Networks that make a picture larger (ESRGAN and its kin, as .onnx), in a thread of their own. */
import { Worker } from 'node:worker_threads';
import './network/telemetry.ts';
import { reviveError } from './host/messages.ts';
import { upscalerFile, upscalersIn } from './upscale/on-disk.ts';
import type { FromUpscaler, ToUpscaler } from './upscale/upscale-thread.ts';

export type Upscalers = {
  /**
   * By the names of their files, in alphabetical order; looked up anew each time. `demo/large` lies in a folder that
   * is called like a model, and serves the pictures of that model alone.
   */
  names(): Promise<readonly string[]>;
  /**
   * A stored picture made larger by one of them; keeps its recipe, with `Upscaled` added, and its mark.
   * `signal` ends it before the next tile. @throws UserError when the network or the picture cannot serve,
   * CancelledError
   */
  upscale(
    name: string,
    png: Uint8Array,
    signal?: AbortSignal,
  ): Promise<{ png: Uint8Array; factor: number }>;
  close(): Promise<void>;
};

/** The one that makes this model's pictures larger: its own, else the first that serves all; null without any. */
export function upscalerFor(model: string | null, names: readonly string[]): string | null {
  const own = model === null ? undefined : names.find((name) => name.startsWith(`${model}/`));
  return own ?? names.find((name) => !name.includes('/')) ?? null;
}

/** `folder`: absolute, such as models/upscalers; there need not be one. */
export function openUpscalers(folder: string): Upscalers {
  const waiting = new Map<number, PromiseWithResolvers<{ png: Uint8Array; factor: number }>>();
  let worker: Worker | null = null;
  let nextId = 1;
  let closed = false;

  function thread(): Worker {
    if (worker !== null) return worker;
    const fresh = new Worker(new URL('upscale/upscale-thread.ts', import.meta.url), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    fresh.on('message', (message: FromUpscaler) => {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (waiting.size === 0) fresh.unref();
      if ('error' in message) call?.reject(reviveError(message.error));
      else call?.resolve({ png: message.png, factor: message.factor });
    });
    const lost = (error: Error): void => {
      if (worker === fresh) worker = null;
      for (const call of waiting.values()) call.reject(error);
      waiting.clear();
    };
    fresh.on('error', lost);
    fresh.on('exit', () => lost(new Error('the upscaling thread has ended')));
    worker = fresh;
    return fresh;
  }

  return {
    names: () => upscalersIn(folder),
    upscale(name, png, signal) {
      if (closed) return Promise.reject(new Error('the upscalers are closed'));
      const call = Promise.withResolvers<{ png: Uint8Array; factor: number }>();
      const id = nextId++;
      waiting.set(id, call);
      const message: ToUpscaler = { id, file: upscalerFile(folder, name), name, png };
      const running = thread();
      running.ref();
      running.postMessage(message);
      const cancel = () => running.postMessage({ id, cancel: true } satisfies ToUpscaler);
      if (signal?.aborted === true) cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      return call.promise.finally(() => signal?.removeEventListener('abort', cancel));
    },
    async close() {
      closed = true;
      // A network run cannot be interrupted: what is in hand ends first.
      await Promise.allSettled([...waiting.values()].map(({ promise }) => promise));
      await worker?.terminate();
    },
  };
}
