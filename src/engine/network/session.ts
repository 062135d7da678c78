/// <reference lib="esnext.float16" />
/**
 * The only door to ONNX Runtime. Everything beyond it deals in Float32Array and plain numbers; dtypes of the
 * graph (float16, int32, int64, …), the float16 input trap and the release of native memory stay in this file.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import './telemetry.ts';
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { openOwnLibraries } from '../native/own-libraries.ts';
import { isCudaSetUp } from './cuda-files.ts';
import { DeviceError, RunError } from '../errors.ts';
import type { GraphSource } from './graph-source.ts';
import { threadsOfNetworks } from './threads.ts';
import { say } from '../sentences.ts';
import type { DeviceName, ProviderName } from '../names.ts';

/** Failures come as exceptions; without this ONNX Runtime also prints each one in red. */
env.logLevel = 'fatal';

/** Its version: another one may answer the same question with other last bits. */
export const RUNTIME_VERSION = env.versions.node ?? '';

/** An input or output of a graph. A symbolic dimension is its name. */
export type Port = { name: string; dtype: string; shape: readonly (number | string)[] };

/** Values are converted to the dtype the graph asks for. */
export type Feed = {
  data: Float32Array | readonly number[];
  shape: readonly number[];
  /** the values of this object never change: converted once, however often it is fed */
  constant?: boolean;
  /** this object comes again, its array with other values: wrapped once where the graph takes float32 */
  reused?: boolean;
};

export type Output = { data: Float32Array; shape: readonly number[] };

/** Shared by the sessions of one engine. */
export type RunClock = {
  /** time spent inside ONNX Runtime's run(), milliseconds */
  ms: number;
  /** when the event loop turned last, as far as the engine knows: the runtime takes a turn before each run */
  turnedAt?: number;
};

export type Session = {
  path: string;
  provider: ProviderName;
  inputs: ReadonlyMap<string, Port>;
  outputs: ReadonlyMap<string, Port>;
  /** Blocks the calling thread. Outputs not named in `fetches` are not copied out. */
  run(feeds: Record<string, Feed>, fetches: readonly string[]): Promise<Record<string, Output>>;
  /** Native memory is never freed by garbage collection: call exactly once. */
  release(): Promise<void>;
};

export type SessionOptions = {
  provider: ProviderName;
  /** which GPU, where the machine has several; absent or null: the first */
  deviceIndex?: number | null;
  clock: RunClock;
  /** map weights instead of copying them: quick to open, about a tenth slower to run */
  mapWeights?: boolean;
  /**
   * run the graph as it was written: nothing is folded, so weights of another type are cast in every run; and no plan of
   * memory is kept from one run to the next, which would be a second copy of what the run before took
   */
  asWritten?: boolean;
  /** that a run on the CPU takes, the calling one among them; absent: as many as was said (threads.ts) */
  threads?: number;
};

/** @throws ONNX Runtime's own error when the file cannot be read or the provider does not work */
export async function openSession(source: GraphSource, options: SessionOptions): Promise<Session> {
  const { path } = source;
  if (options.provider === 'cuda') openOwnLibraries();
  const settings = settingsOf(source, options);
  const inner = await (source.kind === 'file'
    ? InferenceSession.create(path, settings)
    : InferenceSession.create(source.bytes, settings));
  const inputs = portsOf(inner.inputMetadata);
  const { clock } = options;
  const kept = new WeakMap<Feed, Tensor>();

  function tensorOf(dtype: string, feed: Feed): Tensor {
    const known = kept.get(feed);
    if (known !== undefined) return known;
    const tensor = toTensor(dtype, feed);
    if (feed.constant || (feed.reused && dtype === 'float32')) kept.set(feed, tensor);
    return tensor;
  }

  return {
    path,
    provider: options.provider,
    inputs,
    outputs: portsOf(inner.outputMetadata),
    async run(feeds, fetches) {
      const tensors: Record<string, Tensor> = {};
      for (const name in feeds) {
        const feed = feeds[name] as Feed;
        const port = inputs.get(name);
        if (port === undefined) throw new Error(`${path} has no input ${name}`);
        tensors[name] = tensorOf(port.dtype, feed);
      }
      const began = performance.now();
      clock.turnedAt = began;
      const results = await inner.run(tensors, fetches);
      clock.ms += performance.now() - began;
      const outputs: Record<string, Output> = {};
      for (const name of fetches) outputs[name] = fromTensor(name, results[name]);
      return outputs;
    },
    release: () => inner.release(),
  };
}

function settingsOf(source: GraphSource, options: SessionOptions): InferenceSession.SessionOptions {
  const { threads = threadsOfNetworks() } = options;
  return {
    executionProviders: [providerOf(options)],
    logSeverityLevel: 4,
    ...(threads > 0 && { intraOpNumThreads: threads }),
    ...(options.asWritten
      ? { graphOptimizationLevel: 'disabled' as const, enableMemPattern: false }
      : {}),
    extra: {
      session: {
        // Sessions alternate (text encoder, UNet, VAE): their idle threads must not spin on the cores of the next.
        force_spinning_stop: '1',
        ...(options.mapWeights ? { disable_prepacking: '1' } : {}),
        ...(source.kind === 'built'
          ? { model_external_initializers_file_folder_path: source.weightsIn }
          : {}),
      },
    },
  };
}

function providerOf({
  provider,
  deviceIndex,
}: SessionOptions): InferenceSession.ExecutionProviderConfig {
  if (deviceIndex == null || (provider !== 'cuda' && provider !== 'dml')) return provider;
  return { name: provider, deviceId: deviceIndex };
}

function portsOf(metadata: readonly InferenceSession.ValueMetadata[]): ReadonlyMap<string, Port> {
  const ports = new Map<string, Port>();
  for (const port of metadata) {
    if (port.isTensor) {
      ports.set(port.name, { name: port.name, dtype: port.type, shape: port.shape });
    }
  }
  return ports;
}

/**
 * `new Tensor('float16', …)` is refused on Node 24, whose native Float16Array the package mistakes for a list of
 * numbers ("not enough space: expected N, got 0"). Bits labelled uint16 and relabelled afterwards are accepted.
 */
function toTensor(dtype: string, feed: Feed): Tensor {
  const { data, shape } = feed;
  switch (dtype) {
    case 'float32':
      return new Tensor(
        'float32',
        data instanceof Float32Array ? data : Float32Array.from(data),
        shape,
      );
    case 'float16': {
      const bits = new Uint16Array(Float16Array.from(data).buffer);
      const tensor = new Tensor('uint16', bits, shape);
      (tensor as { type: string }).type = 'float16';
      return tensor;
    }
    case 'float64':
      return new Tensor('float64', Float64Array.from(data), shape);
    case 'int32':
      return new Tensor('int32', Int32Array.from(data), shape);
    case 'int64':
      return new Tensor('int64', toIntegers(data), shape);
    case 'bool':
      return new Tensor('bool', Uint8Array.from(data), shape);
    default:
      throw new RunError(say('unknown-input-type', dtype));
  }
}

/** Fractional timesteps truncate toward zero, as torch's .to(int64) does. */
function toIntegers(values: Float32Array | readonly number[]): BigInt64Array {
  const integers = new BigInt64Array(values.length);
  for (let i = 0; i < integers.length; i++) integers[i] = BigInt(Math.trunc(values[i]!));
  return integers;
}

function fromTensor(name: string, tensor: Tensor | undefined): Output {
  if (tensor === undefined) throw new Error(`ONNX Runtime returned no output ${name}`);
  const { data, dims } = tensor;
  if (data instanceof Float32Array) return { data, shape: dims };
  if (tensor.type === 'bool') return { data: Float32Array.from(data as Uint8Array), shape: dims };
  // A graph's float16 outputs arrive as Float16Array; reading one as numbers is exact.
  if (tensor.type === 'float16') {
    const halves =
      data instanceof Uint16Array
        ? new Float16Array(data.buffer, data.byteOffset, data.length)
        : (data as unknown as Float16Array);
    return { data: Float32Array.from(halves), shape: dims };
  }
  if (data instanceof Float64Array) return { data: Float32Array.from(data), shape: dims };
  throw new Error(`Output ${name} has type ${tensor.type}, expected a floating point type`);
}

/** Providers to try for a device, in order. `auto` ends with the CPU; a named device stands alone. */
export function providersFor(device: DeviceName): readonly ProviderName[] {
  if (device !== 'auto') return [device];
  const compiledIn = new Set(listSupportedBackends().map((backend) => backend.name));
  const gpus: readonly ProviderName[] = ['cuda', 'dml', 'coreml', 'webgpu'];
  return [...gpus.filter((name) => compiledIn.has(name) && mayWork(name)), 'cpu'];
}

/** Spares `auto` the attempts whose native libraries are known to be absent (they print on stderr). */
function mayWork(provider: ProviderName): boolean {
  if (process.platform !== 'linux') return true;
  if (provider === 'cuda') return isCudaSetUp();
  if (provider === 'webgpu') {
    const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
    const folders = [`/usr/lib/${triplet}`, '/usr/lib64', '/usr/lib', '/usr/local/lib'];
    return folders.some((folder) => existsSync(join(folder, 'libvulkan.so.1')));
  }
  return true;
}

const SETUP_HINTS: Record<ProviderName, string> = {
  cuda: 'Run `npm run setup:cuda` once (NVIDIA GPU with a current driver, Linux or Windows), or set DEVICE=auto.',
  webgpu: 'Install a Vulkan driver (Linux) or a current graphics driver, or set DEVICE=auto.',
  dml: 'DirectML needs Windows 10 or newer with a DirectX 12 GPU; elsewhere set DEVICE=auto.',
  coreml: 'CoreML needs macOS; elsewhere set DEVICE=auto.',
  cpu: 'Run `npm install` again: the ONNX Runtime package seems damaged.',
};

/** The sentence for a named device that cannot be used. */
export function deviceRefusal(provider: ProviderName, cause: string): DeviceError {
  const said = cause.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
  return new DeviceError(say('device-does-not-work', provider, said, SETUP_HINTS[provider]));
}
