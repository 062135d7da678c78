import { realpath } from 'node:fs/promises';
import type { Wishes } from './checkpoint/companions.ts';
import { UserError } from './errors.ts';
import {
  answersWithin,
  type ClientState,
  closeClient,
  generateOn,
  joinableWith,
  openClient,
  reloadHost,
} from './host/client.ts';
import { withoutPaths } from './host/hidden-paths.ts';
import { openRegistry, type Registry } from './model/registry.ts';
import { runBytes } from './network/row-budget.ts';
import { threadsOfNetworks } from './network/threads.ts';
import type { DeviceName, ProviderName } from './names.ts';
import type { GenerateOptions } from './pipeline/options.ts';
import type { GenerateRequest, ModelInfo, UnusableModel } from './request.ts';
import type { GenerateResult } from './result.ts';

export type { GenerateOptions };

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
  /** bytes that one transformer with its encoders may take; absent or null: nine tenths of the machine's */
  modelMemoryBytes?: number | null;
  /** bits that it is packed in where memory does not hold it; absent or null: it is refused then */
  quantise?: 4 | 8 | null;
  /** processor threads that a network takes, 0: one a core; absent: as many as those of this process take */
  threads?: number;
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

export type EngineStatus = {
  state: ClientState;
  /** the provider that really runs; null before the first model was loaded */
  provider: ProviderName | null;
  /** model name -> how the canary run compared with the CPU */
  loaded: readonly { model: string; provider: ProviderName; canaryMaxError: number | null }[];
  /** where several devices paint: each of them */
  devices?: readonly (Omit<EngineStatus, 'devices'> & {
    name: string;
    /** in another program, where several paint: that one's name, and what it calls the device itself */
    of?: { worker: string; device: string };
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

/**
 * Starts the engine on its host and resolves at once; models load when first asked for (or in the background, see
 * `preload`). A host that dies is restarted; calls that wait survive it.
 */
export async function startEngine(config: EngineConfig, log: EngineLog): Promise<Engine> {
  const { modelsDir, device, deviceIndex = null, modelCacheBytes, preload = null } = config;
  const { dataDir = null, childEnvironment: environment = {}, isolation, stepDeadlineMs } = config;
  const { sharing = false, threads = threadsOfNetworks() } = config;
  const folders = [await realpath(modelsDir).catch(() => modelsDir), modelsDir];
  const hide = (error: Error): Error =>
    config.hidesPaths === true ? (withoutPaths(error, folders) as Error) : error;
  /** Where models lie is the owner's business. */
  const told = (error: Error): Error => {
    const hidden = hide(error);
    if (hidden !== error) log.warn({ said: error.message }, 'a model or its files are in trouble');
    return hidden;
  };
  const openFolder = (): Registry =>
    openRegistry(modelsDir, (folder, reason) =>
      log.warn({ folder, reason }, 'folder is not a usable model'),
    );
  let registry = openFolder();
  const { modelMemoryBytes = null, quantise = null } = config;
  const where = { modelsDir, dataDir, device, deviceIndex, modelMemoryBytes, quantise };
  const timing = { stepDeadlineMs, threads };
  const host = { ...where, ...timing, modelCacheBytes, sharing, preload, environment };
  const client = openClient({ host, isolation }, log, told);
  return {
    unusable: () =>
      registry
        .unusable()
        .map(({ name, said }) => ({ name, said: (hide(new UserError(said)) as UserError).said })),
    models: () => registry.list().catch((error: Error) => Promise.reject(told(error))),
    generate: (request, options = {}) => generateOn(client, request, options),
    joinable: () => joinableWith(client),
    status: () => ({
      state: client.state,
      provider: client.loaded.at(-1)?.provider ?? null,
      loaded: client.loaded,
      pid: client.supervisor.pid(),
      counts: { restarts: client.restarts, evicted: client.evicted.before + client.evicted.now },
    }),
    async reload() {
      registry = openFolder();
      reloadHost(client);
      await registry.list();
    },
    answers: (withinMs) => answersWithin(client, withinMs),
    close: () => closeClient(client),
  };
}

/**
 * A model folder or file by its path, as the registry of the models folder sees it.
 * @throws UserError when it is none
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

/**
 * Looks through a models folder once, without an engine.
 * @throws UserError when it cannot be read
 */
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
