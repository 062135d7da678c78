import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { ElfError, readElf } from '../../../src/engine/native/elf.ts';
import { runtimeFolder } from '../../../src/engine/network/cuda-files.ts';
import { makeElf } from './make-elf.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'elf-'));
after(() => rmSync(folder, { recursive: true }));

let made = 0;
function fileOf(bytes: Uint8Array): string {
  const file = path.join(folder, `lib${++made}.so`);
  writeFileSync(file, bytes);
  return file;
}

const PLAN = {
  soname: 'libprovider.so.3',
  needed: ['libcudart.so.13', 'libc.so.6'],
  runpath: '$ORIGIN/../lib:/opt/lib',
  asks: { 'libc.so.6': ['GLIBC_2.4', 'GLIBC_2.34'], 'libcudart.so.13': ['libcudart.so.13'] },
  has: ['libprovider.so.3', 'VERS_1'],
};

test('what a library says of itself is read as it was written, wherever it is loaded', () => {
  for (const address of [0, 0x400000]) {
    const elf = readElf(fileOf(makeElf({ ...PLAN, address, tail: Buffer.alloc(100_000) })));
    assert.equal(elf.soname, PLAN.soname);
    assert.deepEqual(elf.needed, PLAN.needed);
    assert.deepEqual(elf.runpath, ['$ORIGIN/../lib', '/opt/lib']);
    assert.deepEqual(elf.rpath, []);
    assert.deepEqual(Object.fromEntries(elf.asks), PLAN.asks);
    assert.deepEqual([...elf.has], PLAN.has);
  }
});

test('ONNX Runtime’s own library', { skip: process.platform !== 'linux' }, () => {
  const elf = readElf(path.join(runtimeFolder() ?? '', 'onnxruntime_binding.node'));
  assert.ok(elf.needed.includes('libonnxruntime.so.1'));
  assert.ok(elf.asks.get('libc.so.6')?.some((version) => version.startsWith('GLIBC_2.')));
});

test('files that are none, or for another kind of machine, are told as such', () => {
  const other = makeElf(PLAN);
  other[4] = 1;
  for (const bytes of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), Buffer.alloc(200), other]) {
    assert.throws(() => readElf(fileOf(bytes)), ElfError);
  }
});

test('a damaged file is refused or read, and asks for no memory: bytes turned, cut at any length', () => {
  const whole = makeElf(PLAN);
  for (let at = 0; at < whole.length; at += 3) {
    for (const bytes of [whole.subarray(0, at), flipped(whole, at)]) {
      try {
        readElf(fileOf(bytes));
      } catch (error) {
        assert.ok(error instanceof ElfError, `byte ${at}: ${String(error)}`);
      }
      made = 0;
    }
  }
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = ~copy[at]! & 0xff;
  return copy;
}
