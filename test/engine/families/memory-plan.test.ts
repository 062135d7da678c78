import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { packNumbers } from '../../../src/engine/checkpoint/file/packing.ts';
import { quantised } from '../../../src/engine/checkpoint/file/quantised.ts';
import { keepUnpackedIn } from '../../../src/engine/checkpoint/file/weights-cache.ts';
import type { PartTensors, TensorSlice } from '../../../src/engine/checkpoint/tensors.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { planMemory, type Network } from '../../../src/engine/families/opening/memory-plan.ts';
import { oneAtATime } from '../../../src/engine/network/one-at-a-time.ts';
import type { Session } from '../../../src/engine/network/session.ts';

const GIB = 2 ** 30;

/** A network of one fp16 matrix that takes so many bytes. */
function network(role: Network['role'], bytes: number): Network {
  const shape = [bytes / 2 / 4096, 4096];
  const tensor: TensorSlice = { file: '/x', offset: 0, length: bytes, type: 'F16', shape };
  return { role, tensors: new Map([['layer.weight', tensor]]) };
}

const LARGE = [network('encoder', 8 * GIB), network('transformer', 12 * GIB), network('vae', GIB)];

test('what fits together stays, what fits one by one takes turns', () => {
  const plan = (limit: number) => planMemory('m', LARGE, { limit, quantise: null });
  assert.equal(plan(24 * GIB).keeps, 'all');
  assert.equal(plan(16 * GIB).keeps, 'one');
  assert.equal(plan(16 * GIB).needs, 13.5 * GIB);
  assert.deepEqual(plan(16 * GIB).bits, [null, null, null]);
});

test('what does not fit by itself is packed where that is wanted, else refused with the figure', () => {
  const limit = 10 * GIB;
  const plan = planMemory('m', LARGE, { limit, quantise: 8 });
  assert.deepEqual(plan.bits, [null, 8, null]);
  assert.equal(plan.keeps, 'one');
  assert.throws(
    () => planMemory('m', LARGE, { limit, quantise: null }),
    (error) =>
      error instanceof UserError && /14\.5 GB .* transformer, and 10\.7 GB/.test(error.message),
  );
  assert.throws(() => planMemory('m', LARGE, { limit: 3 * GIB, quantise: 4 }), UserError);
});

test('toys are never in the way', () => {
  const toys = [network('transformer', 2 ** 20)];
  assert.equal(planMemory('m', toys, { limit: 2 ** 20, quantise: null }).keeps, 'all');
});

test('packed numbers are off by half a step at most', () => {
  const numbers = Float32Array.from(
    { length: 4096 },
    (_, i) => Math.sin(i * 12.9898) * (1 + (i % 7)),
  );
  for (const bits of [4, 8] as const) {
    const { blocks, scales } = packNumbers(numbers, bits);
    for (const [i, wanted] of numbers.entries()) {
      const byte = bits === 8 ? blocks[i]! : (blocks[i >> 1]! >> (4 * (i & 1))) & 15;
      const step = Math.abs(scales[i >> 5]!);
      const off = Math.abs((byte - 2 ** (bits - 1)) * scales[i >> 5]! - wanted);
      // at the far end four bits reach seven steps only
      assert.ok(off <= step * (bits === 8 ? 0.5 : 1) + 1e-6, `${bits} bits: ${off} of ${step}`);
    }
  }
});

test('the file of packed weights is made once, and again when it is not whole', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'weights-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  keepUnpackedIn(folder);
  const bytes = new Uint8Array(Float32Array.from({ length: 256 * 64 }, (_, i) => i).buffer);
  const tensors: PartTensors = new Map([
    [
      'a.weight',
      { file: '', offset: 0, length: bytes.length, type: 'F32', shape: [256, 64], bytes },
    ],
    [
      'a.bias',
      { file: '', offset: 0, length: 4, type: 'F32', shape: [1], bytes: bytes.slice(0, 4) },
    ],
  ]);
  const made = quantised(tensors, 8, 'x');
  assert.equal(made.tensors.get('a.weight')?.packed?.bits, 8);
  assert.equal(made.tensors.get('a.bias')?.type, 'F32');
  await made.prepare();
  const [name = ''] = await readdir(folder);
  const file = path.join(folder, name);
  const first = await stat(file);
  await made.prepare();
  assert.equal((await stat(file)).mtimeMs, first.mtimeMs);
  await truncate(file, first.size - 40);
  await truncate(file, first.size);
  await made.prepare();
  assert.notEqual((await stat(file)).ino, first.ino);
  assert.equal((await readdir(folder)).length, 1);
});

test('of sessions that take turns one is open, whichever is asked', async () => {
  const open = new Set<string>();
  let most = 0;
  const opener = (name: string) => async (): Promise<Session> => {
    open.add(name);
    most = Math.max(most, open.size);
    return {
      path: name,
      provider: 'cpu',
      inputs: new Map(),
      outputs: new Map(),
      run: async () => ({}),
      release: async () => void open.delete(name),
    };
  };
  const turns = oneAtATime();
  const [encoder, transformer] = [await turns.add(opener('e')), await turns.add(opener('t'))];
  for (const session of [encoder, transformer, transformer, encoder]) await session.run({}, []);
  assert.deepEqual([...open], ['e']);
  assert.equal(most, 1);
  await transformer.release();
  await encoder.release();
  assert.equal(open.size, 0);
});
