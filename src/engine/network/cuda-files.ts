import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Is ONNX Runtime's CUDA provider there? Found without loading the runtime. */
export function isCudaSetUp(): boolean {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const bin = join(dirname(entry), '..', 'bin');
  // bin/napi-v6/linux/x64: the middle part names the interface version, which changes between releases.
  return readdirSync(bin).some((version) =>
    existsSync(join(bin, version, 'linux', process.arch, 'libonnxruntime_providers_cuda.so')),
  );
}
