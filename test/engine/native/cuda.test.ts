import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { cudaNeeds, cudaStateOf } from '../../../src/engine/native/cuda.ts';
import { driverIn, driverTrouble } from '../../../src/engine/native/driver.ts';
import { openedLater } from '../../../src/engine/native/opened-later.ts';
import { type ElfPlan, makeElf } from './make-elf.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const folder = mkdtempSync(path.join(tmpdir(), 'cuda-'));
after(() => rmSync(folder, { recursive: true }));

function put(file: string, plan: ElfPlan): string {
  const target = path.join(folder, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, makeElf(plan));
  return target;
}

/** As compilers write a short text to memory: its first and its last eight letters, each in an instruction. */
const inHalves = (text: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x48, 0xb8]),
    Buffer.from(text.slice(0, 8), 'latin1'),
    Buffer.from([0x48, 0x89, 0x45, 0xd0, 0x48, 0xb8]),
    Buffer.from(text.slice(-8), 'latin1'),
    Buffer.from([0x48, 0x89, 0x45, 0xd5]),
  ]);

const filler = (bytes: number): Buffer => Buffer.alloc(bytes, 'lib.so.7 ');

test('names of libraries that are opened later: as text, in two halves, at the edge of what is read at once', () => {
  const chunk = 4 * 1024 * 1024;
  for (const before of [0, 1000, chunk - 10, chunk - 1, chunk + 3]) {
    const tail = Buffer.concat([
      filler(before),
      inHalves('libcudnn.so.9'),
      filler(60),
      inHalves('libcufft.so.12'),
      Buffer.from('\0libnvrtc.so\0libcuda.so.1\0libnvrtc.so.13\0libnvrtc.so.12\0'),
    ]);
    const found = openedLater(put('later.so', { tail }), [
      'libcudnn',
      'libcufft',
      'libnvrtc',
      'libnpp',
    ]);
    assert.deepEqual(Object.fromEntries(found), {
      libcudnn: [9],
      libcufft: [12],
      libnvrtc: [12, 13],
    });
  }
});

/** ONNX Runtime 1.29's provider for CUDA 13, in what it says of itself. */
const OF_13: ElfPlan = {
  needed: [
    'libcublasLt.so.13',
    'libcublas.so.13',
    'libcurand.so.10',
    'libcudart.so.13',
    'libcuda.so.1',
    'libc.so.6',
  ],
  tail: Buffer.concat([
    inHalves('libcudnn.so.9'),
    inHalves('libcufft.so.12'),
    Buffer.from('\0libnvrtc.so.13\0'),
  ]),
};

/** 1.24's for CUDA 12, which was linked with cuDNN and cuFFT. */
const OF_12: ElfPlan = {
  needed: [
    'libcublasLt.so.12',
    'libcublas.so.12',
    'libcurand.so.10',
    'libcufft.so.11',
    'libcudart.so.12',
    'libcudnn.so.9',
  ],
};

test('what a provider needs is read from it, for CUDA 13, for 12 and for one that is yet to come', () => {
  assert.deepEqual(cudaNeeds(put('p13.so', OF_13)), {
    cuda: 13,
    cudnn: 9,
    required: [
      'libcublasLt.so.13',
      'libcublas.so.13',
      'libcurand.so.10',
      'libcudart.so.13',
      'libcudnn.so.9',
    ],
    optional: ['libnvrtc.so.13'],
  });
  const { cuda, cudnn, required, optional } = cudaNeeds(put('p12.so', OF_12));
  assert.deepEqual([cuda, cudnn, required, optional], [12, 9, OF_12.needed, []]);
  const next = cudaNeeds(
    put('p14.so', { needed: ['libcudart.so.14'], tail: inHalves('libcudnn.so.10') }),
  );
  assert.deepEqual(
    [next.cuda, next.cudnn, next.required],
    [14, 10, ['libcudart.so.14', 'libcudnn.so.10']],
  );
});

test('what is missing, in the own folder and in LD_LIBRARY_PATH, with the libraries’ own needs', () => {
  const provider = put('p13.so', OF_13);
  const look = (libraryPath: string, ownFolder: string) =>
    cudaStateOf(provider, { libraryPath, ownFolder }, null);
  const names = (state: ReturnType<typeof look>) =>
    state.missing.filter((name) => name.startsWith('libc'));
  for (const name of [
    'libcublasLt.so.13',
    'libcublas.so.13',
    'libcurand.so.10',
    'libcudart.so.13',
  ]) {
    put(`own/${name}`, { soname: name });
    put(`path/${name}`, { soname: name });
  }
  put('own/libcudnn.so.9', { needed: ['libcudnn_graph.so.9'] });
  assert.deepEqual(names(look('', path.join(folder, 'own'))), [
    'libcuda.so.1',
    'libcudnn_graph.so.9',
  ]);
  put('own/libcudnn_graph.so.9', {});
  assert.deepEqual(names(look('', path.join(folder, 'own'))), ['libcuda.so.1']);
  assert.ok(names(look(path.join(folder, 'path'), '/nowhere')).includes('libcudnn.so.9'));
  assert.match(look('', '/nowhere').driverTrouble ?? '', /no NVIDIA driver/);
});

test('the driver and the GPU that a CUDA needs', () => {
  const banner = (cuda: string) =>
    `| NVIDIA-SMI 580.105.08   Driver Version: 580.105.08   CUDA Version: ${cuda}  |`;
  const h200 = driverIn('NVIDIA H200, 143771, 143000, 9.0, 580.105.08\n', banner('13.0'), null);
  assert.deepEqual(h200, {
    version: '580.105.08',
    cuda: '13.0',
    gpus: [
      {
        name: 'NVIDIA H200',
        memory: 143771 * 2 ** 20,
        freeMemory: 143000 * 2 ** 20,
        computeCapability: 9,
      },
    ],
  });
  assert.equal(driverTrouble(h200, 13), null);
  assert.equal(driverTrouble(h200, 12), null);
  assert.match(driverTrouble(h200, 14) ?? '', /runs CUDA up to 13\.0, 14 is needed/);
  const old = driverIn('NVIDIA A10, 24000, 23000, 8.6, 535.183.01\n', banner('12.2'), null);
  assert.match(driverTrouble(old, 13) ?? '', /driver is 535\.183\.01, CUDA 13 needs at least 580/);
  assert.equal(driverTrouble(old, 12), null);
  const pascal = driverIn('GTX 1080, 8000, 7000, 6.1, 580.65.06\n', banner('13.0'), null);
  assert.match(
    driverTrouble(pascal, 13) ?? '',
    /GTX 1080 has compute capability 6\.1, CUDA 13 needs at least 7\.5/,
  );
  // a tool too old to say, a driver without its tools, none at all
  assert.equal(driverTrouble(driverIn('A, 1, 1, [N/A], 590.1\n', '', null), 13), null);
  assert.match(driverTrouble(driverIn('', '', '470.57.02'), 13) ?? '', /470\.57\.02/);
  assert.match(driverTrouble(null, 13) ?? '', /no NVIDIA driver/);
});

test(
  'libraries of the own folder are open, and stay so, before anybody asks for them',
  { skip: process.platform !== 'linux' },
  () => {
    const [library = ''] = globSync('node_modules/@img/sharp-libvips-linux-*/lib/libvips-cpp.so*', {
      cwd: ROOT,
    });
    assert.notEqual(library, '');
    const own = path.join(folder, 'real');
    mkdirSync(own);
    copyFileSync(path.join(ROOT, library), path.join(own, path.basename(library)));
    const program = `
    import { readFileSync } from 'node:fs';
    import { Worker, isMainThread } from 'node:worker_threads';
    import { openOwnLibraries, useLibrariesIn } from ${JSON.stringify(path.join(ROOT, 'src/engine/native/own-libraries.ts'))};
    useLibrariesIn(${JSON.stringify(own)});
    openOwnLibraries();
    globalThis.gc?.();
    process.stdout.write(readFileSync('/proc/self/maps', 'latin1').includes(${JSON.stringify(own)}) ? 'open' : 'closed');
  `;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.equal(stdout, 'open', stderr);
  },
);
