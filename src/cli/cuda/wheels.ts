/**
 * CUDA's libraries as NVIDIA publishes them on PyPI: wheels, which are archives with the libraries inside. No Python is
 * needed to unpack them.
 */
import { readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import { writeWhole } from '../../engine/whole-file.ts';
import { fetchWhole, type FetchTools } from './fetch-whole.ts';
import { fetchJson } from './json.ts';
import { extract, listZip } from './zip.ts';

export type Wheel = {
  project: string;
  version: string;
  url: string;
  bytes: number;
  sha256: string;
  /** the libraries it is fetched for */
  for: readonly string[];
};

/** Libraries and the projects that bring them, by the name before `.so`. */
const PROJECTS: Readonly<Record<string, string>> = {
  libcudart: 'nvidia-cuda-runtime',
  libcublas: 'nvidia-cublas',
  libcublasLt: 'nvidia-cublas',
  libcudnn: 'nvidia-cudnn',
  libcurand: 'nvidia-curand',
  libcufft: 'nvidia-cufft',
  libcusolver: 'nvidia-cusolver',
  libcusparse: 'nvidia-cusparse',
  libnvrtc: 'nvidia-cuda-nvrtc',
  libnvJitLink: 'nvidia-nvjitlink',
};

/** Projects had the major version of CUDA in their names up to 12; cuDNN's still has it. */
function projectOf(library: string, cuda: number): string | null {
  const base = PROJECTS[library.split('.so')[0] ?? ''];
  if (base === undefined) return null;
  return cuda >= 13 && base !== 'nvidia-cudnn' ? base : `${base}-cu${cuda}`;
}

const majorOf = (library: string): number => Number(/\.so\.(\d+)/.exec(library)?.[1] ?? Number.NaN);

/** Versions that follow CUDA's own: their minor is the toolkit's. */
const OF_THE_TOOLKIT = /^nvidia-cuda-(?:runtime|nvrtc)/;

export type WheelQuestion = {
  /** PyPI's address, or that of a mirror which answers as PyPI does */
  pypi: string;
  libraries: readonly string[];
  cuda: number;
  /** the newest CUDA that the driver runs, e.g. 13.0; null: not known */
  driverCuda: string | null;
  arch: string;
  /** of this machine's C library, e.g. 2.36; null: not known */
  glibc: string | null;
};

/**
 * The wheels that bring these libraries: of each project the newest release of the library's own major version.
 * @throws UserError naming a library that no wheel brings
 */
export async function findWheels(question: WheelQuestion, pauseMs?: number): Promise<Wheel[]> {
  const byProject = new Map<string, string[]>();
  for (const library of question.libraries) {
    const project = projectOf(library, question.cuda);
    if (project === null) {
      throw new UserError(
        `No wheel of NVIDIA's is known to bring ${library}: install it from the system's packages.`,
      );
    }
    byProject.set(project, [...(byProject.get(project) ?? []), library]);
  }
  const wheels: Wheel[] = [];
  for (const [project, libraries] of byProject) {
    wheels.push(await findWheel(project, libraries, question, pauseMs));
  }
  return wheels;
}

async function findWheel(
  project: string,
  libraries: readonly string[],
  question: WheelQuestion,
  pauseMs?: number,
): Promise<Wheel> {
  const address = `${question.pypi.replace(/\/+$/, '')}/pypi/${project}/json`;
  const answer = await fetchJson(address, pauseMs);
  if (answer === null)
    throw new UserError(`${address} answers that there is no project ${project}.`);
  const releases = Object(answer['releases']) as Record<string, unknown>;
  const major = majorOf(libraries[0] ?? '');
  const versions = Object.keys(releases)
    .filter((version) => /^\d+(?:\.\d+)*$/.test(version) && Number.parseInt(version, 10) === major)
    .toSorted((a, b) => compareVersions(b, a));
  const fitting = OF_THE_TOOLKIT.test(project) ? withinDriver(versions, question) : versions;
  for (const version of fitting) {
    const files = Array.isArray(releases[version]) ? (releases[version] as unknown[]) : [];
    for (const file of files) {
      const wheel = wheelIn(file, question);
      if (wheel !== null) return { project, version, for: libraries, ...wheel };
    }
  }
  throw new UserError(
    `${address} has no wheel of version ${major} for this machine (${question.arch}, glibc ${question.glibc ?? 'unknown'}).`,
  );
}

/** Kernels made on the spot run with drivers of the same age or newer; without such a release any will have to do. */
function withinDriver(
  versions: readonly string[],
  { driverCuda }: WheelQuestion,
): readonly string[] {
  if (driverCuda === null) return versions;
  const within = versions.filter((version) => compareVersions(minorOf(version), driverCuda) <= 0);
  return within.length > 0 ? within : versions.toReversed();
}

const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** Negative where `a` is the older one. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [
    number[],
    number[],
  ];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** A file of a release as a wheel for this machine; null: it is none. */
function wheelIn(
  file: unknown,
  { arch, glibc }: WheelQuestion,
): Pick<Wheel, 'url' | 'bytes' | 'sha256'> | null {
  const { filename, url, size, digests, yanked } = Object(file) as Record<string, unknown>;
  const { sha256 } = Object(digests) as Record<string, unknown>;
  if (typeof filename !== 'string' || typeof url !== 'string' || yanked === true) return null;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(sha256)) return null;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size <= 0) return null;
  const [, platforms = ''] = /^[\w.+-]+-py[23\w.]*-none-([\w.]+)\.whl$/.exec(filename) ?? [];
  const fits = platforms
    .split('.')
    .some((platform) => isFor(platform, MACHINES[arch] ?? '', glibc));
  return fits ? { url, bytes: size, sha256: sha256.toLowerCase() } : null;
}

/** The glibc of old names (PEP 513, 571 and 599); newer ones have it in the name (PEP 600). */
const OLD_NAMES: Readonly<Record<string, string>> = {
  manylinux1: '2.5',
  manylinux2010: '2.12',
  manylinux2014: '2.17',
};

function isFor(platform: string, machine: string, glibc: string | null): boolean {
  if (!platform.endsWith(`_${machine}`)) return false;
  const name = platform.slice(0, -machine.length - 1);
  const needed = OLD_NAMES[name] ?? /^manylinux_(\d+_\d+)$/.exec(name)?.[1]?.replace('_', '.');
  return needed !== undefined && (glibc === null || compareVersions(needed, glibc) <= 0);
}

type Manifest = {
  wheels: { project: string; version: string; sha256: string; files: Record<string, number> }[];
};

const MANIFEST = 'manifest.json';

function readManifest(folder: string): Manifest {
  try {
    const { wheels } = JSON.parse(readFileSync(path.join(folder, MANIFEST), 'utf8')) as Manifest;
    return { wheels: Array.isArray(wheels) ? wheels : [] };
  } catch {
    return { wheels: [] };
  }
}

/** Whether what a wheel brought is still there, whole. */
async function isInstalled({ sha256 }: Wheel, folder: string): Promise<boolean> {
  const known = readManifest(folder).wheels.find((wheel) => wheel.sha256 === sha256);
  if (known === undefined) return false;
  for (const [name, bytes] of Object.entries(known.files)) {
    const info = await stat(path.join(folder, name)).catch(() => null);
    if (info?.size !== bytes) return false;
  }
  return true;
}

/** Libraries as the loader asks for them; headers, static ones and stubs are left where they are. */
const LIBRARY = /^lib[\w.+-]+\.so(?:\.\d+)+$/;

/**
 * Fetches wheels and unpacks their libraries into a folder. What is there already is kept, what broke off goes on.
 * @throws UserError
 */
export async function installWheels(
  wheels: readonly Wheel[],
  folder: string,
  tools: { onWheel?: (wheel: Wheel, isThere: boolean) => void } & FetchTools = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const wheel of wheels) {
    const isThere = await isInstalled(wheel, folder);
    tools.onWheel?.(wheel, isThere);
    if (isThere) continue;
    const file = path.join(folder, `${wheel.project}-${wheel.version}.whl`);
    const planned = { url: wheel.url, size: wheel.bytes, sha256: wheel.sha256 };
    await fetchWhole(planned, file, tools);
    await unpack(wheel, file, folder);
    await rm(file, { force: true });
  }
  // What broke off before a newer release came out.
  for (const name of await readdir(folder)) {
    if (/\.(?:whl|part|note)$/.test(name)) await rm(path.join(folder, name), { force: true });
  }
}

async function unpack(wheel: Wheel, file: string, folder: string): Promise<void> {
  const files: Record<string, number> = {};
  for (const entry of await listZip(file)) {
    const name = path.posix.basename(entry.name);
    if (!LIBRARY.test(name) || /(?:^|\/)stubs\//.test(entry.name)) continue;
    await extract(file, entry, path.join(folder, name));
    await chmod(path.join(folder, name), 0o644);
    files[name] = entry.bytes;
  }
  const lacking = wheel.for.filter((library) => files[library] === undefined);
  if (lacking.length > 0) {
    await rm(file, { force: true });
    throw new UserError(
      `${wheel.project} ${wheel.version} does not bring ${lacking.join(', ')}. Install it from the system's packages.`,
    );
  }
  const { project, version, sha256 } = wheel;
  const others = readManifest(folder).wheels.filter((one) => one.project !== project);
  const manifest = { wheels: [...others, { project, version, sha256, files }] };
  const target = path.join(folder, MANIFEST);
  await writeWhole(target, `${JSON.stringify(manifest, null, 2)}\n`);
}
