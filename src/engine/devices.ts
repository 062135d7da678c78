import { readdirSync } from 'node:fs';
import type { DeviceName } from './names.ts';
import { isCudaSetUp } from './network/cuda-files.ts';

export { cudaState, type CudaState, runtimeTroubles } from './native/cuda.ts';
export { type Driver, readDriver } from './native/driver.ts';
export { runtimeFolder } from './network/cuda-files.ts';

/** One device; `index` null: the first of its kind. */
export type DeviceSpec = { name: string; device: DeviceName; index: number | null };

/**
 * What paints on this machine where nobody said so: each NVIDIA GPU, where there are several and CUDA is set up, else
 * the one device that was asked for. `visible`: GPUs that the environment leaves; null: all.
 */
export function findDevices(device: DeviceName, visible: number | null): readonly DeviceSpec[] {
  const found = ['auto', 'cuda'].includes(device) && isCudaSetUp();
  const gpus = found ? Math.min(nvidiaGpus(), visible ?? Infinity) : 0;
  if (gpus < 2) return [{ name: device, device, index: null }];
  // The first may fall back to the CPU where none of them works.
  return Array.from({ length: gpus }, (_, index) => ({
    name: `cuda:${index}`,
    device: index === 0 ? device : 'cuda',
    index,
  }));
}

/**
 * Every device of its own that could paint where nobody named one: the GPUs that ONNX Runtime has a provider for and
 * whose libraries are there, and the CPU. Loads ONNX Runtime.
 */
export async function candidateDevices(visible: number | null): Promise<readonly DeviceSpec[]> {
  const { providersFor } = await import('./network/session.ts');
  return providersFor('auto').flatMap((device): readonly DeviceSpec[] => {
    const several = device === 'cuda' ? findDevices('cuda', visible) : [];
    return several.length > 1 ? several : [{ name: device, device, index: null }];
  });
}

function nvidiaGpus(): number {
  try {
    return readdirSync('/proc/driver/nvidia/gpus').length;
  } catch {
    return 0;
  }
}

/** Is it a GPU that will paint here, as far as that can be told without opening it? */
export function expectsGpu(device: DeviceName): boolean {
  if (device !== 'auto') return device !== 'cpu';
  return ['win32', 'darwin'].includes(process.platform) || (isCudaSetUp() && nvidiaGpus() > 0);
}
