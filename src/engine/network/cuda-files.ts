import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The folder of ONNX Runtime's libraries for this machine; null: the package has none. Nothing is loaded. */
export function runtimeFolder(): string | null {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const bin = join(dirname(entry), '..', 'bin');
  // bin/napi-v6/linux/x64: the middle part names the interface version, which changes between releases.
  const folders = readdirSync(bin).map((version) =>
    join(bin, version, process.platform, process.arch),
  );
  return folders.find((folder) => existsSync(folder)) ?? null;
}

const CUDA_PROVIDER = 'libonnxruntime_providers_cuda.so';

/** ONNX Runtime's CUDA provider; null: it is not there, or an empty file stands for it (scripts/preinstall.cjs). */
export function cudaProvider(): string | null {
  const folder = runtimeFolder();
  const file = folder === null ? null : join(folder, CUDA_PROVIDER);
  const isWhole = file !== null && (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
  return isWhole ? file : null;
}

/** Is ONNX Runtime's CUDA provider there? Found without loading the runtime. */
export function isCudaSetUp(): boolean {
  return process.platform === 'linux' && cudaProvider() !== null;
}
