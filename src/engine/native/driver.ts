/** NVIDIA's driver and GPUs, as the system and nvidia-smi know them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type Gpu = {
  name: string;
  /** bytes */
  memory: number;
  freeMemory: number;
  /** e.g. 8.9; null: an old nvidia-smi does not say */
  computeCapability: number | null;
};

export type Driver = {
  /** e.g. 580.105.08; null: unknown */
  version: string | null;
  /** the newest CUDA it runs, e.g. 13.0; null: nvidia-smi does not say */
  cuda: string | null;
  gpus: readonly Gpu[];
};

/**
 * What a CUDA of this major version needs at least: drivers after NVIDIA's "CUDA Compatibility", table 1 (minor version
 * compatibility); GPUs after the release notes (13.0 left out Maxwell, Pascal and Volta, 12.0 Kepler).
 */
const LEAST: Readonly<Record<number, { driver: number; computeCapability: number }>> = {
  11: { driver: 450, computeCapability: 3.5 },
  12: { driver: 525, computeCapability: 5 },
  13: { driver: 580, computeCapability: 7.5 },
};

const PATIENCE_MS = 5000;

/** null: there is no sign of a driver here. */
export async function readDriver(): Promise<Driver | null> {
  const [listed, banner] = await Promise.all([
    ask('nvidia-smi', [
      '--query-gpu=name,memory.total,memory.free,compute_cap,driver_version',
      '--format=csv,noheader,nounits',
    ]),
    ask('nvidia-smi', []),
  ]);
  const module = moduleVersion();
  if (listed === null && module === null) return null;
  return driverIn(listed ?? '', banner ?? '', module);
}

/** From what nvidia-smi and the kernel module say. */
export function driverIn(listed: string, banner: string, module: string | null): Driver {
  const rows = listed
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 5);
  const bytes = (cell = ''): number => (Number(cell) || 0) * 1024 * 1024;
  return {
    version: rows[0]?.[4] ?? module,
    cuda: /CUDA (?:UMD )?Version:\s*(\d+\.\d+)/.exec(banner)?.[1] ?? null,
    gpus: rows.map(([name = '', memory, free, capability]) => ({
      name,
      memory: bytes(memory),
      freeMemory: bytes(free),
      computeCapability: Number(capability) || null,
    })),
  };
}

function moduleVersion(): string | null {
  try {
    const text = readFileSync('/proc/driver/nvidia/version', 'latin1');
    return /\b(\d{3,4}\.\d+(?:\.\d+)?)\b/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

function ask(command: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: PATIENCE_MS, encoding: 'utf8' }, (error, stdout) =>
      resolve(error === null ? stdout : null),
    );
  });
}

/** Why a CUDA of this major version does not run with this driver and these GPUs; null: nothing speaks against it. */
export function driverTrouble(driver: Driver | null, cuda: number): string | null {
  if (driver === null) return 'there is no NVIDIA driver here (nvidia-smi does not answer)';
  const { version, cuda: newest, gpus } = driver;
  const least = LEAST[cuda];
  const major = Number.parseInt(version ?? '', 10);
  if (least !== undefined && major < least.driver) {
    return `the NVIDIA driver is ${version}, CUDA ${cuda} needs at least ${least.driver}`;
  }
  if (newest !== null && Number.parseInt(newest, 10) < cuda) {
    return `the NVIDIA driver ${version ?? ''} runs CUDA up to ${newest}, ${cuda} is needed`;
  }
  const weak = gpus.filter(
    ({ computeCapability }) =>
      least !== undefined &&
      computeCapability !== null &&
      computeCapability < least.computeCapability,
  );
  if (weak.length > 0 && weak.length === gpus.length) {
    const [{ name, computeCapability } = { name: '', computeCapability: 0 }] = weak;
    return (
      `${name} has compute capability ${computeCapability}, CUDA ${cuda} needs at least ${least?.computeCapability}; ` +
      'DEVICE=webgpu may work on it'
    );
  }
  return null;
}
