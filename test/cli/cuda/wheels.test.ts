import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { packagesFor, readSystem, routesInWords } from '../../../src/cli/cuda/routes.ts';
import { findWheels, installWheels, type WheelQuestion } from '../../../src/cli/cuda/wheels.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { makeZip } from './make-zip.ts';
import { type Fault, openRegistry, type Registry } from './registry.ts';

let registry: Registry;
const folder = mkdtempSync(path.join(tmpdir(), 'wheels-'));
before(async () => {
  registry = await openRegistry();
});
after(async () => {
  await registry.close();
  rmSync(folder, { recursive: true });
});

type Release = {
  version: string;
  platform?: string;
  yanked?: boolean;
  files?: Record<string, string>;
};

/** A project as PyPI tells of it, with its wheels. */
function publish(project: string, releases: readonly Release[]): void {
  const all: Record<string, object[]> = {};
  for (const {
    version,
    platform = 'manylinux_2_27_x86_64',
    yanked = false,
    files = {},
  } of releases) {
    const wheel = makeZip(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
    );
    const filename = `${project.replaceAll('-', '_')}-${version}-py3-none-${platform}.whl`;
    registry.files.set(`/packages/${filename}`, wheel);
    (all[version] ??= []).push({
      filename,
      url: `${registry.url}/packages/${filename}`,
      size: wheel.length,
      digests: { sha256: createHash('sha256').update(wheel).digest('hex') },
      yanked,
    });
  }
  registry.files.set(`/pypi/${project}/json`, { info: { name: project }, releases: all });
}

const ask = (over: Partial<WheelQuestion>): WheelQuestion => ({
  pypi: registry.url,
  libraries: ['libcudart.so.13'],
  cuda: 13,
  driverCuda: null,
  arch: 'x64',
  glibc: '2.36',
  ...over,
});

const versions = async (over: Partial<WheelQuestion>): Promise<string[]> =>
  (await findWheels(ask(over), 1)).map(({ project, version }) => `${project} ${version}`);

test('the newest release of the library’s major version that runs here', async () => {
  publish('nvidia-cuda-runtime', [
    { version: '13.0.96' },
    { version: '13.5.37' },
    { version: '13.10.1', yanked: true },
    { version: '14.0.1' },
    { version: '13.6.0rc1' },
    { version: '13.7.2', platform: 'manylinux_2_40_x86_64' },
    { version: '13.8.2', platform: 'manylinux2014_aarch64.manylinux_2_17_aarch64' },
    { version: '13.9.2', platform: 'win_amd64' },
  ]);
  assert.deepEqual(await versions({}), ['nvidia-cuda-runtime 13.5.37']);
  assert.deepEqual(await versions({ driverCuda: '13.0' }), ['nvidia-cuda-runtime 13.0.96']);
  assert.deepEqual(await versions({ glibc: '2.41' }), ['nvidia-cuda-runtime 13.7.2']);
  assert.deepEqual(await versions({ arch: 'arm64' }), ['nvidia-cuda-runtime 13.8.2']);
  await assert.rejects(
    versions({ glibc: '2.12' }),
    /has no wheel of version 13 for this machine \(x64, glibc 2\.12\)/,
  );
});

test('names of projects for CUDA 13 and for 12; what no wheel brings; a registry that is away', async () => {
  for (const [project, version] of [
    ['nvidia-cublas', '13.10.0.20'],
    ['nvidia-curand', '10.4.4.72'],
    ['nvidia-cudnn-cu13', '9.27.0.42'],
    ['nvidia-cublas-cu12', '12.9.3.13'],
    ['nvidia-cudnn-cu12', '9.10.2'],
  ] as const) {
    publish(project, [{ version, platform: 'manylinux2014_x86_64' }]);
  }
  const of13 = ['libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10', 'libcudnn.so.9'];
  assert.deepEqual(await versions({ libraries: of13 }), [
    'nvidia-cublas 13.10.0.20',
    'nvidia-curand 10.4.4.72',
    'nvidia-cudnn-cu13 9.27.0.42',
  ]);
  const of12 = ['libcublas.so.12', 'libcudnn.so.9'];
  assert.deepEqual(await versions({ libraries: of12, cuda: 12 }), [
    'nvidia-cublas-cu12 12.9.3.13',
    'nvidia-cudnn-cu12 9.10.2',
  ]);
  await assert.rejects(
    versions({ libraries: ['libnvinfer.so.10'] }),
    /No wheel .* libnvinfer\.so\.10/,
  );
  await assert.rejects(
    versions({ libraries: ['libnvrtc.so.13'] }),
    /there is no project nvidia-cuda-nvrtc/,
  );
  await assert.rejects(
    versions({ pypi: 'http://127.0.0.1:1' }),
    /cannot be asked: .*behind a proxy/,
  );
});

test('answers that make no sense are refused in a sentence', async () => {
  const place = '/pypi/nvidia-cuda-runtime/json';
  const kept = registry.files.get(place);
  for (const answer of [
    [],
    { releases: null },
    { releases: { '13.0': 'x' } },
    Buffer.from('<html>'),
    Buffer.from('null'),
  ]) {
    registry.files.set(place, answer);
    await assert.rejects(versions({}), UserError);
  }
  registry.faults.set(place, [{ status: 500 }, { status: 500 }]);
  registry.files.set(place, kept ?? {});
  assert.deepEqual(await versions({}), ['nvidia-cuda-runtime 13.5.37']);
});

test('only the libraries are unpacked; what is there stays, what is damaged comes anew', async () => {
  publish('nvidia-cuda-runtime', [
    {
      version: '13.0.96',
      files: {
        'nvidia/cu13/lib/libcudart.so.13': 'the runtime',
        'nvidia/cu13/lib/stubs/libcuda.so.1': 'a stub',
        'nvidia/cu13/include/cuda.h': 'a header',
        '../../../etc/libevil.so.1': 'from outside',
        'nvidia_cuda_runtime-13.0.96.dist-info/METADATA': 'x',
      },
    },
  ]);
  const own = path.join(folder, 'own');
  const wheels = await findWheels(ask({}), 1);
  const install = async () => {
    const fetched: string[] = [];
    await installWheels(wheels, own, {
      pauseMs: 1,
      onWheel: ({ project }, isThere) => isThere || fetched.push(project),
    });
    return fetched;
  };
  const place = [...registry.files.keys()].find((name) => name.includes('13.0.96')) ?? '';
  registry.faults.set(place, [{ breakAfter: 100 }]);
  assert.deepEqual(await install(), ['nvidia-cuda-runtime']);
  assert.deepEqual(readdirSync(own).toSorted(), [
    'libcudart.so.13',
    'libevil.so.1',
    'manifest.json',
  ]);
  assert.ok(!existsSync(path.join(folder, 'etc')));
  assert.equal(readFileSync(path.join(own, 'libcudart.so.13'), 'utf8'), 'the runtime');
  assert.deepEqual(await install(), []);
  truncateSync(path.join(own, 'libcudart.so.13'), 3);
  assert.deepEqual(await install(), ['nvidia-cuda-runtime']);
  assert.equal(readFileSync(path.join(own, 'libcudart.so.13'), 'utf8'), 'the runtime');
});

test('a wheel without the library it was fetched for is told', async () => {
  publish('nvidia-cuda-runtime', [
    { version: '13.1.0', files: { 'nvidia/lib/libcudart.so.12': 'x' } },
  ]);
  await assert.rejects(
    installWheels(await findWheels(ask({}), 1), path.join(folder, 'other')),
    /does not bring libcudart\.so\.13/,
  );
});

/** One wheel of 300 kB that no packing makes smaller, installed anew with these faults. */
async function installWith(faults: readonly Fault[]): Promise<{ asked: string[]; own: string }> {
  const name = 'nvidia/cu13/lib/libcudart.so.13';
  const text = randomBytes(150_000).toString('hex');
  publish('nvidia-cuda-runtime', [{ version: '13.0.96', files: { [name]: text } }]);
  const [wheel] = await findWheels(ask({}), 1);
  assert.ok(wheel !== undefined);
  const own = path.join(folder, `own-${++installed}`);
  registry.faults.set(new URL(wheel.url).pathname, [...faults]);
  registry.asked.length = 0;
  await installWheels([wheel], own, { pauseMs: 1 }).finally(() => registry.faults.clear());
  assert.equal(readFileSync(path.join(own, 'libcudart.so.13'), 'utf8'), text);
  return { own, asked: [...registry.asked] };
}

let installed = 0;

test('a line that breaks again and again, a server that knows no ranges or answers with others', async () => {
  const breaks = Array.from({ length: 12 }, () => ({ breakAfter: 10_000 }));
  const { asked } = await installWith(breaks);
  const begun = asked.map((each) => Number(/bytes=(\d+)/.exec(each)?.[1] ?? 0));
  assert.ok(
    begun.length > 12 && begun.every((at, i) => i === 0 || at > begun[i - 1]!),
    String(begun),
  );
  for (const fault of ['no-ranges', 'wrong-range', { status: 503 }] as const) {
    await installWith([{ breakAfter: 50_000 }, fault]);
  }
});

test('another size or other bytes than published never become a library', async () => {
  const wrong: readonly [Fault, RegExp][] = [
    [{ length: 100 }, /was told to have/],
    [{ endless: true }, /was told to have/],
    [{ bytes: Buffer.alloc(500_000) }, /was told to have/],
    [{ status: 404 }, /has no/],
  ];
  for (const [fault, words] of wrong) {
    await assert.rejects(
      installWith([fault, fault]),
      (error) => error instanceof UserError && words.test(error.message),
    );
    assert.ok(!existsSync(path.join(folder, `own-${installed}`, 'libcudart.so.13')));
  }
  await assert.rejects(
    installWith(['other-bytes', 'other-bytes']),
    /came with other bytes than were told/,
  );
});

test('the system’s packages, in the version that the driver runs, and all ways with their commands', () => {
  const libraries = [
    'libcublasLt.so.13',
    'libcublas.so.13',
    'libcudnn.so.9',
    'libcudart.so.13',
    'libcurand.so.10',
  ];
  const packages = ['libcublas-13-0', 'libcudnn9-cuda-13', 'cuda-cudart-13-0', 'libcurand-13-0'];
  assert.deepEqual(packagesFor({ libraries, cuda: 13, driverCuda: null }), packages);
  assert.deepEqual(packagesFor({ libraries: ['libcublas.so.13'], cuda: 13, driverCuda: '13.2' }), [
    'libcublas-13-2',
  ]);
  assert.deepEqual(packagesFor({ libraries: ['libcublas.so.13'], cuda: 13, driverCuda: '12.4' }), [
    'libcublas-13-0',
  ]);
  const words = (release: string) =>
    routesInWords({ libraries, cuda: 13, driverCuda: null }, readSystem(release));
  const ubuntu = words('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n');
  assert.match(ubuntu, /setup:cuda -- --wheels/);
  assert.match(ubuntu, /repos\/ubuntu2404\/x86_64\/cuda-keyring/);
  assert.match(ubuntu, /apt-get install libcublas-13-0 libcudnn9-cuda-13/);
  assert.match(ubuntu, /docker build --target cuda/);
  assert.match(words('ID=debian\nVERSION_ID="12"'), /repos\/debian12\//);
  assert.match(words('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"'), /dnf .*rhel9/);
  assert.match(words('ID=arch'), /pacman/);
  assert.match(words(''), /libcublas-13-0 .*your distribution/);
});
