import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Config, loadConfig, loadEnvFile } from '../config.ts';
import { type CudaState, cudaState, runtimeFolder } from '../engine/devices.ts';
import { UserError } from '../engine/errors.ts';
import { inBytes } from '../hub/in-bytes.ts';
import { tryDevice } from './doctor/try-device.ts';
import { fetchProvider, providerPackage } from './cuda/nuget.ts';
import { readSystem, routesInWords } from './cuda/routes.ts';
import { findWheels, installWheels } from './cuda/wheels.ts';
import { complain, EXIT, interruptible } from './screen/program.ts';
import { glibcVersion } from './screen/system.ts';
import { parseOptions } from './arguments/command-line.ts';

const HELP = `Makes NVIDIA GPUs paint: fetches ONNX Runtime's CUDA provider, reads from it which libraries it needs, looks
for them, says how those that are missing can be had, and paints a picture to see that it works.

  npm run setup:cuda [-- options]

  --wheels          fetches what is missing as NVIDIA's wheels into the data folder (DATA_DIR/cuda); no Python needed
  --libraries-only  no GPU here (an image is built): fetches the provider and looks for its libraries, paints nothing
  --check           fetches nothing

What breaks off goes on when it is started again; every file is compared with its publisher's checksum.
PYPI_URL and NUGET_URL name mirrors. Behind a proxy set NODE_USE_ENV_PROXY=1 and HTTPS_PROXY.

Exit status: 0 it paints (or, with --libraries-only, all is there), 1 it does not, 2 bad arguments.
`;

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  let asked: { values: Values; config: Config };
  try {
    const values = readArguments(args);
    if (values.help) {
      process.stdout.write(HELP);
      return EXIT.done;
    }
    loadEnvFile();
    asked = { values, config: loadConfig() };
  } catch (error) {
    return complain(error, process.stderr);
  }
  try {
    return await interruptible((signal) => setUp(asked.config, asked.values, signal));
  } catch (error) {
    return complain(error, process.stderr) === EXIT.cancelled ? EXIT.cancelled : EXIT.failed;
  }
}

function readArguments(args: string[]) {
  const options = {
    wheels: { type: 'boolean', default: false },
    'libraries-only': { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseOptions(args, options);
}

type Values = ReturnType<typeof readArguments>;

async function setUp(config: Config, values: Values, signal: AbortSignal): Promise<number> {
  const wanted = providerPackage();
  const target = runtimeFolder();
  if (wanted === null || target === null) {
    say(
      `ONNX Runtime has no CUDA provider for ${process.platform} on ${process.arch}. ${alternative()}`,
    );
    return 1;
  }
  const ownFolder = path.join(config.dataDir, 'cuda');
  const look = () =>
    cudaState({ libraryPath: config.childEnvironment['LD_LIBRARY_PATH'] ?? '', ownFolder });
  let state = await look().catch(() => null);
  if (state === null) {
    if (values.check) {
      say('ONNX Runtime’s CUDA provider is not here: run npm run setup:cuda without --check.');
      return 1;
    }
    say(`Fetching ONNX Runtime’s CUDA provider (${wanted.name} ${wanted.version}) …`);
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    const folders = { nuget: config.nugetUrl, target, scratch: ownFolder };
    await fetchProvider(wanted, folders, { signal, onProgress: progressOf(wanted.name) });
    state = await look();
    if (state === null) throw new UserError('The provider was fetched and is not there.');
  }
  say(needsInWords(state));
  if (values.wheels && !values.check) {
    await fetchWheels(state, config, ownFolder, signal);
    state = (await look()) ?? state;
  }
  return judge(state, config, values);
}

function needsInWords({ cuda, cudnn, required, driver }: CudaState): string {
  const gpus = driver?.gpus.map(({ name, memory }) => `${name} with ${inBytes(memory)}`) ?? [];
  const found =
    driver === null
      ? 'no NVIDIA driver answers'
      : `driver ${driver.version ?? 'of unknown version'}${driver.cuda === null ? '' : ` (CUDA up to ${driver.cuda})`}, ${gpus.join(', ') || 'no GPU'}`;
  return (
    `The provider is built for CUDA ${cuda ?? '?'}${cudnn === null ? '' : ` and cuDNN ${cudnn}`}: it needs ${required.join(', ')}.\n` +
    `Here: ${found}.`
  );
}

async function fetchWheels(
  state: CudaState,
  config: Config,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  if (state.cuda === null)
    throw new UserError('The provider names no version of CUDA: no wheels can be chosen.');
  const wheels = await findWheels({
    pypi: config.pypiUrl,
    libraries: [...state.required, ...state.optional],
    cuda: state.cuda,
    driverCuda: state.driver?.cuda ?? null,
    arch: process.arch,
    glibc: glibcVersion(),
  });
  const total = wheels.reduce((sum, { bytes }) => sum + bytes, 0);
  say(`NVIDIA’s wheels, ${inBytes(total)}, into ${folder}:`);
  let name = '';
  await installWheels(wheels, folder, {
    signal,
    onWheel: (wheel, isThere) => {
      name = `${wheel.project} ${wheel.version}`;
      if (isThere) say(`  ${name}: here already`);
    },
    onProgress: (have, of) => progressOf(name)(have, of),
  });
}

/** One line on a terminal, one a file elsewhere. */
function progressOf(name: string): (have: number, of: number) => void {
  let told = 0;
  return (have, of) => {
    const isWhole = have === of;
    if (!isWhole && (!process.stdout.isTTY || performance.now() - told < 200)) return;
    told = performance.now();
    const line = `  ${name}: ${Math.floor((100 * have) / of)} % of ${inBytes(of)}`;
    process.stdout.write(process.stdout.isTTY ? `\r${line}${isWhole ? '\n' : ''}` : `${line}\n`);
  };
}

/** What is missing and the ways to it, or a picture that proves that nothing is. */
async function judge(state: CudaState, config: Config, values: Values): Promise<number> {
  const { cuda, driver } = state;
  // The driver's own library comes to a container when it starts, and is told of with the driver.
  const missing = state.missing.filter((name) => name !== 'libcuda.so.1');
  for (const { name, by, lacks, path: file } of state.tooOld) {
    say(
      `${file} is too old: ${by} asks it for ${lacks.join(', ')}. A newer version of the system has ${name}.`,
    );
  }
  if (missing.length > 0) {
    say(`Not found: ${missing.join(', ')}.`);
    const wish = { libraries: missing, cuda: cuda ?? 13, driverCuda: driver?.cuda ?? null };
    say(`\n${routesInWords(wish, readSystem())}`);
    return 1;
  }
  if (state.tooOld.length > 0) return 1;
  if (values['libraries-only']) {
    say('All libraries are there.');
    return 0;
  }
  if (state.driverTrouble !== null) {
    say(`CUDA cannot run here: ${state.driverTrouble}. ${alternative()}`);
    return 1;
  }
  say('All libraries are there; painting a picture …');
  const tried = await tryDevice(
    { name: 'cuda', device: 'cuda', index: null },
    config,
    null,
    120_000,
  );
  if (tried.error !== null) {
    say(`CUDA does not paint: ${tried.error}`);
    return 1;
  }
  const apart =
    tried.canaryMaxError === null
      ? ''
      : `, ${(100 * tried.canaryMaxError).toFixed(2)} % from the CPU`;
  say(
    `CUDA paints: a step of the embedded model takes ${tried.stepMs} ms${apart}. DEVICE=auto takes it from now on.`,
  );
  return 0;
}

function alternative(): string {
  if (process.platform === 'win32')
    return 'On Windows use DEVICE=dml or DEVICE=webgpu: they need no set-up.';
  if (process.platform === 'darwin')
    return 'On a Mac use DEVICE=coreml or DEVICE=webgpu: they need no set-up.';
  return 'DEVICE=webgpu may work without any set-up.';
}
