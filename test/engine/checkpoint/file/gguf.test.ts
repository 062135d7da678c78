import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openTensors } from '../../../../src/engine/checkpoint/file/open-tensors.ts';
import { decodeBlocks } from '../../../../src/engine/checkpoint/file/gguf-blocks.ts';
import { UserError } from '../../../../src/engine/errors.ts';
import { maxDifference } from '../../../support/golden/golden.ts';

type Tensor = { name: string; shape: number[]; type: number; data: Uint8Array };

/** A GGUF as gguf-py writes it, alignment 32. */
function ggufOf(
  tensors: readonly Tensor[],
  keys: readonly (readonly [string, string])[] = [],
): Buffer {
  const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
  const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const text = (value: string): Buffer =>
    Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(keys.length)];
  for (const [key, value] of keys) head.push(text(key), u32(8), text(value));
  let at = 0;
  for (const { name, shape, type, data } of tensors) {
    head.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(at));
    at += Math.ceil(data.length / 32) * 32;
  }
  const header = Buffer.concat(head);
  const pad = (bytes: Uint8Array): Buffer =>
    Buffer.concat([bytes, Buffer.alloc(Math.ceil(bytes.length / 32) * 32 - bytes.length)]);
  return Buffer.concat([pad(header), ...tensors.map(({ data }) => pad(data))]);
}

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);

async function fileWith(t: TestContext, bytes: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gguf-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'model.gguf');
  await writeFile(file, bytes);
  return file;
}

const PLAIN: Tensor = {
  name: 'a.weight',
  shape: [2, 3],
  type: 0,
  data: bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)),
};

test('plain numbers stay where they are, rows first', async (t) => {
  const bytes = ggufOf([PLAIN], [['general.architecture', 'flux']]);
  const file = await fileWith(t, bytes);
  const tensor = (await openTensors(file)).tensors.get('a.weight');
  assert.ok(tensor);
  assert.deepEqual(tensor.shape, [2, 3]);
  const { offset, length } = tensor;
  const numbers = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + length),
  );
  assert.deepEqual([...numbers], [1, 2, 3, 4, 5, 6]);
});

test('a file that breaks off anywhere, or was changed anywhere in its list, is told and never crashes', async (t) => {
  const whole = ggufOf([PLAIN], [['general.architecture', 'flux']]);
  const refuses = async (bytes: Uint8Array): Promise<void> => {
    const file = await fileWith(t, bytes);
    await openTensors(file).catch((error: unknown) =>
      assert.ok(error instanceof UserError, String(error)),
    );
  };
  for (let end = 0; end < whole.length; end += 7) await refuses(whole.subarray(0, end));
  for (let at = 4; at < 120; at++) {
    for (const value of [0, 0x7f, 0xff]) {
      const changed = Buffer.from(whole);
      changed[at] = value;
      await refuses(changed);
    }
  }
});

test('kinds of blocks that nobody unfolds here are named', async (t) => {
  const file = await fileWith(
    t,
    ggufOf([{ name: 'a.weight', shape: [1, 256], type: 16, data: new Uint8Array(66) }]),
  );
  await assert.rejects(openTensors(file), /quantised as IQ2_XXS/);
});

test('blocks of every kind become the numbers that gguf-py unfolds', async () => {
  const file = new URL('../../../fixtures/golden/gguf/blocks.json', import.meta.url);
  const kinds = JSON.parse(await readFile(file, 'utf8')) as Record<
    string,
    { blocks: string; numbers: string }
  >;
  for (const [name, { blocks, numbers }] of Object.entries(kinds)) {
    const bytes = new Uint8Array(Buffer.from(blocks, 'base64'));
    const wanted = new Float32Array(new Uint8Array(Buffer.from(numbers, 'base64')).buffer);
    const size = bytes.length / 2;
    const own = decodeBlocks({ name, block: wanted.length / 2, bytes: size }, bytes);
    // the same operations in the same order, so nothing but the last bit may differ
    const largest = Math.max(...wanted.map(Math.abs));
    assert.ok(maxDifference(own, wanted) <= 2 ** -23 * largest, name);
  }
});
