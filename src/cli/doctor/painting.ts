/** What paints here: every device is asked for a picture; what CUDA lacks is read from its provider. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config.ts';
import {
  candidateDevices,
  type CudaState,
  cudaState,
  type Driver,
  findDevices,
} from '../../engine/devices.ts';
import type { ModelInfo } from '../../engine/request.ts';
import { type Finding, good, stops, warning } from './finding.ts';
import { tryDevice, type Tried } from './try-device.ts';

/** One after the other, so that none is measured beside another. */
const PATIENCE_MS = 30_000;

/** `model`: what is painted with; null: the embedded model. */
export async function checkDevices(config: Config, model: ModelInfo | null): Promise<Finding[]> {
  if (config.devices?.length === 0) {
    return [good('devices', 'DEVICES=none: only workers paint')];
  }
  const { device, visibleGpus } = config;
  const named = config.devices ?? (device === 'auto' ? null : findDevices(device, visibleGpus));
  const specs = named ?? (await candidateDevices(visibleGpus));
  const tried: Tried[] = [];
  for (const spec of specs) tried.push(await tryDevice(spec, config, model, PATIENCE_MS));
  return judge(tried, named !== null);
}

/** A device that was named must paint where it is the only one; of others one that paints is enough. */
export function judge(tried: readonly Tried[], isNamed: boolean): Finding[] {
  const works = tried.filter(({ error }) => error === null);
  const used = works[0]?.device;
  return tried.map((one) => {
    const { device, error, provider, stepMs, canaryMaxError } = one;
    const facts = { ...one };
    if (error === null) {
      const apart =
        canaryMaxError === null ? '' : `, ${(100 * canaryMaxError).toFixed(2)} % from the CPU`;
      const note = !isNamed && works.length > 1 && device === used ? ' (DEVICE=auto takes it)' : '';
      return good(
        'devices',
        `${device} paints: ${provider}, ${stepMs} ms a step of ${one.model}${apart}${note}`,
        { facts },
      );
    }
    const said = `${device} does not paint: ${error}`;
    const mend = device.startsWith('cuda') ? 'npm run setup:cuda' : 'set DEVICE=auto';
    const more = isNamed ? { mend, facts } : { facts };
    return works.length === 0 ? stops('devices', said, more) : warning('devices', said, more);
  });
}

/** `libcudnn.so.9 -> libcudnn.so.9.13.0`: the file that a name leads to says its version. */
function versioned(name: string, file: string): string {
  const real = path.basename(existsSync(file) ? realpathSync(file) : file);
  return real === name
    ? `${name} (${path.dirname(file)})`
    : `${name} -> ${real} (${path.dirname(file)})`;
}

/** NVIDIA's driver and libraries against what the provider needs; nothing where there is neither. */
export async function checkCuda(config: Config, driver: Driver | null): Promise<Finding[]> {
  const wants = [config.device, ...(config.devices ?? []).map(({ device }) => device)];
  const isNamed = wants.includes('cuda');
  const state = await cudaState({
    libraryPath: config.childEnvironment['LD_LIBRARY_PATH'] ?? '',
    ownFolder: path.join(config.dataDir, 'cuda'),
  });
  const trouble = isNamed ? stops : warning;
  if (state === null) {
    const has = driver !== null && driver.gpus.length > 0;
    if (!has && !isNamed) return [];
    const names = driver?.gpus.map(({ name }) => name).join(', ') ?? 'CUDA';
    const said = isNamed
      ? 'DEVICE=cuda, but ONNX Runtime’s CUDA provider is not here.'
      : `${names} is here and not used: ONNX Runtime’s CUDA provider is not.`;
    return [trouble('cuda', said, { mend: 'npm run setup:cuda' })];
  }
  return judgeCuda(state, trouble);
}

/** Each trouble is one finding; without any, what is there. */
export function judgeCuda(state: CudaState, trouble: typeof warning): Finding[] {
  const { cuda, cudnn, missing, tooOld, driver } = state;
  const built = `ONNX Runtime’s provider is built for CUDA ${cuda ?? '?'}${cudnn === null ? '' : ` and cuDNN ${cudnn}`}`;
  const findings: Finding[] = [];
  const lacking = missing.filter((name) => name !== 'libcuda.so.1');
  if (lacking.length > 0) {
    const mend = 'npm run setup:cuda (it names every way), or npm run setup:cuda -- --wheels';
    findings.push(trouble('cuda', `${built}; not found: ${lacking.join(', ')}`, { mend }));
  }
  for (const { path: file, by, lacks } of tooOld) {
    const said = `${by} asks ${file} for ${lacks.join(', ')}, which it is too old for.`;
    findings.push(
      trouble('cuda', said, { mend: 'use a newer version of this system, or the image' }),
    );
  }
  if (state.driverTrouble !== null) {
    findings.push(
      trouble('cuda', `${built}; ${state.driverTrouble}`, {
        mend: 'install a newer driver from NVIDIA, or set DEVICE=webgpu',
      }),
    );
  }
  if (findings.length > 0) return findings;
  const found = state.libraries.flatMap(({ name, path: file }) =>
    /^lib(?:cu|nv)/.test(name) && file !== null ? [versioned(name, file)] : [],
  );
  const facts = { cuda, cudnn, driver, libraries: found };
  return [
    good('cuda', `${built}: driver ${driver?.version ?? '?'}; ${found.join(', ')}`, { facts }),
  ];
}
