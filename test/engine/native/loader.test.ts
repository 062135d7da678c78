import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { librariesOf, openSearch } from '../../../src/engine/native/loader.ts';
import { runtimeFolder } from '../../../src/engine/network/cuda-files.ts';
import { type ElfPlan, makeCache, makeElf } from './make-elf.ts';

const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A system's root with these libraries; `cache`: names that ldconfig found. */
function systemOf(
  files: Readonly<Record<string, ElfPlan>>,
  cache: readonly string[] = [],
  older = false,
) {
  const root = mkdtempSync(path.join(tmpdir(), 'loader-'));
  folders.push(root);
  const at = (file: string) => path.join(root, file);
  for (const [file, plan] of Object.entries(files)) {
    mkdirSync(path.dirname(at(file)), { recursive: true });
    writeFileSync(at(file), makeElf(plan));
  }
  mkdirSync(at('etc'), { recursive: true });
  const entries = cache.map((file) => [path.basename(file), at(file)] as const);
  writeFileSync(at('etc/ld.so.cache'), makeCache(entries, older));
  const found = (file: string, libraryPath: string[] = [], also: string[] = []) => {
    const search = openSearch(libraryPath.map(at).join(':'), new Map(), root);
    const libraries = librariesOf(at(file), search, also);
    return Object.fromEntries(
      libraries.map(({ name, path: place }) => [name, place && path.relative(root, place)]),
    );
  };
  return { root, at, found };
}

test('the system’s cache, in both formats, and its folders', () => {
  for (const older of [false, true]) {
    const { found } = systemOf(
      {
        'app/main.so': { needed: ['liba.so.1', 'libb.so.1', 'libc.so.1'] },
        'opt/cuda/liba.so.1': { needed: ['libd.so.1'] },
        'usr/lib64/libb.so.1': {},
        'opt/cuda/libd.so.1': {},
      },
      ['opt/cuda/liba.so.1', 'opt/cuda/libd.so.1'],
      older,
    );
    assert.deepEqual(found('app/main.so'), {
      'liba.so.1': 'opt/cuda/liba.so.1',
      'libb.so.1': 'usr/lib64/libb.so.1',
      'libc.so.1': null,
      'libd.so.1': 'opt/cuda/libd.so.1',
    });
  }
});

test('LD_LIBRARY_PATH comes before RUNPATH, RPATH before both unless there is a RUNPATH', () => {
  const files = {
    'app/rpath.so': { needed: ['liba.so.1'], rpath: '$ORIGIN/../r' },
    'app/runpath.so': { needed: ['liba.so.1'], runpath: '${ORIGIN}/../u', rpath: '$ORIGIN/../r' },
    'r/liba.so.1': {},
    'u/liba.so.1': {},
    'l/liba.so.1': {},
  };
  const { found } = systemOf(files, ['l/liba.so.1']);
  assert.equal(found('app/rpath.so', ['l'])['liba.so.1'], 'r/liba.so.1');
  assert.equal(found('app/runpath.so', ['l'])['liba.so.1'], 'l/liba.so.1');
  assert.equal(found('app/runpath.so', ['nowhere'])['liba.so.1'], 'u/liba.so.1');
});

test('an RPATH counts for what the library’s own libraries need; a RUNPATH does not', () => {
  const files = (way: 'rpath' | 'runpath') => ({
    'app/main.so': { needed: ['liba.so.1'], [way]: '$ORIGIN/own' },
    'app/own/liba.so.1': { needed: ['libb.so.1'] },
    'app/own/libb.so.1': {},
  });
  assert.equal(systemOf(files('rpath')).found('app/main.so')['libb.so.1'], 'app/own/libb.so.1');
  assert.equal(systemOf(files('runpath')).found('app/main.so')['libb.so.1'], null);
});

test('a library for another machine is passed over, as are files that are none', () => {
  const { found, at } = systemOf(
    {
      'app/main.so': { needed: ['liba.so.1', 'libb.so.1'] },
      'first/liba.so.1': { machine: 40 },
      'second/liba.so.1': {},
    },
    ['first/liba.so.1', 'second/liba.so.1'],
  );
  writeFileSync(at('first/libb.so.1'), 'GROUP ( libb.so.2 )');
  assert.deepEqual(found('app/main.so', ['first']), {
    'liba.so.1': 'second/liba.so.1',
    'libb.so.1': null,
  });
});

test('versions of symbols that a library is too old for', () => {
  const { at, root } = systemOf(
    {
      'app/main.so': {
        needed: ['libstdc++.so.6'],
        asks: { 'libstdc++.so.6': ['GLIBCXX_3.4', 'GLIBCXX_3.4.32'] },
      },
      'usr/lib/libstdc++.so.6': { has: ['libstdc++.so.6', 'GLIBCXX_3.4', 'GLIBCXX_3.4.29'] },
    },
    [],
  );
  const [library] = librariesOf(at('app/main.so'), openSearch('', new Map(), root));
  assert.deepEqual(library?.lacks, ['GLIBCXX_3.4.32']);
});

test('what is open already is found first, and what is opened later is looked for too', () => {
  const { at, root } = systemOf({
    'app/main.so': { needed: ['liba.so.1'] },
    'own/liba.so.1': {},
    'own/libz.so.9': { needed: ['liba.so.1', 'libq.so.1'] },
    'usr/lib/liba.so.1': {},
  });
  const opened = new Map(['liba.so.1', 'libz.so.9'].map((name) => [name, at(`own/${name}`)]));
  const libraries = librariesOf(at('app/main.so'), openSearch('', opened, root), ['libz.so.9']);
  assert.deepEqual(
    libraries.map(({ name, by, path: place }) => [name, by, place]),
    [
      ['liba.so.1', 'main.so', at('own/liba.so.1')],
      ['libz.so.9', 'main.so', at('own/libz.so.9')],
      ['libq.so.1', 'libz.so.9', null],
    ],
  );
});

test(
  'ONNX Runtime’s libraries are found where the system’s own loader finds them',
  { skip: process.platform !== 'linux' },
  () => {
    const file = path.join(runtimeFolder() ?? '', 'onnxruntime_binding.node');
    const ours = librariesOf(file, openSearch(''));
    const theirs = execFileSync('ldd', [file], { encoding: 'utf8' });
    for (const { name, path: place, lacks } of ours) {
      if (name.startsWith('ld-linux')) continue;
      assert.ok(theirs.includes(`${name} => ${place ?? 'not found'} `), `${name}: ${place}`);
      assert.deepEqual(lacks, []);
    }
  },
);
