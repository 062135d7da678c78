import { CancelledError, EngineCrashedError } from './errors.ts';
import { openHost, type Host } from './host.ts';
import { reviveError, type FromWorker } from './messages.ts';
import { openRegistry } from './model/registry.ts';
import type { DeviceName, ProviderName } from './names.ts';
import type { GenerateRequest, GenerateResult, ModelInfo, Progress } from './request.ts';

export type EngineConfig = {
  modelsDir: string;
  device: DeviceName;
  isolation: 'thread' | 'process';
  /** bytes of model files kept loaded at once */
  modelCacheBytes: number;
  /** a child process that spends longer than this in one step is killed; milliseconds */
  stepDeadlineMs: number;
  /** model to load in the background before anybody asks; default none */
  preload?: string;
};

export type EngineLog = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export type GenerateOptions = {
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** make preview pictures; default true */
  previews?: boolean;
  /** send x̂0 latents with every sampling progress; default false */
  sendDenoised?: boolean;
  /** return the final latents; default false */
  keepLatents?: boolean;
};

export type EngineStatus = {
  state: 'starting' | 'idle' | 'busy' | 'restarting' | 'closed';
  /** the provider that really runs; null before the first model was loaded */
  provider: ProviderName | null;
  /** model name -> how the canary run compared with the CPU */
  loaded: readonly { model: string; provider: ProviderName; canaryMaxError: number | null }[];
  /** process id of the child when the engine is isolated in one; null in a thread */
  pid?: number | null;
};

/**
 * The caller's side of the isolation boundary. One generation runs at a time; further calls wait in order.
 * `generate` rejects with UserError (shown to the person), CancelledError, EngineCrashedError (the host died
 * and is being restarted: try once more) or any other error (logged).
 */
export type Engine = {
  /** scans the models folder anew when it changed; never loads a session, never blocks the caller */
  models(): Promise<readonly ModelInfo[]>;
  generate(request: GenerateRequest, options?: GenerateOptions): Promise<GenerateResult>;
  status(): EngineStatus;
  close(): Promise<void>;
};

/** Pause before the n-th restart in a row, milliseconds: doubles from half a second to half a minute. */
function backoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(30_000, 500 * 2 ** (failures - 1));
}

type Call = {
  id: number;
  request: GenerateRequest;
  options: GenerateOptions;
  resolve: (result: GenerateResult) => void;
  reject: (error: Error) => void;
  /** undo the abort listener */
  forget: () => void;
};

/**
 * Starts the engine on its host and resolves at once; models load when first asked for (or in the background, see
 * `preload`). A host that dies is restarted; calls that wait survive it.
 */
export async function startEngine(config: EngineConfig, log: EngineLog): Promise<Engine> {
  const registry = openRegistry(config.modelsDir, (folder, reason) =>
    log.warn({ folder, reason }, 'folder is not a usable model'),
  );
  const waiting: Call[] = [];
  let running: Call | null = null;
  let host: Host | null = null;
  let state: EngineStatus['state'] = 'starting';
  let loaded: EngineStatus['loaded'] = [];
  let nextId = 1;
  let failures = 0;
  let starts = 0;
  let deadline: NodeJS.Timeout | undefined;
  let restart: NodeJS.Timeout | undefined;
  let gone: (() => void) | null = null;
  const closed = new Promise<void>((resolve) => {
    gone = resolve;
  });
  let closing = false;

  function open(): void {
    starts += 1;
    // Messages of a host that was given up must not reach the calls of its successor.
    const own: Host = openHost(config.isolation, {
      onMessage: (message) => {
        if (host === own) receive(message);
      },
      onExit: (reason) => {
        if (host === own) lost(reason);
      },
    });
    host = own;
    own.post({
      type: 'start',
      config: {
        modelsDir: config.modelsDir,
        device: config.device,
        modelCacheBytes: config.modelCacheBytes,
        preload: config.preload ?? null,
      },
    });
  }

  function receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        starts = 0;
        state = 'idle';
        dispatch();
        return;
      case 'loaded':
        loaded = message.models;
        return;
      case 'log':
        log[message.level](message.fields, message.message);
        return;
      case 'progress':
        if (running?.id !== message.id) return;
        watch(running, message.progress.phase === 'loading' ? LOADING_PATIENCE : 1);
        report(running, message.progress);
        return;
      case 'done':
        failures = 0;
        settle(message.id, (call) => call.resolve(message.result));
        return;
      case 'failed':
        failures = 0;
        settle(message.id, (call) => call.reject(reviveError(message.error)));
        return;
      case 'closed':
        return;
    }
  }

  /** A listener that throws must not take the engine with it. */
  function report(call: Call, progress: Progress): void {
    try {
      call.options.onProgress?.(progress);
    } catch (error) {
      log.error({ error: String(error) }, 'a progress listener threw');
    }
  }

  function settle(id: number, finish: (call: Call) => void): void {
    if (running?.id !== id) return;
    const call = running;
    running = null;
    clearTimeout(deadline);
    call.forget();
    if (!closing) state = 'idle';
    finish(call);
    dispatch();
  }

  function dispatch(): void {
    if (state !== 'idle' || running !== null || host === null) return;
    const call = waiting.shift();
    if (call === undefined) return;
    running = call;
    state = 'busy';
    watch(call, LOADING_PATIENCE);
    const { previews = true, sendDenoised = false, keepLatents = false } = call.options;
    host.post({
      type: 'generate',
      id: call.id,
      request: call.request,
      options: { previews, sendDenoised, keepLatents },
    });
  }

  /** Every message of the running call winds the clock up again. */
  function watch(call: Call, patience: number): void {
    clearTimeout(deadline);
    if (config.isolation === 'thread') return;
    deadline = setTimeout(() => {
      if (running !== call) return;
      log.error({ stepDeadlineMs: config.stepDeadlineMs }, 'engine is stuck, ending its process');
      host?.kill();
    }, config.stepDeadlineMs * patience);
    deadline.unref();
  }

  function lost(reason: string): void {
    host = null;
    loaded = [];
    clearTimeout(deadline);
    if (closing) {
      state = 'closed';
      gone?.();
      return;
    }
    state = 'restarting';
    failures += 1;
    const delay = backoff(failures - 1);
    log.error({ reason, restartInMs: delay }, 'engine host died');
    const victim = running;
    running = null;
    restart = setTimeout(open, delay);
    if (starts >= MAX_STARTS) giveUpWaiting(reason);
    if (victim !== null) {
      victim.forget();
      victim.reject(
        new EngineCrashedError(`The engine stopped in the middle of a generation (${reason}).`),
      );
    }
  }

  /** A host that never gets ready would keep people waiting for ever: they hear of it, and restarts go on. */
  function giveUpWaiting(reason: string): void {
    for (const call of waiting.splice(0)) {
      call.forget();
      call.reject(new EngineCrashedError(`The engine does not start (${reason}).`));
    }
  }

  function cancel(call: Call): void {
    if (running === call) {
      host?.post({ type: 'cancel', id: call.id });
      return;
    }
    const at = waiting.indexOf(call);
    if (at < 0) return;
    waiting.splice(at, 1);
    call.forget();
    call.reject(new CancelledError());
  }

  open();
  return {
    models: () => registry.list(),
    generate(request, options = {}) {
      if (closing) return Promise.reject(new CancelledError());
      if (options.signal?.aborted) return Promise.reject(new CancelledError());
      return new Promise((resolve, reject) => {
        const onAbort = (): void => cancel(call);
        const forget = (): void => options.signal?.removeEventListener('abort', onAbort);
        const call: Call = { id: nextId++, request, options, resolve, reject, forget };
        options.signal?.addEventListener('abort', onAbort, { once: true });
        waiting.push(call);
        dispatch();
      });
    },
    status: () => ({
      state,
      provider: loaded.at(-1)?.provider ?? null,
      loaded,
      pid: host?.pid ?? null,
    }),
    async close() {
      if (!closing) {
        closing = true;
        clearTimeout(restart);
        for (const call of waiting.splice(0)) {
          call.forget();
          call.reject(new CancelledError());
        }
        if (host === null) {
          state = 'closed';
          gone?.();
        } else {
          host.post({ type: 'close' });
          const patience = setTimeout(() => host?.kill(), config.stepDeadlineMs);
          void closed.then(() => clearTimeout(patience));
        }
      }
      await closed;
    },
  };
}

/** Attempts to start before waiting calls are told. */
const MAX_STARTS = 3;

/** Opening gigabytes of weights takes longer than a step ever may. */
const LOADING_PATIENCE = 10;

/** A model folder by its path, as the registry sees it. Throws UserError when it is none. */
export async function describeModel(folder: string): Promise<ModelInfo> {
  return (await openRegistry(folder).find(folder)).info;
}
