import assert from 'node:assert/strict';
import { editedFile } from '../../../src/engine/network/graph-source.ts';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import { deviceRefusal, openSession, providersFor } from '../../../src/engine/network/session.ts';
import { threadsOfNetworks, useThreads } from '../../../src/engine/network/threads.ts';

const demo = (file: string): string =>
  fileURLToPath(new URL(`../../../models/demo/${file}`, import.meta.url));
const fixture = (file: string): string =>
  fileURLToPath(new URL(`../../fixtures/onnx/${file}`, import.meta.url));

const fileOf = (file: string) => ({ kind: 'file', path: demo(file) }) as const;

test('inputs and outputs are read from the graph', async () => {
  const session = await openSession(fileOf('unet/model.onnx'), {
    provider: 'cpu',
    clock: { ms: 0 },
  });
  try {
    assert.deepEqual([...session.inputs.keys()], ['sample', 'timestep', 'encoder_hidden_states']);
    assert.equal(session.inputs.get('timestep')?.dtype, 'int64');
    assert.deepEqual(session.inputs.get('sample')?.shape, ['batch_size', 4, 'height', 'width']);
  } finally {
    await session.release();
  }
});

test('time inside run() is added to the clock', async () => {
  const clock = { ms: 0 };
  const session = await openSession(fileOf('text_encoder/model.onnx'), {
    provider: 'cpu',
    clock,
  });
  const began = performance.now();
  await session.run({ input_ids: { data: new Float32Array(77).fill(1), shape: [1, 77] } }, [
    'last_hidden_state',
  ]);
  const elapsed = performance.now() - began;
  await session.release();
  assert.ok(clock.ms > 0 && clock.ms <= elapsed, `${clock.ms} of ${elapsed}`);
});

test('as many threads as was said, and the same numbers from one as from one a core', async (t) => {
  const own = threadsOfNetworks();
  t.after(() => useThreads(own));
  const latents = Float32Array.from({ length: 2 * 4 * 32 * 32 }, (_, i) => Math.sin(i * 0.37));
  const embedding = Float32Array.from({ length: 2 * 77 * 128 }, (_, i) => Math.cos(i * 0.11));
  const feeds = {
    sample: { data: latents, shape: [2, 4, 32, 32] },
    timestep: { data: [500], shape: [1] },
    encoder_hidden_states: { data: embedding, shape: [2, 77, 128] },
  };
  const ask = async (asked: number): Promise<readonly [number, Float32Array]> => {
    useThreads(asked);
    const before = threadsOfProcess();
    const options = { provider: 'cpu', clock: { ms: 0 } } as const;
    const session = await openSession(fileOf('unet/model.onnx'), options);
    const more = threadsOfProcess() - before;
    const { out_sample: out } = await session.run(feeds, ['out_sample']);
    await session.release();
    return [more, out!.data];
  };
  await ask(1);
  const [none, one] = await ask(1);
  const [two, three] = await ask(3);
  const [, all] = await ask(0);
  if (process.platform === 'linux') assert.deepEqual([none, two], [0, 2]);
  assert.deepEqual(three, one);
  assert.deepEqual(all, one);
});

function threadsOfProcess(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
}

// half.onnx computes y = 2 x + t in float16 for x [n] and a scalar t: test/fixtures/onnx/make.py.
test('float16 inputs and outputs travel as numbers', async () => {
  const session = await openSession(
    { kind: 'file', path: fixture('half.onnx') },
    { provider: 'cpu', clock: { ms: 0 } },
  );
  try {
    assert.equal(session.inputs.get('x')?.dtype, 'float16');
    const x = Float32Array.from([0, 1, -2.5, 0.333251953125, 65504 / 2, -0.0000610352]);
    const { y } = await session.run(
      { x: { data: x, shape: [x.length] }, t: { data: [0.5], shape: [] } },
      ['y'],
    );
    assert.ok(y?.data instanceof Float32Array);
    const expected = [0.5, 2.5, -4.5, 1.166015625, 65504, 0.5];
    for (const [i, value] of expected.entries()) {
      assert.ok(Math.abs((y.data[i] as number) - value) < 1e-3 * Math.max(1, Math.abs(value)));
    }
  } finally {
    await session.release();
  }
});

test('weights beside the graph are found, for an edited copy in memory too', async () => {
  const path = fixture('external.onnx');
  for (const source of [
    { kind: 'file', path } as const,
    await editedFile(path, await readFile(path)),
  ]) {
    const session = await openSession(source, { provider: 'cpu', clock: { ms: 0 } });
    const x = new Float32Array(64).fill(2);
    const { y } = await session.run({ x: { data: x, shape: [64] } }, ['y']);
    assert.deepEqual([...(y?.data.slice(0, 4) ?? [])], [0, 2, 4, 6]);
    await session.release();
  }
});

test('weights that a hub links out of the folder are found, too, for the copy in memory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'darkroom-hub-cache-'));
  try {
    const [blobs, unet] = [join(root, 'blobs'), join(root, 'snapshots/1/unet')];
    await mkdir(blobs);
    await mkdir(unet, { recursive: true });
    for (const [name, blob] of [
      ['external.onnx', '0a1b'],
      ['external.bin', '2c3d'],
    ] as const) {
      await copyFile(fixture(name), join(blobs, blob));
      await symlink(join('../../../blobs', blob), join(unet, name));
    }
    const path = join(unet, 'external.onnx');
    const copy = await editedFile(path, await readFile(path));
    for (const source of [{ kind: 'file', path } as const, copy]) {
      const session = await openSession(source, { provider: 'cpu', clock: { ms: 0 } });
      const x = new Float32Array(64).fill(2);
      const { y } = await session.run({ x: { data: x, shape: [64] } }, ['y']);
      assert.deepEqual([...(y?.data.slice(0, 4) ?? [])], [0, 2, 4, 6]);
      await session.release();
    }
  } finally {
    await rm(root, { recursive: true });
  }
});

test('a feed that the graph does not have is refused by name', async () => {
  const session = await openSession(
    { kind: 'file', path: fixture('half.onnx') },
    { provider: 'cpu', clock: { ms: 0 } },
  );
  try {
    await assert.rejects(session.run({ z: { data: [1], shape: [1] } }, ['y']), /no input z/);
  } finally {
    await session.release();
  }
});

test('a named device is tried alone, auto ends with the CPU', () => {
  assert.deepEqual(providersFor('cuda'), ['cuda']);
  assert.deepEqual(providersFor('cpu'), ['cpu']);
  assert.equal(providersFor('auto').at(-1), 'cpu');
});

test('a device that fails is told with what ONNX Runtime said and what to do', async (t) => {
  if (existsSync('/dev/nvidia0')) return t.skip('this machine has an NVIDIA GPU');
  const options = { provider: 'cuda', clock: { ms: 0 } } as const;
  const error = await openSession(fileOf('unet/model.onnx'), options).then(
    () => null,
    (reason: Error) => reason,
  );
  assert.ok(error instanceof Error);
  const refusal = deviceRefusal('cuda', error.message);
  assert.ok(refusal instanceof UserError);
  assert.match(refusal.message, /DEVICE=cuda .*ONNX Runtime said: .+ `npm run setup:cuda`/);
});
