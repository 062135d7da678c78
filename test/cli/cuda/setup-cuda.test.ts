import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type ProviderPackage, providerPackage } from '../../../src/cli/cuda/nuget.ts';
import { makeElf } from '../../engine/native/make-elf.ts';
import { makeZip } from './make-zip.ts';
import { openRegistry, type Registry } from './registry.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const PACKAGE = 'node_modules/onnxruntime-node';
const skip = process.platform !== 'linux' || process.arch !== 'x64';

/** A copy of the project with an ONNX Runtime of its own: a provider that is tried out must not come to others. */
let copy: string;
let registry: Registry;
before(async () => {
  registry = await openRegistry();
  copy = mkdtempSync(path.join(tmpdir(), 'setup-cuda-'));
  for (const name of ['src', 'scripts', 'package.json'])
    cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  symlinkSync(path.join(ROOT, 'models'), path.join(copy, 'models'));
  mkdirSync(path.join(copy, 'node_modules'));
  for (const name of readdirSync(path.join(ROOT, 'node_modules'))) {
    if (name === 'onnxruntime-node' || name.startsWith('.')) continue;
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(copy, 'node_modules', name));
  }
  const isElsewhere = /\/bin\/napi-v\d+\/(?:darwin|win32|linux\/arm64)$/;
  cpSync(path.join(ROOT, PACKAGE), path.join(copy, PACKAGE), {
    recursive: true,
    filter: (name) => !isElsewhere.test(name),
  });
});
after(async () => {
  await registry.close();
  rmSync(copy, { recursive: true });
});

type Ended = { code: number; out: string };

/** `smi`: what a driver's nvidia-smi says; absent: there is none. */
function setup(args: readonly string[], smi?: { list: string; banner: string }): Promise<Ended> {
  const tools = path.join(copy, 'tools');
  mkdirSync(tools, { recursive: true });
  const program = `#!/bin/sh\ncase "$*" in *query-gpu*) echo '${smi?.list}';; *) echo '${smi?.banner}';; esac\n`;
  writeFileSync(
    path.join(tools, 'nvidia-smi'),
    smi === undefined ? '#!/bin/sh\nexit 9\n' : program,
    { mode: 0o755 },
  );
  const env = {
    PATH: `${tools}:${process.env['PATH']}`,
    DATA_DIR: path.join(copy, 'data'),
    NUGET_URL: `${registry.url}/index.json`,
    PYPI_URL: registry.url,
  };
  const command = [path.join(copy, 'scripts/run.cjs'), 'src/cli/setup-cuda.ts', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: copy, env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), out: stdout + stderr }),
    );
  });
}

function publishProvider({ name, version, files }: ProviderPackage, hash?: string): void {
  const { url } = registry;
  const id = name.toLowerCase();
  const needed = [
    'libcublasLt.so.13',
    'libcublas.so.13',
    'libcurand.so.10',
    'libcudart.so.13',
    'libcuda.so.1',
  ];
  const provider = makeElf({ needed, tail: Buffer.from('\0libcudnn.so.9\0libnvrtc.so.13\0') });
  const nupkg = makeZip(
    Object.fromEntries(
      [...files].map(([file, place]) => [place, /cuda/.test(file) ? provider : makeElf({})]),
    ),
  );
  const at = (kind: string, place: string) => ({ '@id': `${url}/${place}`, '@type': kind });
  registry.files.set('/index.json', {
    version: '3.0.0',
    resources: [
      at('PackageBaseAddress/3.0.0', 'flat/'),
      at('RegistrationsBaseUrl', 'old/'),
      at('RegistrationsBaseUrl/3.6.0', 'reg/'),
    ],
  });
  registry.files.set(`/reg/${id}/${version}.json`, { catalogEntry: `${url}/catalog/${id}.json` });
  registry.files.set(`/catalog/${id}.json`, {
    packageHash: hash ?? createHash('sha512').update(nupkg).digest('base64'),
    packageHashAlgorithm: 'SHA512',
    packageSize: nupkg.length,
  });
  registry.files.set(`/flat/${id}/${version}/${id}.${version}.nupkg`, nupkg);
}

function publishWheel(project: string, version: string, libraries: readonly string[]): void {
  const entries = libraries.map(
    (name) => [`nvidia/lib/${name}`, makeElf({ soname: name })] as const,
  );
  const wheel = makeZip(Object.fromEntries(entries));
  const filename = `${project.replaceAll('-', '_')}-${version}-py3-none-manylinux_2_17_x86_64.whl`;
  registry.files.set(`/w/${filename}`, wheel);
  const digests = { sha256: createHash('sha256').update(wheel).digest('hex') };
  const file = {
    filename,
    url: `${registry.url}/w/${filename}`,
    size: wheel.length,
    digests,
    yanked: false,
  };
  registry.files.set(`/pypi/${project}/json`, { releases: { [version]: [file] } });
}

const providerFile = () =>
  path.join(copy, PACKAGE, 'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so');

test(
  'from nothing to all libraries, by what the provider itself needs, with every way named',
  { skip },
  async () => {
    const wanted = providerPackage();
    assert.ok(wanted !== null);
    const arguments_ = await setup(['--wheel']);
    assert.equal(arguments_.code, 2, arguments_.out);
    assert.match((await setup(['--check'])).out, /provider is not here/);

    publishProvider(wanted, Buffer.alloc(64).toString('base64'));
    const wrong = await setup([]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.out, /another SHA-512 than NuGet's catalog names .* thrown away/);
    assert.ok(!existsSync(providerFile()));

    publishProvider(wanted);
    const nupkg = [...registry.files.keys()].find((name) => name.endsWith('.nupkg')) ?? '';
    registry.faults.set(nupkg, [{ breakAfter: 300 }]);
    const first = await setup([]);
    assert.equal(first.code, 1, first.out);
    assert.match(
      first.out,
      /built for CUDA 13 and cuDNN 9: it needs libcublasLt\.so\.13, .*libcudnn\.so\.9\./,
    );
    assert.match(first.out, /no NVIDIA driver answers/);
    assert.match(first.out, /Not found: .*libcudnn\.so\.9/);
    for (const way of [/--wheels/, /libcudnn9-cuda-13/, /docker build --target cuda/])
      assert.match(first.out, way);
    assert.ok(existsSync(providerFile()));

    publishWheel('nvidia-cublas', '13.1.0', ['libcublas.so.13', 'libcublasLt.so.13']);
    publishWheel('nvidia-curand', '10.4.0', ['libcurand.so.10']);
    publishWheel('nvidia-cuda-runtime', '13.0.9', ['libcudart.so.13']);
    publishWheel('nvidia-cudnn-cu13', '9.2.0', ['libcudnn.so.9', 'libcudnn_graph.so.9']);
    publishWheel('nvidia-cuda-nvrtc', '13.0.9', ['libnvrtc.so.13']);
    const second = await setup(['--wheels']);
    assert.equal(second.code, 1, second.out);
    assert.match(second.out, /CUDA cannot run here: there is no NVIDIA driver/);
    assert.equal(
      readdirSync(path.join(copy, 'data/cuda')).filter((name) => name.includes('.so.')).length,
      7,
    );
    const again = await setup(['--wheels', '--libraries-only']);
    assert.match(again.out, /nvidia-cudnn-cu13 9\.2\.0: here already/);
    assert.equal(again.code, 0);
  },
);

test('a driver that is too old; at last the real run has the word', { skip }, async () => {
  const banner = (cuda: string) => `NVIDIA-SMI   CUDA Version: ${cuda}`;
  const old = await setup(['--check'], {
    list: 'NVIDIA A10, 24000, 23000, 8.6, 535.1.1',
    banner: banner('12.2'),
  });
  assert.match(old.out, /driver is 535\.1\.1, CUDA 13 needs at least 580/);
  // These libraries have nothing in them: ONNX Runtime finds that out, and no word of success comes before.
  const run = await setup(['--check'], {
    list: 'NVIDIA H200, 143771, 143000, 9.0, 580.1.1',
    banner: banner('13.0'),
  });
  assert.equal(run.code, 1, run.out);
  assert.match(run.out, /All libraries are there; painting a picture …\nCUDA does not paint: .+/);
  assert.match(
    readFileSync(path.join(copy, 'data/cuda/manifest.json'), 'utf8'),
    /nvidia-cudnn-cu13/,
  );
});
