/** Everything that crosses the boundary between the caller and the engine's host, in both directions. */
import { CancelledError, DeviceError, RunError, UserError } from '../errors.ts';
import type { PaintOptions } from '../pipeline/options.ts';
import type { DeviceName, ProviderName } from '../names.ts';
import type { Said } from '../said.ts';
import type { GenerateRequest } from '../request.ts';
import type { GenerateResult, Progress } from '../result.ts';

export type HostConfig = {
  modelsDir: string;
  /** keeps what is unfolded from packed weights; null: the system's folder for such files does */
  dataDir: string | null;
  device: DeviceName;
  /** which one of its kind; null: the first */
  deviceIndex: number | null;
  modelCacheBytes: number;
  /** bytes that one transformer with its encoders may take; null: nine tenths of the machine's */
  modelMemoryBytes: number | null;
  /** bits that it is packed in where memory does not hold it; null: it is refused then */
  quantise: 4 | 8 | null;
  /** processor threads that a network takes; 0: one a core */
  threads: number;
  /** longest that one step may take; milliseconds */
  stepDeadlineMs: number;
  /** find out of every model whether runs of several people should share evaluations, and let them */
  sharing: boolean;
  /** model to load in the background once idle; null: the first request loads */
  preload: string | null;
};

export type ToWorker =
  | { type: 'start'; config: HostConfig }
  /** `share`: of a run that others may join (sharing.ts); `joins`: it may begin beside a run of the same */
  | {
      type: 'generate';
      id: number;
      request: GenerateRequest;
      options: PaintOptions;
      share: string | null;
      joins: boolean;
    }
  | { type: 'cancel'; id: number }
  /** asks for a sign of life: 'pong', as soon as its message loop turns */
  | { type: 'ping' }
  /** between two generations: models and what is known of them are let go of, and read anew when asked for */
  | { type: 'reload' }
  | { type: 'close' };

export type LoadedStatus = {
  model: string;
  provider: ProviderName;
  canaryMaxError: number | null;
};

export type FromWorker =
  | { type: 'ready' }
  | { type: 'pong' }
  /** every step's progress; steps of a few milliseconds travel together */
  | { type: 'progress'; id: number; progress: readonly Progress[] }
  /** answers of the network for the journal, in order */
  | { type: 'journal'; id: number; records: Uint8Array }
  | { type: 'done'; id: number; result: GenerateResult }
  | { type: 'failed'; id: number; error: PlainError }
  /** after every change of the loaded models; `evicted`: models that made room for others since it started */
  | { type: 'loaded'; models: readonly LoadedStatus[]; evicted: number }
  /** so many people of pictures of `pixels` are painted together best; 1: none */
  | { type: 'sharing'; model: string; people: number; pixels: number }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; fields: object; message: string }
  /** answers 'close': every session is released, the host ends by itself */
  | { type: 'closed' };

/** Classes are lost in structured cloning: the kind keeps what the caller must tell apart. */
export type PlainError = {
  kind: 'user' | 'run' | 'device' | 'cancelled' | 'other';
  name: string;
  message: string;
  stack: string;
  said: readonly Said[];
};

/** Makes an error into plain data that crosses a thread or process. */
export function flattenError(error: unknown): PlainError {
  if (error instanceof Error) {
    return {
      kind: kindOf(error),
      name: error.name,
      message: error.message,
      stack: error.stack ?? '',
      said: error instanceof UserError ? error.said : [],
    };
  }
  return { kind: 'other', name: 'Error', message: String(error), stack: '', said: [] };
}

function kindOf(error: Error): PlainError['kind'] {
  if (error instanceof DeviceError) return 'device';
  if (error instanceof RunError) return 'run';
  if (error instanceof UserError) return 'user';
  return error instanceof CancelledError ? 'cancelled' : 'other';
}

const spoken = ({ message, said }: PlainError) => (said.length > 0 ? said : message);

/** Makes the error anew on this side, of its own class where the engine knows it, with the far side's stack. */
export function reviveError(plain: PlainError): Error {
  if (plain.kind === 'user') return new UserError(spoken(plain));
  if (plain.kind === 'device') return new DeviceError(spoken(plain));
  if (plain.kind === 'run') return new RunError(spoken(plain));
  if (plain.kind === 'cancelled') return new CancelledError();
  const error = new Error(plain.message);
  error.name = plain.name;
  // The stack of the far side is the one that says where it happened.
  error.stack = plain.stack;
  return error;
}
