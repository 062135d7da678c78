import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openTensorFile } from '../../../../src/engine/checkpoint/file/tensor-file.ts';
import { RunError, UserError } from '../../../../src/engine/errors.ts';
import { safetensorsOf, withHeader } from './make-safetensors.ts';

const folder = await mkdtemp(join(tmpdir(), 'darkroom-header-'));
after(() => rm(folder, { recursive: true }));

async function put(bytes: Uint8Array | string, name = 'model.safetensors'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

async function refusal(bytes: Uint8Array | string): Promise<string> {
  try {
    await openTensorFile(await put(bytes));
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, /^model\.safetensors/);
    return error.said[0]?.code ?? '';
  }
  assert.fail('it was opened');
}

const good = safetensorsOf(
  { b: { shape: [2, 3] }, a: { type: 'F16', shape: [4] }, one: { shape: [] } },
  { title: 'Ä 𝄞', thumbnail: 'A'.repeat(9999) },
);

test('names, types, shapes and places come from the header', async () => {
  const { tensors, metadata, bytes } = await openTensorFile(await put(good));
  const from = 8 + Number(good.readBigUInt64LE(0));
  assert.deepEqual(
    [...tensors].map(([name, { type, shape, offset, length }]) => [
      name,
      type,
      shape,
      offset - from,
      length,
    ]),
    [
      ['b', 'F32', [2, 3], 0, 24],
      ['a', 'F16', [4], 24, 8],
      ['one', 'F32', [], 32, 4],
    ],
  );
  assert.equal(bytes, good.length);
  assert.deepEqual([...metadata], [['title', 'Ä 𝄞']]);
});

test('blanks around the header, empty tensors and any order of the data are right', async () => {
  const header = {
    late: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
    v_pred: { dtype: 'F32', shape: [0], data_offsets: [4, 4] },
    early: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
  };
  const bytes = withHeader(`${JSON.stringify(header)}      `, new Uint8Array(8));
  const { tensors } = await openTensorFile(await put(bytes));
  assert.deepEqual(tensors.get('v_pred')?.shape, [0]);
  assert.equal(tensors.size, 3);
});

const one = (entry: string, data = 4): Buffer => withHeader(`{"t":${entry}}`, new Uint8Array(data));

const REFUSED: readonly (readonly [string, Uint8Array | string, string])[] = [
  ['no bytes', '', 'file-has-no-bytes'],
  ['seven bytes', 'abcdefg', 'not-safetensors'],
  ['a header of no length', Buffer.alloc(64, 1), 'not-safetensors'],
  ['zeros', Buffer.alloc(5000), 'file-is-blank'],
  ['cut inside the header', good.subarray(0, 60), 'header-breaks-off'],
  ['cut inside the data', good.subarray(0, good.length - 1), 'file-breaks-off'],
  ['bytes behind the end', Buffer.concat([good, good]), 'file-goes-on'],
  ['a list for a header', withHeader('[1,2]'), 'not-safetensors'],
  ['a header that breaks off', withHeader('{"a":{"dtype"'), 'not-safetensors'],
  ['a header that is no text', withHeader('{"\xff":').fill(0xff, 9), 'not-safetensors'],
  ['an unknown type', one('{"dtype":"Q4_K","shape":[1],"data_offsets":[0,4]}'), 'tensor-type'],
  [
    'negative sides',
    one('{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}'),
    'tensor-described-wrongly',
  ],
  ['no entry', one('null'), 'tensor-described-wrongly'],
  [
    'bytes that do not fit',
    one('{"dtype":"F32","shape":[2],"data_offsets":[0,4]}'),
    'tensor-length',
  ],
  [
    'sides whose product is beyond counting',
    one('{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,4]}'),
    'tensor-length',
  ],
  [
    'a place beyond the file',
    one('{"dtype":"F32","shape":[1],"data_offsets":[1099511627776,1099511627780]}'),
    'file-breaks-off',
  ],
  [
    'an end before the start',
    one('{"dtype":"F32","shape":[1],"data_offsets":[4,0]}'),
    'tensor-length',
  ],
  ['a hole', one('{"dtype":"F32","shape":[1],"data_offsets":[4,8]}', 8), 'tensor-hole'],
  [
    'an overlap',
    withHeader(
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      new Uint8Array(8),
    ),
    'tensor-overlaps',
  ],
  [
    'one name twice',
    withHeader(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      new Uint8Array(4),
    ),
    'tensor-twice',
  ],
  ['a zip of torch', 'PK\x03\x04\0\0\0\0archive/data.pkl rest', 'file-is-pickle'],
  ['a bare pickle', Buffer.from('\x80\x02}q\0(X', 'latin1'), 'file-is-pickle'],
  ['another zip', 'PK\x03\x04\0\0\0\0model.safetensors', 'file-is-archive'],
  ['a page', '\n<!DOCTYPE html><html>sign in</html>', 'file-is-web-page'],
  ['an answer', '{"error":"Unauthorized"}', 'file-is-json'],
  ['a pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', 'file-is-lfs-pointer'],
  ['GGUF', 'GGUF\x03\0\0\0\0\0\0\0', 'file-is-gguf'],
  ['a picture', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'file-is-picture'],
];

for (const [what, bytes, code] of REFUSED) {
  test(`refused: ${what}`, async () => assert.equal(await refusal(bytes), code));
}

test('200,000 tensors are refused by counting, and as many that overlap by sorting', async () => {
  const entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
  const many = (count: number): Buffer =>
    withHeader(
      `{${Array.from({ length: count }, (_, i) => `"t${i}":${entry}`).join()}}`,
      new Uint8Array(4),
    );
  assert.equal(await refusal(many(200_000)), 'too-many-tensors');
  assert.equal(await refusal(many(90_000)), 'tensor-overlaps');
});

test('a changed file is read anew, a link leads to the file, a circle of links is said', async () => {
  const file = await put(good, 'changing.safetensors');
  const link = join(folder, 'link.safetensors');
  await symlink(file, link);
  const before = await openTensorFile(link);
  assert.equal(before.name, 'link.safetensors');
  assert.equal(before.path, (await openTensorFile(file)).path);
  await writeFile(file, safetensorsOf({ other: { shape: [4] } }));
  await utimes(file, 1, 1);
  assert.deepEqual([...(await openTensorFile(link)).tensors.keys()], ['other']);
  await symlink(join(folder, 'y'), join(folder, 'x'));
  await symlink(join(folder, 'x'), join(folder, 'y'));
  await assert.rejects(openTensorFile(join(folder, 'x')), /leads back to itself/);
  await assert.rejects(openTensorFile(join(folder, 'absent')), /absent is not there/);
});

/** Marsaglia's xorshift: the same damage every time. */
function* randomNumbers(seed: number): Generator<number> {
  for (let x = seed; ;) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

test('whatever happens to a file, it is opened with every tensor inside or refused in a sentence', async () => {
  const random = randomNumbers(20260116);
  const next = (below: number): number => (random.next().value as number) % below;
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(good);
    for (let hits = 1 + next(4); hits > 0; hits--) bytes[next(bytes.length)] = next(256);
    const cut = next(4) === 0 ? bytes.subarray(0, next(bytes.length)) : bytes;
    try {
      const { tensors } = await openTensorFile(await put(cut, `fuzz-${round}.safetensors`));
      for (const { offset, length } of tensors.values()) assert.ok(offset + length <= cut.length);
    } catch (error) {
      assert.ok(error instanceof RunError, `round ${round}: ${String(error)}`);
      refused += 1;
    }
  }
  assert.ok(refused > 100, `${refused} of 400 were refused`);
});
