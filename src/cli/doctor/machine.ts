/** The program's own ground: Node, ONNX Runtime's needs of the system, memory, disk. */
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Config } from '../../config.ts';
import { type Driver, runtimeTroubles } from '../../engine/devices.ts';
import type { ModelWeight } from '../../engine/engine.ts';
import { inBytes } from '../../hub/in-bytes.ts';
import { glibcVersion } from '../screen/system.ts';
import { type Finding, good, stops, warning } from './finding.ts';

/** Type stripping without a flag came with this one; run.cjs asks for the same. */
const LEAST_NODE = [24, 3] as const;

/** Compares the running Node with the oldest that Darkroom works with. */
export function checkNode(): Finding[] {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const system = `${process.platform} ${process.arch}`;
  const isOld = major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1]);
  const facts = { node, platform: process.platform, arch: process.arch, darkroom: version() };
  if (isOld) {
    const said = `Node ${node} on ${system} is too old: 24.3 or newer is needed.`;
    return [stops('node', said, { mend: 'npm install', facts })];
  }
  return [good('node', `Node ${node} on ${system}, Darkroom ${version()}`, { facts })];
}

function version(): string {
  const require = createRequire(import.meta.url);
  for (const up of ['../../../package.json', '../../../../package.json']) {
    try {
      return (require(up) as { version: string }).version;
    } catch {
      // what was built lies one folder deeper
    }
  }
  return 'of unknown version';
}

/** What ONNX Runtime's files ask of the system's libraries. */
export function checkRuntime(libraryPath: string): Finding[] {
  const isMusl = process.platform === 'linux' && glibcVersion() === null;
  if (isMusl) {
    const said =
      'ONNX Runtime needs glibc, this system has another C library (musl, as Alpine has).';
    return [
      stops('runtime', said, {
        mend: 'use a system with glibc, such as Debian; the image has one',
      }),
    ];
  }
  return runtimeTroubles(libraryPath).map(({ name, by, path: file, lacks }) =>
    file === null
      ? stops('runtime', `${by} needs ${name}, which is not here.`, {
          mend: `install the package that brings ${name}`,
        })
      : stops('runtime', `${by} asks ${file} for ${lacks.join(', ')}, which it is too old for.`, {
          mend: 'use a newer version of this system, or the image',
        }),
  );
}

/** Free memory against what each model needs, on the CPU and on the GPU that is there. */
export function checkMemory(
  weights: readonly ModelWeight[],
  driver: Driver | null,
  free = process.availableMemory(),
): Finding[] {
  const facts = { free, models: weights };
  // Where not one of them gets through a run, nothing is painted.
  const trouble = weights.every(({ run }) => run > free) ? stops : warning;
  const findings: Finding[] = [];
  const largest = weights.toSorted((a, b) => needOf(b) - needOf(a));
  for (const model of largest) {
    const { name, run, weights: bytes } = model;
    if (needOf(model) <= free) break;
    const need = `${name} needs about ${inBytes(needOf(model))} (${inBytes(bytes)} of weights, ${inBytes(run)} for a picture), free are ${inBytes(free)}`;
    // Weights are mapped: what does not fit is read again and again, what a run needs must be there.
    if (run > free)
      findings.push(trouble('memory', `${need}: its pictures fail.`, { mend: MEMORY }));
    else
      findings.push(
        warning('memory', `${need}: it paints slowly, from the disk.`, { mend: MEMORY }),
      );
  }
  const gpu = driver?.gpus.toSorted((a, b) => b.freeMemory - a.freeMemory)[0];
  for (const model of gpu === undefined ? [] : largest) {
    if (needOf(model) <= gpu!.freeMemory) break;
    const said = `${model.name} needs about ${inBytes(needOf(model))}, ${gpu!.name} has ${inBytes(gpu!.freeMemory)} free: it does not fit there.`;
    findings.push(
      warning('memory', said, {
        mend: 'end what else uses the GPU, or take a smaller or quantised model',
      }),
    );
  }
  const fits = largest.filter((model) => needOf(model) <= free).length;
  const of = weights.length === 0 ? '' : `; ${fits} of ${weights.length} models fit`;
  return [...findings, good('memory', `${inBytes(free)} free${of}`, { facts })];
}

const MEMORY = 'end other programs, add memory, or take a smaller or quantised model';

const needOf = ({ weights, run }: ModelWeight): number => weights + run;

/** The queue stops taking orders where its reserve on the disk is gone; a picture has a megabyte or two. */
const LEAST_DISK = 64e6;
const LITTLE_DISK = 1e9;
const LITTLE_SHARE = 0.05;

/** `space`: for tests. */
export async function checkDisk(
  { dataDir }: Pick<Config, 'dataDir'>,
  space = spaceOf,
): Promise<Finding[]> {
  const { free, total, inodes } = await space(dataDir);
  const facts = { free, total };
  const share = total > 0 ? free / total : 1;
  const said = `${inBytes(free)} free (${(100 * share).toFixed(0)} %) where ${dataDir} is`;
  const mend = 'free some room there, or set KEEP_DAYS=30 to let old pictures go';
  if (free < LEAST_DISK || inodes === 0) {
    const why =
      inodes === 0 ? `no file can be made where ${dataDir} is (no inodes are left)` : said;
    return [stops('disk', `${why}: no picture can be stored.`, { mend, facts })];
  }
  if (free < LITTLE_DISK || share < LITTLE_SHARE)
    return [warning('disk', `${said}: that is little.`, { mend, facts })];
  return [good('disk', said, { facts })];
}

/** Of the folder, or of the nearest one above that exists. */
async function spaceOf(folder: string): Promise<{ free: number; total: number; inodes: number }> {
  try {
    const { bavail, bsize, blocks, ffree, files } = await statfs(folder);
    // File systems that make inodes as they go say 0 of 0.
    return { free: bavail * bsize, total: blocks * bsize, inodes: files === 0 ? Infinity : ffree };
  } catch (error) {
    const above = path.dirname(folder);
    if (above === folder) throw error;
    return spaceOf(above);
  }
}
