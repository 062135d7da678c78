/** What ONNX Runtime's CUDA provider needs of this machine, read from the provider itself, and what of it is here. */
import { cudaProvider, runtimeFolder } from '../network/cuda-files.ts';
import { type Driver, driverTrouble, readDriver } from './driver.ts';
import { readElf } from './elf.ts';
import { type Library, librariesOf, openSearch } from './loader.ts';
import { openedLater } from './opened-later.ts';
import { librariesIn } from './own-libraries.ts';

export type CudaNeeds = {
  /** major version of CUDA; null: the provider names no runtime of CUDA's */
  cuda: number | null;
  /** major version of cuDNN; null: it does without */
  cudnn: number | null;
  /** libraries of NVIDIA's that it cannot do without, the driver's own left out, e.g. `libcudart.so.13` */
  required: readonly string[];
  /** opened when they are there, for what few models do or for speed */
  optional: readonly string[];
};

export type CudaState = CudaNeeds & {
  /** the provider's file */
  provider: string;
  /** everything it needs, what those need, and where the loader finds each */
  libraries: readonly Library[];
  /** names of `libraries` that are nowhere */
  missing: readonly string[];
  /** libraries too old for it: file and versions of symbols that it lacks */
  tooOld: readonly Library[];
  driver: Driver | null;
  /** a sentence's half; null: the driver and a GPU are right for this CUDA */
  driverTrouble: string | null;
};

/** Part of NVIDIA's driver, on the machine wherever the driver is: no package of CUDA brings it. */
const OF_THE_DRIVER = /^lib(?:cuda|nvidia-.*)\.so/;
const NVIDIAS = /^lib(?:cu|nv|npp)/;

/**
 * What a provider needs of NVIDIA's libraries. Convolutions need cuDNN, which the provider opens by itself since ONNX
 * Runtime 1.28; NVRTC makes some of cuDNN's kernels, and only Fourier transforms, which no network here has, need cuFFT.
 * @throws ElfError where the file is no library
 */
export function cudaNeeds(provider: string): CudaNeeds {
  const { needed } = readElf(provider);
  const linked = needed.filter((name) => NVIDIAS.test(name) && !OF_THE_DRIVER.test(name));
  const later = openedLater(provider, ['libcudnn', 'libnvrtc']);
  const cuda = majorOf('libcudart', linked);
  const opened = later.get('libcudnn')?.at(-1);
  const cudnn = majorOf('libcudnn', linked) ?? opened ?? null;
  const required = new Set(cudnn === null ? linked : [...linked, `libcudnn.so.${cudnn}`]);
  const hasCompiler = cuda !== null && later.get('libnvrtc')?.includes(cuda) === true;
  const optional = hasCompiler ? [`libnvrtc.so.${cuda}`] : [];
  return {
    cuda,
    cudnn,
    required: [...required],
    optional: optional.filter((name) => !required.has(name)),
  };
}

function majorOf(library: string, names: readonly string[]): number | null {
  const found = names.find((name) => name.startsWith(`${library}.so.`));
  return found === undefined ? null : Number.parseInt(found.slice(library.length + 4), 10);
}

/**
 * Looks for all of it as the system's loader would. `libraryPath`: LD_LIBRARY_PATH of the program that paints;
 * `ownFolder`: libraries that it opens by itself (`setup:cuda -- --wheels`). null: there is no CUDA provider here.
 * @throws ElfError where the provider is damaged
 */
export async function cudaState(options: {
  libraryPath: string;
  ownFolder: string;
}): Promise<CudaState | null> {
  const provider = process.platform === 'linux' ? cudaProvider() : null;
  return provider === null ? null : cudaStateOf(provider, options, await readDriver());
}

/** The same of any provider's file, with a driver that is known. */
export function cudaStateOf(
  provider: string,
  { libraryPath, ownFolder }: { libraryPath: string; ownFolder: string },
  driver: Driver | null,
): CudaState {
  const needs = cudaNeeds(provider);
  const search = openSearch(libraryPath, librariesIn(ownFolder));
  const libraries = librariesOf(provider, search, needs.required);
  return {
    provider,
    ...needs,
    libraries,
    missing: libraries.filter(({ path }) => path === null).map(({ name }) => name),
    tooOld: libraries.filter(({ lacks }) => lacks.length > 0),
    driver,
    driverTrouble: needs.cuda === null ? null : driverTrouble(driver, needs.cuda),
  };
}

/** What ONNX Runtime itself needs of this machine's system; empty where it needs nothing that is not there. */
export function runtimeTroubles(libraryPath: string): Library[] {
  const folder = runtimeFolder();
  if (folder === null) {
    const name = `its libraries for ${process.platform} on ${process.arch}`;
    return [{ name, by: 'ONNX Runtime', path: null, lacks: [] }];
  }
  if (process.platform !== 'linux') return [];
  const libraries = librariesOf(`${folder}/onnxruntime_binding.node`, openSearch(libraryPath));
  return libraries.filter(({ path, lacks }) => path === null || lacks.length > 0);
}
