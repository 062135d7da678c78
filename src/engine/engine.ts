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

/** Placeholder until the hosts land. */
export type StartEngine = (config: EngineConfig, log: EngineLog) => Promise<Engine>;
