import { realpath } from 'node:fs/promises';
import { CancelledError, EngineCrashedError, UserError } from './errors.ts';
import type { JournalOptions } from './pipeline/journal.ts';
import type { PaintOptions } from './pipeline/options.ts';
import { keepHost } from './host/keeper.ts';
import { reviveError, type FromWorker } from './host/messages.ts';
import { createPulse } from './host/pulse.ts';
import type { Wishes } from './checkpoint/companions.ts';
import { withoutPaths } from './host/hidden-paths.ts';
import { openRegistry } from './model/registry.ts';
import { shareKeyOf } from './sharing.ts';
import { runBytes } from './network/row-budget.ts';
import type { DeviceName, ProviderName } from './names.ts';
import type {
  GenerateRequest,
  GenerateResult,
  ModelInfo,
  Progress,
  UnusableModel,
} from './request.ts';

export type EngineConfig = {
  modelsDir: string;
  /** keeps what is unfolded from packed weights, in weights/; absent: the system's folder for such files */
  dataDir?: string;
  device: DeviceName;
  /** which one of its kind, where the machine has several; absent or null: the first */
  deviceIndex?: number | null;
  isolation: 'thread' | 'process';
  /** bytes of model files kept loaded at once */
  modelCacheBytes: number;
  /** a child process that spends longer than this in one step is killed; milliseconds */
  stepDeadlineMs: number;
  /** variables that the thread or process sees, the paths of libraries among them; default none */
  childEnvironment?: Readonly<Record<string, string>>;
  /** what goes wrong is told without paths of this machine, which are logged instead; default false */
  hidesPaths?: boolean;
  /** measure of every model whether runs should share evaluations, and offer it where they should; default false */
  sharing?: boolean;
  /** model to load in the background before anybody asks; default none */
  preload?: string;
};

export type EngineLog = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** See PaintOptions; what it tells while it goes on, and how it is stopped. */
export type GenerateOptions = Omit<PaintOptions, 'journal'> & {
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** it may begin beside runs whose evaluations it can share (`joinable`), instead of after them; default false */
  joins?: boolean;
  /** lets the run go on where an earlier one of the same request was cut short; default: it cannot */
  journal?: JournalOptions;
};

export type EngineStatus = {
  state: 'starting' | 'idle' | 'busy' | 'restarting' | 'closed';
  /** the provider that really runs; null before the first model was loaded */
  provider: ProviderName | null;
  /** model name -> how the canary run compared with the CPU */
  loaded: readonly { model: string; provider: ProviderName; canaryMaxError: number | null }[];
  /** where several devices paint: each of them */
  devices?: readonly (Omit<EngineStatus, 'devices'> & {
    name: string;
    /** why it is not used, and when it is tried again (milliseconds since 1970); null: it is */
    aside: { why: string; until: number } | null;
  })[];
  /** process id of the child when the engine is isolated in one; null in a thread */
  pid?: number | null;
  /** since the program started: hosts that died, models that made room for others */
  counts?: { restarts: number; evicted: number };
};

/**
 * The caller's side of the isolation boundary. One generation runs at a time, and with it those that share its
 * evaluations; further calls wait in order.
 * `generate` rejects with UserError (shown to the person), CancelledError, EngineCrashedError (the host died
 * and is being restarted: try once more) or any other error (logged).
 */
export type Engine = {
  /** scans the models folder anew when it changed; never loads a session, never blocks the caller */
  models(): Promise<readonly ModelInfo[]>;
  /** what `models` could not use when it looked last, and why */
  unusable(): readonly UnusableModel[];
  generate(request: GenerateRequest, options?: GenerateOptions): Promise<GenerateResult>;
  status(): EngineStatus;
  /** What runs could share its evaluations with one more order of this key (sharing.ts); null or absent: with none. */
  joinable?(): string | null;
  /**
   * Looks at the models folder as if for the first time, and lets go of what is loaded: the next picture loads it anew.
   * What runs is finished first.
   */
  reload(): Promise<void>;
  /**
   * Whether its host shows signs of life: within `withinMs` when nothing runs, within the deadline of a step when
   * something does (loading a model may keep it silent for minutes).
   */
  answers(withinMs: number): Promise<boolean>;
  close(): Promise<void>;
};

type Call = {
  id: number;
  request: GenerateRequest;
  options: GenerateOptions;
  resolve: (result: GenerateResult) => void;
  reject: (error: Error) => void;
};

/** Starts in vain before waiting calls are told. */
const MAX_STARTS = 3;

/** Opening gigabytes of weights may take this many times longer than a step. */
const LOADING_PATIENCE = 10;

/**
 * Starts the engine on its host and resolves at once; models load when first asked for (or in the background, see
 * `preload`). A host that dies is restarted; calls that wait survive it.
 */
export async function startEngine(config: EngineConfig, log: EngineLog): Promise<Engine> {
  const openFolder = () =>
    openRegistry(config.modelsDir, (folder, reason) =>
      log.warn({ folder, reason }, 'folder is not a usable model'),
    );
  let registry = openFolder();
  const { modelsDir, device, deviceIndex = null, modelCacheBytes, preload = null } = config;
  const dataDir = config.dataDir ?? null;
  const { childEnvironment: environment = {}, sharing = false } = config;
  const keeper = keepHost(
    config.isolation,
    {
      modelsDir,
      dataDir,
      device,
      deviceIndex,
      modelCacheBytes,
      sharing,
      preload,
      environment,
    },
    { onMessage: receive, onLost: lost },
  );
  const folders = [await realpath(modelsDir).catch(() => modelsDir), modelsDir];
  const waiting: Call[] = [];
  /** the first one, and those that joined it */
  const running = new Map<number, Call>();
  /** what the runs share; null: nothing */
  let shared: string | null = null;
  /** pixels of pictures that are best painted together, by model */
  const roomFor = new Map<string, number>();
  let isReloading = false;
  let state: EngineStatus['state'] = 'starting';
  let loaded: EngineStatus['loaded'] = [];
  let nextId = 1;
  let deadline: NodeJS.Timeout | undefined;
  let closing = false;
  let restarts = 0;
  /** by hosts that are gone, and by this one */
  const evicted = { before: 0, now: 0 };
  let patienceMs = config.stepDeadlineMs;
  const pulse = createPulse(() => keeper.post({ type: 'ping' }));

  function receive(message: FromWorker): void {
    pulse.beat();
    switch (message.type) {
      case 'pong':
        return;
      case 'ready':
        state = 'idle';
        dispatch();
        return;
      case 'loaded':
        loaded = message.models;
        evicted.now = message.evicted;
        return;
      case 'log':
        log[message.level](message.fields, message.message);
        return;
      case 'progress': {
        const call = running.get(message.id);
        if (call === undefined) return;
        watch(message.progress.at(-1)?.phase === 'loading' ? LOADING_PATIENCE : 1);
        for (const progress of message.progress) report(call, progress);
        return;
      }
      case 'journal':
        running.get(message.id)?.options.journal?.keep(message.records);
        return;
      case 'sharing':
        roomFor.set(message.model, message.people > 1 ? message.people * message.pixels : 0);
        return;
      case 'done':
        settle(message.id, (call) => call.resolve(message.result));
        return;
      case 'failed':
        settle(message.id, (call) => call.reject(told(reviveError(message.error))));
    }
  }

  /** Where models lie is the owner's business. */
  function told(error: Error): Error {
    if (config.hidesPaths !== true) return error;
    const hidden = withoutPaths(error, folders) as Error;
    if (hidden !== error) log.warn({ said: error.message }, 'a model or its files are in trouble');
    return hidden;
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
    const call = running.get(id);
    if (call === undefined) return;
    running.delete(id);
    if (running.size === 0) {
      clearTimeout(deadline);
      isReloading = false;
      if (!closing) state = 'idle';
    }
    finish(call);
    dispatch();
  }

  function dispatch(): void {
    if (state !== 'idle') return;
    const call = waiting.shift();
    if (call === undefined) return;
    shared = sharing ? shareKeyOf(call.request) : null;
    begin(call, false);
  }

  function begin(call: Call, joins: boolean): void {
    running.set(call.id, call);
    state = 'busy';
    pulse.beat();
    if (!joins) watch(LOADING_PATIENCE);
    const { onProgress: _, signal: __, joins: ___, journal, ...options } = call.options;
    keeper.post({
      type: 'generate',
      id: call.id,
      request: call.request,
      share: shared,
      joins,
      // functions do not cross
      options: {
        ...options,
        journal: journal ? { past: journal.past, everyMs: journal.everyMs } : null,
      },
    });
  }

  /** Every sign of life winds the clock up again. A thread cannot be ended from outside, so nobody watches it. */
  function watch(patience: number): void {
    clearTimeout(deadline);
    patienceMs = config.stepDeadlineMs * patience;
    if (config.isolation === 'thread') return;
    deadline = setTimeout(() => {
      if (running.size === 0) return;
      log.error({ stepDeadlineMs: config.stepDeadlineMs }, 'engine is stuck, ending its process');
      keeper.kill();
    }, patienceMs);
    deadline.unref();
  }

  function lost(reason: string, inVain: number, restartInMs: number): void {
    loaded = [];
    evicted.before += evicted.now;
    evicted.now = 0;
    clearTimeout(deadline);
    const victims = [...running.values()];
    running.clear();
    if (closing) {
      for (const victim of victims) victim.reject(new CancelledError());
      return;
    }
    state = 'restarting';
    restarts++;
    log.error({ reason, restartInMs }, 'engine host died');
    for (const victim of victims) {
      victim.reject(
        new EngineCrashedError(`The engine stopped in the middle of a generation (${reason}).`),
      );
    }
    if (inVain < MAX_STARTS) return;
    // A host that never gets ready would keep people waiting for ever.
    for (const call of waiting.splice(0)) {
      call.reject(new EngineCrashedError(`The engine does not start (${reason}).`));
    }
  }

  function cancel(call: Call): void {
    if (running.has(call.id)) keeper.post({ type: 'cancel', id: call.id });
    const at = waiting.indexOf(call);
    if (at < 0) return;
    waiting.splice(at, 1);
    call.reject(new CancelledError());
  }

  /** As long as somebody waits who cannot join, nobody does: what runs comes to its end. */
  function joinable(): string | null {
    if (state !== 'busy' || closing || isReloading || waiting.length > 0) return null;
    const calls = [...running.values()];
    const [first] = calls;
    if (shared === null || first === undefined) return null;
    const { model, width, height } = first.request;
    const taken = calls.reduce((sum, { request }) => sum + request.count, 0);
    return (taken + 1) * width * height <= (roomFor.get(model) ?? 0) ? shared : null;
  }

  function generate(
    request: GenerateRequest,
    options: GenerateOptions = {},
  ): Promise<GenerateResult> {
    const { signal } = options;
    if (closing || signal?.aborted) return Promise.reject(new CancelledError());
    const { promise, resolve, reject } = Promise.withResolvers<GenerateResult>();
    const call: Call = { id: nextId++, request, options, resolve, reject };
    const onAbort = (): void => cancel(call);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (options.joins === true && joinable() === shareKeyOf(request) && shared !== null) {
      begin(call, true);
    } else {
      waiting.push(call);
      dispatch();
    }
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  return {
    unusable: () =>
      registry.unusable().map(({ name, said }) => {
        if (config.hidesPaths !== true) return { name, said };
        const hidden = withoutPaths(new UserError(said), folders);
        return { name, said: (hidden as UserError).said };
      }),
    models: () => registry.list().catch((error: Error) => Promise.reject(told(error))),
    generate,
    joinable,
    status: () => ({
      state,
      provider: loaded.at(-1)?.provider ?? null,
      loaded,
      pid: keeper.pid(),
      counts: { restarts, evicted: evicted.before + evicted.now },
    }),
    async reload() {
      registry = openFolder();
      isReloading = running.size > 0;
      if (state !== 'restarting' && !closing) keeper.post({ type: 'reload' });
      await registry.list();
    },
    async answers(withinMs) {
      if (state === 'closed' || state === 'restarting') return false;
      return state === 'busy' ? pulse.silentMs() < patienceMs : pulse.ask(withinMs);
    },
    async close() {
      closing = true;
      for (const call of waiting.splice(0)) call.reject(new CancelledError());
      await keeper.close(config.stepDeadlineMs);
      state = 'closed';
    },
  };
}

/**
 * A model folder or file by its path, as the registry of the models folder sees it. Throws UserError when it is none.
 */
export async function describeModel(
  path: string,
  modelsDir = path,
  wishes?: Wishes,
): Promise<ModelInfo> {
  return (await openRegistry(modelsDir).find(path, wishes)).info;
}

/** What a model of the models folder asks of memory, bytes. */
export type ModelWeight = {
  name: string;
  /** its files, and those that it takes from elsewhere; mapped on the CPU, copied to a GPU */
  weights: number;
  /** beside them, while one picture of the model's own size is painted */
  run: number;
};

/** What lies in a models folder. */
export type ModelSurvey = {
  models: readonly ModelInfo[];
  unusable: readonly UnusableModel[];
  weights: readonly ModelWeight[];
};

/** Looks through a models folder once, without an engine. Throws UserError when it cannot be read. */
export async function surveyModels(modelsDir: string): Promise<ModelSurvey> {
  const registry = openRegistry(modelsDir);
  const models = await registry.list();
  const weights: ModelWeight[] = [];
  for (const { name, nativeSize, checkpoint } of models) {
    const { layout } = await registry.find(name);
    const { width, height } = nativeSize;
    const latents = (width / layout.vaeFactor) * (height / layout.vaeFactor);
    const isHalf = checkpoint !== undefined && !checkpoint.dtype.includes('fp32');
    weights.push({ name, weights: layout.bytes, run: runBytes(latents, isHalf) });
  }
  return { models, unusable: registry.unusable(), weights };
}
